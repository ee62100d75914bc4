"""It is promised that an operator sees how fresh frames arrive, and why viewers are sent away."""

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass

import pytest

from scoreboard.service import delivery
from scoreboard.web.websocket import FRAMES_PER_MINUTE
from tests.web.live_server import (
    LiveServer,
    heard_type,
    live_server,
    masked,
    raw_connection,
    say,
    shake_hands,
    until,
)

PING, TEXT, BINARY = 9, 1, 2


@dataclass
class Delivered:
    count: int
    seconds: float


def delivered(live: LiveServer) -> Delivered:
    text = live.telemetry.exposition().decode()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if "delivered_seconds_" in line]
    found = {name.rsplit("_", 1)[1]: float(value) for name, value in lines if "{" not in name}
    return Delivered(int(found["count"]), found["sum"])


async def test_a_frame_is_delivered_once_the_peers_kernel_has_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "SAMPLE_EVERY_S", 0.0)
    async with live_server() as live:
        # This peer never reads: its kernel takes what fits in, and then no more.
        with raw_connection(live.port, receive_bytes=4_096) as deaf:
            await shake_hands(deaf)
            (protocol,) = live.protocols
            await live.show(2)
            await until(lambda: delivered(live).count == 1)
            for seq in range(3, 2_000):
                await live.show(seq, users=10, name="user" * 20)
                await asyncio.sleep(0.001)
                if protocol._blocked:
                    break
            assert protocol._blocked
            stuck = protocol.receipt()
            await asyncio.sleep(delivery.LOOK_EVERY_S * 4)
            assert stuck() is False
            reading = asyncio.ensure_future(drained(deaf))
            await until(lambda: stuck() is True)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await until(lambda: stuck() is None)


async def drained(peer: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(peer, 65_536):
        pass


async def test_delivery_is_timed_from_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "SAMPLE_EVERY_S", 0.0)
    async with live_server() as live, live.connect() as viewer:
        await heard_type(viewer, "top")
        shown = await live.show(2)
        await until(lambda: delivered(live).count == 1)
        assert delivered(live).seconds >= (time.time() * 1000 - shown.at) / 1000 - 30


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (masked(TEXT, b"nonsense"), "message"),
        (masked(TEXT, b"\xff\xfe"), "protocol"),
        (masked(3, b""), "protocol"),
        (masked(PING, b"") * (FRAMES_PER_MINUTE + 2), "rate"),
        (masked(TEXT, b'{"type":"auth","token":"bad"}'), "token"),
    ],
    ids=["nonsense", "not UTF-8", "unknown opcode", "flood", "bad token"],
)
async def test_who_is_sent_away_is_counted_by_reason_and_once(sent: bytes, reason: str) -> None:
    async with live_server() as live:
        with raw_connection(live.port) as peer:
            await shake_hands(peer)
            with contextlib.suppress(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(peer, sent)
            await until(lambda: live.count("scoreboard_evictions_total", reason) == 1)
        await until(lambda: live.hub.viewers() == 0)
        assert evictions(live) == {reason: 1}


def evictions(live: LiveServer) -> dict[str, float]:
    (metric,) = live.telemetry._metrics["scoreboard_evictions_total"].collect()
    return {each.labels["reason"]: each.value for each in metric.samples if each.value}


async def test_leaving_is_no_eviction() -> None:
    async with live_server() as live:
        async with live.connect() as viewer:
            await heard_type(viewer, "top")
            await say(viewer, "ping")
        with raw_connection(live.port) as peer:
            await shake_hands(peer)
        await until(lambda: live.hub.viewers() == 0)
        assert evictions(live) == {}


async def test_those_sent_away_by_a_leaving_node_are_counted() -> None:
    async with live_server() as live, live.connect() as viewer:
        await heard_type(viewer, "top")
        await live.hub.drain(spread_ms=0, within_s=1)
        assert evictions(live) == {"drain": 1}


async def test_a_peer_out_of_reach_is_a_timeout() -> None:
    async with live_server() as live, live.connect() as viewer:
        await heard_type(viewer, "top")
        (protocol,) = live.protocols
        protocol.connection_lost(TimeoutError(110, "Connection timed out"))
        protocol.transport.abort()
        assert evictions(live) == {"timeout": 1}
