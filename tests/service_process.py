"""The real service as a process: ``service`` and ``service_factory`` for every test."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

READY_WITHIN_S = 90
STOP_WITHIN_S = 40
UNLIMITED = "1000000/60s"


class Answer(NamedTuple):
    """An HTTP answer; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """One process of ``scoreboard serve`` on a loopback port of its own."""

    def __init__(self, data: Path, env: Mapping[str, str]) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            "SCOREBOARD_DATA": str(data),
            "SCOREBOARD_PORT": str(self.port),
            "SCOREBOARD_USER_RATE": UNLIMITED,
            "SCOREBOARD_IP_RATE": UNLIMITED,
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None

    # --- life and death

    def spawn(self) -> None:
        """Start without waiting."""
        with (self.log_path).open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scoreboard", "serve"],
                env={**os.environ, **self.env},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def start(self) -> None:
        self.spawn()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"the service ended by itself:\n{self.log()[-3000:]}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.get("/readyz").status == 200:
                    return
            time.sleep(0.02)
        pytest.fail(f"the service was not ready in time:\n{self.log()[-3000:]}")

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_WITHIN_S)
        self.process = None
        return code

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_WITHIN_S)
        self.process = None

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.process = None

    @property
    def log_path(self) -> Path:
        return self.data / "service.log"

    def log(self) -> str:
        return self.log_path.read_text("utf-8", errors="replace")

    # --- use

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``scoreboard`` beside the service."""
        done = subprocess.run(
            [sys.executable, "-m", "scoreboard", *arguments],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"scoreboard {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done

    def token(self, user: str, *scopes: str) -> str:
        """A token of the local secret, made in this process: a command each would be slow."""
        from scoreboard import assembly  # noqa: PLC0415 - after the environment is scrubbed
        from scoreboard.settings import load  # noqa: PLC0415

        settings = load({}, self.env, self.data)
        return assembly.local_token(settings, user, frozenset(scopes), 3_600)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def award(
        self,
        user: str,
        action: str,
        *,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """``POST /v1/scores`` with the user's own token."""
        sent = {
            "Authorization": f"Bearer {token or self.token(user)}",
            "Content-Type": "application/json",
            **({"Idempotency-Key": key} if key else {}),
            **(headers or {}),
        }
        body = json.dumps({"user_id": user, "action_id": action}).encode()
        return self.request("POST", "/v1/scores", body=body, headers=sent)

    def as_admin(self, method: str, path: str, body: object = None) -> Answer:
        """What an administrator is answered below ``/v1/admin/``."""
        headers = {
            "Authorization": f"Bearer {self.token('admin', 'scores:admin')}",
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body).encode()
        return self.request(method, f"/v1/admin/{path}", body=sent, headers=headers)

    def put(self, path: str, settings: Mapping[str, object]) -> Answer:
        """A change of the catalogue by an administrator."""
        answer = self.as_admin("PUT", path, {"reason": "test", **settings})
        assert answer.status == 200, answer.body
        return answer

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        lines = self.get("/metrics").body.decode().splitlines()
        samples = [line for line in lines if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in samples)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(what: Callable[[], Any], *, within_s: float = 30.0) -> Any:
    """The first true answer; fails when none comes in time."""
    deadline = time.monotonic() + within_s
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within_s} s: {what}")
        time.sleep(0.01)


@pytest.fixture
def service_factory(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Makes services, each with its own data and the actions ``quiz`` (10) and ``slip`` (-3)."""
    made: list[Service] = []

    def make(env: Mapping[str, str] | None = None, *, start: bool = True) -> Service:
        data = tmp_path / f"data-{secrets.token_hex(3)}"
        data.mkdir(mode=0o700)
        service = Service(data, env or {})
        made.append(service)
        if start:
            service.start()
            service.put("actions/quiz", {"points": 10})
            service.put("actions/slip", {"points": -3})
        return service

    yield make
    for service in made:
        service.end()


@pytest.fixture
def service(service_factory: Callable[..., Service]) -> Service:
    """A running service."""
    return service_factory()
