"""It is promised that viewers that vanish, stall or all come at once harm nobody else."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench.viewers import watching
from tests.cluster import Cluster
from tests.conftest import Require
from tests.service_process import Service, eventually

STORM = 5_000
STORM_WITHIN_S = 30
REAPED_WITHIN_S = 30
OTHERS_WITHIN_S = 0.5
GROWTH_BYTES = 64 << 20
DEAF = 8
PREFIX_BITS = 30
VIEWERS = 'scoreboard_viewers{{transport="websocket"}} {}.0'
UPGRADE = (
    b"GET /ws/scoreboard HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
CROWDED = {
    "SCOREBOARD_VIEWERS_MAX": "12000",
    "SCOREBOARD_VIEWERS_PER_ADDRESS": "12000",
    "SCOREBOARD_IP_RATE": "0/60s",
    "SCOREBOARD_LIMITER": "memory:",
    "SCOREBOARD_BUS": "local:",
}


def test_five_thousand_viewers_come_back_at_once_and_read_no_database(
    cluster_factory: Callable[..., Cluster],
) -> None:
    cluster = cluster_factory()
    (node,) = cluster.started(1, {**CROWDED, "SCOREBOARD_BUS": cluster.env["SCOREBOARD_BUS"]})
    assert node.award("alice", "quiz").status == 200
    eventually(lambda: node.get("/v1/scoreboard").json()["rows"])
    with contextlib.ExitStack() as frozen:
        # Whatever these viewers are shown comes from neither: both are asleep.
        frozen.enter_context(_asleep(cluster))
        began = time.monotonic()
        with watching(node.port, STORM) as audience:
            assert time.monotonic() - began < STORM_WITHIN_S
            assert audience.ask("count")["frames"] == STORM
            shown = bytes.fromhex(audience.ask("frame")["frame"])
    top = json.loads(shown[shown.index(b"{") :])
    assert [row["user_id"] for row in top["rows"]] == ["alice"]


def test_viewers_that_never_read_are_cut_off_and_delay_nobody(
    service_factory: Callable[..., Service],
) -> None:
    service = service_factory({"SCOREBOARD_REFRESH_MS": "10"})
    with contextlib.ExitStack() as stack:
        for _ in range(DEAF):
            stack.enter_context(_deaf(service.port))
        eventually(lambda: service.metric("scoreboard_viewers") == DEAF)
        began, slowest, memory = time.monotonic(), 0.0, _memory_bytes(service)
        while service.metric("scoreboard_viewers"):
            assert time.monotonic() - began < REAPED_WITHIN_S
            asked = time.monotonic()
            assert service.award("busy", "quiz").status == 200
            slowest = max(slowest, time.monotonic() - asked)
        assert slowest < OTHERS_WITHIN_S * 4  # a shared machine; held up, it would be 20 s
        assert _memory_bytes(service) - memory < GROWTH_BYTES


def test_peers_that_vanish_without_a_word_are_let_go(
    service_factory: Callable[..., Service], require: Require
) -> None:
    with contextlib.ExitStack() as stack:
        host = stack.enter_context(_another_host(require))
        env = {"SCOREBOARD_HOST": host.near, "SCOREBOARD_HEARTBEAT_MS": "5000"}
        service = service_factory(env, start=False)
        service.spawn()
        base = f"http://{host.near}:{service.port}"
        eventually(lambda: _get(f"{base}/readyz"), within_s=30)
        program = (
            "import socket, sys\n"
            f"peer = socket.create_connection(({host.near!r}, {service.port}))\n"
            f"peer.sendall({UPGRADE!r}.replace(b'127.0.0.1', {host.near.encode()!r}))\n"
            "print(peer.recv(12).decode(), flush=True)\n"
            "sys.stdin.read()\n"
        )
        peer = stack.enter_context(host.running(program))
        assert peer.stdout is not None
        assert peer.stdout.readline().strip() == "HTTP/1.1 101"
        eventually(
            lambda: 'scoreboard_viewers{transport="websocket"} 1.0' in _get(f"{base}/metrics")
        )
        host.unplug()
        # The ticks that are sent meet silence; nothing tells the service that the peer is gone.
        eventually(
            lambda: VIEWERS.format(0) in (_get(f"{base}/metrics") or ""),
            within_s=REAPED_WITHIN_S,
        )


@contextlib.contextmanager
def _asleep(cluster: Cluster) -> Iterator[None]:
    cluster.valkey.pause()
    cluster.postgres.pause()
    try:
        yield
    finally:
        cluster.postgres.resume()
        cluster.valkey.resume()


@contextlib.contextmanager
def _deaf(port: int) -> Iterator[None]:
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.connect(("127.0.0.1", port))
        peer.sendall(UPGRADE)
        assert peer.recv(12) == b"HTTP/1.1 101"
        yield


def _memory_bytes(service: Service) -> int:
    assert service.process is not None
    statm = Path(f"/proc/{service.process.pid}/statm").read_text().split()
    return int(statm[1]) * os.sysconf("SC_PAGE_SIZE")


def _get(url: str) -> str | None:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return str(answer.read().decode())
    return None


class _Host(NamedTuple):
    """A network namespace on the other end of a cable; ``near`` is our end's address."""

    name: str
    near: str
    cable: str

    @contextlib.contextmanager
    def running(self, program: str) -> Iterator["subprocess.Popen[str]"]:
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", program]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
            try:
                yield child
            finally:
                child.kill()

    def unplug(self) -> None:
        subprocess.run(["ip", "link", "set", self.cable, "down"], check=True)


@contextlib.contextmanager
def _another_host(require: Require) -> Iterator[_Host]:
    name = f"sb{secrets.token_hex(3)}"
    octet = secrets.randbelow(60) * 4
    near, far = f"10.213.77.{octet + 1}", f"10.213.77.{octet + 2}"
    steps = (
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {name}b netns {name}",
        f"ip addr add {near}/{PREFIX_BITS} dev {name}a",
        f"ip link set {name}a up",
        f"ip -n {name} addr add {far}/{PREFIX_BITS} dev {name}b",
        f"ip -n {name} link set {name}b up",
    )
    try:
        made = [
            subprocess.run(step.split(), capture_output=True, check=False).returncode
            for step in steps
        ]
    except FileNotFoundError:
        made = [1]
    require("netns", not any(made), "root and iproute2 make a network namespace")
    try:
        yield _Host(name, near, f"{name}a")
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)
        subprocess.run(["ip", "link", "del", f"{name}a"], capture_output=True, check=False)
