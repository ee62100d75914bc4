"""It is promised that an event stream shows the same tops, and resumes where it was cut."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from scoreboard.web.live_node import LiveSettings
from scoreboard.web.protocol import HttpLimits
from tests.web.live_server import (
    EPOCH,
    ORIGIN,
    LiveServer,
    heard_type,
    live_server,
    raw_connection,
    read_all,
    read_until,
    until,
)


@asynccontextmanager
async def stream(
    live: LiveServer, target: str = "/v1/boards/default/stream", headers: bytes = b""
) -> AsyncIterator[socket.socket]:
    with raw_connection(live.port) as peer:
        request = b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (target.encode(), headers)
        await asyncio.get_running_loop().sock_sendall(peer, request)
        yield peer


async def test_a_stream_begins_with_the_board_and_goes_on_with_what_changes() -> None:
    async with live_server(first_seq=7) as live, stream(live) as peer:
        start = await read_until(peer, b"]}\n\n")
        head = start.partition(b"\r\n\r\n")[0].lower()
        for field in (
            b"content-type: text/event-stream",
            b"cache-control: no-store",
            b"x-accel-buffering: no",
        ):
            assert field in head
        assert b"retry: " in start
        assert f"id: {EPOCH}-7\n".encode() in start
        await live.show(8)
        event = await read_until(peer, b"]}\n\n")
        assert f"id: {EPOCH}-8\n".encode() in event
        data = json.loads(event.partition(b"data: ")[2].split(b"\n")[0])
        assert (data["type"], data["seq"]) == ("top", 8)


@pytest.mark.parametrize(
    ("last", "sent_again"),
    [(f"{EPOCH}-7", False), (f"{EPOCH}-9", False), (f"{EPOCH}-6", True), ("nonsense", True)],
    ids=["same", "ahead", "behind", "unknown"],
)
async def test_what_the_browser_has_is_not_sent_again(last: str, sent_again: bool) -> None:
    header = f"Last-Event-ID: {last}\r\n".encode()
    async with live_server(first_seq=7) as live, stream(live, headers=header) as peer:
        await until(lambda: live.hub.viewers() == 1)
        await live.show(10)
        seen = await read_until(peer, f"id: {EPOCH}-10\n".encode())
        assert (f"id: {EPOCH}-7\n".encode() in seen) is sent_again


async def test_silence_is_filled_with_comments() -> None:
    settings = LiveSettings(heartbeat_ms=30)
    async with live_server(settings=settings) as live, stream(live) as peer:
        assert f": tick {EPOCH}-1\n\n".encode() in await read_until(peer, b": tick")


async def test_a_stream_outlives_the_deadlines_of_its_request() -> None:
    limits = HttpLimits(head_within_s=0.1, request_within_s=0.1, idle_s=0.1)
    settings = LiveSettings(heartbeat_ms=100)
    async with live_server(settings=settings, limits=limits) as live, stream(live) as peer:
        for _ in range(5):
            assert b": tick" in await read_until(peer, b": tick")


@pytest.mark.parametrize(
    ("target", "headers", "status", "code"),
    [
        ("/v1/boards/unknown/stream", b"", 404, "not-found"),
        ("/v1/boards/default/stream?period=x", b"", 400, "invalid-parameter"),
        ("/v1/boards/default/stream?token=x", b"", 400, "invalid-parameter"),
        (
            "/v1/boards/default/stream",
            b"Origin: http://evil.example\r\n",
            403,
            "origin-not-allowed",
        ),
    ],
)
async def test_what_cannot_be_streamed_is_a_problem(
    target: str, headers: bytes, status: int, code: int | str
) -> None:
    async with live_server() as live:
        async with stream(live, target, headers + b"Connection: close\r\n") as peer:
            answer = await read_all(peer)
        assert answer.startswith(b"HTTP/1.1 %d" % status)
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == code
        assert live.count("scoreboard_viewers", "sse") == 0


async def test_streams_and_sockets_share_the_seats() -> None:
    settings = LiveSettings(origins=frozenset({ORIGIN}), viewers_per_address=1)
    async with live_server(settings=settings) as live:
        async with live.connect() as viewer:
            await heard_type(viewer, "top")
            async with stream(live, headers=b"Connection: close\r\n") as peer:
                assert b" 429 " in (await read_all(peer))[:20]
        await until(lambda: live.hub.viewers() == 0)
        async with stream(live) as peer:
            await read_until(peer, b"data: ")
        await until(lambda: live.hub.viewers() == 0)
        await until(lambda: live.count("scoreboard_viewers", "sse") == 0)


async def test_draining_ends_a_stream_and_says_when_to_come_back() -> None:
    async with live_server() as live, stream(live) as peer:
        await read_until(peer, b"data: ")
        await live.hub.drain(spread_ms=0, within_s=5)
        end = await read_until(peer, b"0\r\n\r\n")
        assert b"retry: 500\n\n" in end


async def test_a_stream_that_is_not_read_holds_one_frame_and_delays_nobody() -> None:
    async with live_server() as live:
        with raw_connection(live.port, receive_bytes=4096) as deaf:
            request = b"GET /v1/boards/default/stream HTTP/1.1\r\nHost: x\r\n\r\n"
            await asyncio.get_running_loop().sock_sendall(deaf, request)
            await until(lambda: live.hub.viewers() == 1)
            (stuck,) = live.hub._everybody()
            async with live.connect() as viewer:
                await heard_type(viewer, "top")
                for seq in range(2, 800):
                    await live.show(seq, users=10, name="user" * 20)
                    while (await heard_type(viewer, "top"))["seq"] != seq:
                        pass
            assert stuck._slot is live.hub.frame(("default", "all"))
            assert len(stuck._note) < 100
