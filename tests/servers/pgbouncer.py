"""PgBouncer in session mode before a PostgreSQL of a test."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.postgres import OWNER, POLL_S, START_S, TMP, free_port


def installed_bouncer() -> Path | None:
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


class PgBouncer:
    """Runs while it is entered; knows every user without a password."""

    def __init__(self, program: Path, postgres_port: int) -> None:
        self.port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix="scoreboard-pgbouncer-", dir=TMP))
        self._user = "nobody" if os.geteuid() == 0 else None
        settings = self._home / "pgbouncer.ini"
        settings.write_text(
            f"""
[databases]
* = host=127.0.0.1 port={postgres_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self._home / "users"}
pool_mode = session
max_client_conn = 50
default_pool_size = 20
""",
            "utf-8",
        )
        (self._home / "users").write_text(f'"{OWNER}" ""\n', "utf-8")
        if self._user:
            shutil.chown(self._home, self._user)
        self._command = [program, settings]
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, user=self._user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, "pgbouncer ended"
                assert time.monotonic() < deadline, "pgbouncer does not answer"
                time.sleep(POLL_S)
            else:
                return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(START_S)
        shutil.rmtree(self._home, ignore_errors=True)
