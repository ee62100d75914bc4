"""Starts a service under test in a process of its own, and stops it by its id."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import process, tokens
from bench.load import ACTION

READY_WITHIN_S = 300
STOPPED_WITHIN_S = 60
POINTS = 10
NEVER_REACHED = "1000000/60s"


class ServerError(RuntimeError):
    """A service that did not start, or died under load."""


@dataclass(frozen=True)
class Place:
    """A directory of its own, a free port, and the secret its tokens are signed with."""

    data: Path
    port: int
    secret: tokens.Secret

    @property
    def secret_file(self) -> Path:
        path = self.data / "bench.secret"
        if not path.exists():
            path.write_text(self.secret.text)
            path.chmod(0o600)
        return path


@dataclass(frozen=True)
class Service:
    """How to prepare and start one of the services: ours is one more entry."""

    name: str
    ready: str
    command: Callable[[Place], list[str]]
    environment: Callable[[Place], dict[str, str]]
    preparations: Callable[[tuple[str, ...]], list[list[str]]]
    count_awards: str
    sum_scores: str
    database: str


@dataclass(frozen=True)
class Running:
    """A started service."""

    service: Service
    place: Place
    pid: int
    ready_after_s: float

    @property
    def port(self) -> int:
        return self.place.port

    def cost(self) -> process.Cost:
        return process.cost(self.pid)


def _ours_environment(place: Place) -> dict[str, str]:
    return {
        "SCOREBOARD_DATA": str(place.data),
        "SCOREBOARD_PORT": str(place.port),
        "SCOREBOARD_JWT_KEYS": str(place.secret_file),
        "SCOREBOARD_USER_RATE": NEVER_REACHED,
        "SCOREBOARD_IP_RATE": NEVER_REACHED,
        "SCOREBOARD_VIEWERS_PER_ADDRESS": "20000",
    }


def _ours_preparations(windows: tuple[str, ...]) -> list[list[str]]:
    program = [sys.executable, "-m", "scoreboard"]
    commands = [[*program, "action", "set", ACTION, str(POINTS)]]
    if windows != ("all",):
        commands.append([*program, "board", "set", "default", "--windows", ",".join(windows)])
    return commands


OURS = Service(
    name="scoreboard",
    ready="/readyz",
    command=lambda _: [sys.executable, "-m", "scoreboard", "serve"],
    environment=_ours_environment,
    preparations=_ours_preparations,
    count_awards="SELECT count(*) FROM ledger WHERE kind = 'award'",
    sum_scores="SELECT sum(score) FROM scores WHERE board = 'default' AND period = 'all'",
    database="scoreboard.db",
)

BASELINE = Service(
    name="baseline",
    ready="/v1/scoreboard",
    command=lambda place: [sys.executable, "-m", "bench.baseline", "--port", str(place.port)],
    environment=lambda place: {
        "BASELINE_DATA": str(place.data),
        "BASELINE_SECRET_FILE": str(place.secret_file),
    },
    preparations=lambda _: [],
    count_awards="SELECT count(*) FROM awards",
    sum_scores="SELECT sum(score) FROM scores",
    database="baseline.db",
)

ONE_HOP = replace(
    BASELINE,
    name="one-hop",
    command=lambda place: [*BASELINE.command(place), "--variant", "one-hop"],
)

SERVICES = {service.name: service for service in (OURS, BASELINE, ONE_HOP)}


def new_place(root: Path, secret: tokens.Secret) -> Place:
    """A fresh directory below `root` and a port that is free now."""
    return Place(Path(tempfile.mkdtemp(dir=root)), free_port(), secret)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    service: Service,
    place: Place,
    *,
    windows: tuple[str, ...] = ("all",),
    prepare: bool = True,
) -> Iterator[Running]:
    """The service, ready to answer; stopped with SIGTERM at the end."""
    environment = os.environ | service.environment(place)
    with (place.data / "server.log").open("ab") as log:
        if prepare:
            for command in service.preparations(windows):
                if subprocess.run(
                    command, env=environment, stdout=log, stderr=log, check=False
                ).returncode:
                    raise ServerError(f"{service.name} was not prepared:\n{_tail(place)}")
        began = time.monotonic()
        child = subprocess.Popen(service.command(place), env=environment, stdout=log, stderr=log)
        try:
            _await_ready(service, place, child)
            yield Running(service, place, child.pid, time.monotonic() - began)
            if child.poll() is not None:
                raise ServerError(f"{service.name} died under load:\n{_tail(place)}")
        finally:
            _stop(child)


def _await_ready(service: Service, place: Place, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise ServerError(f"{service.name} did not start:\n{_tail(place)}")
        with contextlib.suppress(OSError):
            link = http.client.HTTPConnection("127.0.0.1", place.port, timeout=5)
            link.request("GET", service.ready)
            if link.getresponse().status == 200:
                link.close()
                return
            link.close()
        time.sleep(0.01)
    raise ServerError(f"{service.name} was not ready within {READY_WITHIN_S} s:\n{_tail(place)}")


def _stop(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _tail(place: Place) -> str:
    return "\n".join((place.data / "server.log").read_text().splitlines()[-20:])
