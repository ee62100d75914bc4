"""It is promised that no viewer can delay the others or make the node's memory grow."""

import asyncio
import contextlib
import socket

import pytest
from websockets.asyncio.client import ClientConnection

from scoreboard.web.live_node import LiveSettings
from scoreboard.web.websocket import FRAMES_PER_MINUTE
from tests.web.live_server import (
    HANDSHAKE,
    LiveServer,
    close_code_in,
    heard,
    heard_type,
    live_server,
    masked,
    raw_connection,
    read_all,
    shake_hands,
    until,
)

CLOSE, PING, TEXT, BINARY, CONTINUATION = 8, 9, 1, 2, 0
SMALL = 4_096


async def flood(
    live: LiveServer, viewer: ClientConnection, first_seq: int, frames: int, *, users: int = 10
) -> None:
    """Show frames, each once the one before has reached the well-behaved viewer."""
    for seq in range(first_seq, first_seq + frames):
        await live.show(seq, users=users, name="user" * 20)
        while (await heard(viewer))["seq"] != seq:
            pass


async def test_a_viewer_that_never_reads_holds_one_frame_and_delays_nobody() -> None:
    async with live_server() as live:
        with raw_connection(live.port, receive_bytes=SMALL) as deaf:
            await shake_hands(deaf)
            stuck = live.protocols[-1]
            async with live.connect() as viewer:
                await heard_type(viewer, "top")
                await flood(live, viewer, 2, 400)
                assert stuck._blocked
                largest = len(live.hub.frame(("default", "all")).websocket)
                first = stuck.transport.get_write_buffer_size()
                await flood(live, viewer, 402, 200)
                assert stuck.transport.get_write_buffer_size() == first <= largest
                assert stuck._listener._slot is live.hub.frame(("default", "all"))
                assert live.count("scoreboard_frames_total", "skipped") > 100


async def test_a_viewer_that_reads_again_gets_the_newest_frame_next() -> None:
    async with live_server() as live:
        with raw_connection(live.port, receive_bytes=SMALL) as slow:
            await shake_hands(slow)
            stuck = live.protocols[-1]
            async with live.connect() as viewer:
                await heard_type(viewer, "top")
                await flood(live, viewer, 2, 500)
            seen = b""
            async with asyncio.timeout(20):
                while b'"seq":501,' not in seen:
                    seen += await asyncio.get_running_loop().sock_recv(slow, 512)
            places = [int(part.split(b",")[0]) for part in seen.split(b'"seq":')[1:]]
            assert places == sorted(set(places))
            assert len(places) < 450
            assert stuck._listener._slot is None


async def test_a_viewer_that_does_not_read_cannot_hold_up_a_drain() -> None:
    async with live_server() as live:
        with raw_connection(live.port, receive_bytes=SMALL) as deaf:
            await shake_hands(deaf)
            async with live.connect() as viewer:
                await heard_type(viewer, "top")
                await flood(live, viewer, 2, 300)
            await live.hub.drain(spread_ms=0, within_s=0.3)
            await until(lambda: live.hub.viewers() == 0)


async def test_pings_of_a_peer_that_does_not_read_are_not_stored() -> None:
    async with live_server() as live:
        with raw_connection(live.port, receive_bytes=SMALL) as deaf:
            await shake_hands(deaf)
            stuck = live.protocols[-1]
            async with live.connect() as viewer:
                await heard_type(viewer, "top")
                await flood(live, viewer, 2, 400)
            before = stuck.transport.get_write_buffer_size()
            await asyncio.get_running_loop().sock_sendall(deaf, masked(PING, b"x" * 125) * 100)
            await until(lambda: stuck._frames_seen >= 100)
            assert stuck.transport.get_write_buffer_size() == before


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x05hello", 1002),
        (masked(3, b""), 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (masked(TEXT, b"\xff\xfe"), 1007),
        (masked(TEXT, b"x", fin=False) + masked(TEXT, b"y"), 1002),
        (masked(CONTINUATION, b"x"), 1002),
        (masked(PING, b"", fin=False), 1002),
        (b"\x81\xff\x7f" + b"\xff" * 7 + b"\0\0\0\0", 1009),
        (masked(TEXT, b" " * 5000, fin=False) + masked(CONTINUATION, b" " * 5000), 1009),
        (masked(BINARY, b"{}"), 4000),
        (masked(TEXT, b'{"type":', fin=False) + masked(CONTINUATION, b'"nothing"}'), 4000),
        (masked(CLOSE, b"\x03\xe8"), 1000),
        (masked(CLOSE, b"\x03"), 1002),
        (masked(PING, b"") * (FRAMES_PER_MINUTE + 2), 4129),
        (
            masked(TEXT, b"", fin=False) + masked(CONTINUATION, b"", fin=False) * FRAMES_PER_MINUTE,
            4129,
        ),
    ],
    ids=[
        "unmasked", "unknown opcode", "reserved bit", "not UTF-8", "interleaved", "no beginning",
        "fragmented ping", "2^63 bytes claimed", "too long in two", "binary", "fragmented nonsense",
        "close", "close with half a code", "ping flood", "endless fragments",
    ],
)  # fmt: skip
async def test_hostile_frames_end_the_connection_with_their_code(
    sent: bytes, code: int | str
) -> None:
    async with live_server() as live:
        with raw_connection(live.port) as peer:
            await shake_hands(peer)
            with contextlib.suppress(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(peer, sent)
            assert close_code_in(await read_all(peer)) == code
        await until(lambda: live.hub.viewers() == 0)


async def test_a_message_that_arrives_byte_by_byte_is_one_message() -> None:
    async with live_server() as live:
        with raw_connection(live.port) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await shake_hands(peer)
            for byte in masked(TEXT, b'{"type":"hello"}') + masked(CLOSE, b"\x03\xe8"):
                await asyncio.get_running_loop().sock_sendall(peer, bytes((byte,)))
                await asyncio.sleep(0)
            assert close_code_in(await read_all(peer)) == 1000


async def test_half_a_frame_costs_no_more_than_a_message() -> None:
    async with live_server() as live:
        with raw_connection(live.port) as peer:
            await shake_hands(peer)
            half = b"\x81\xfe\x1f\xff\0\0\0\0" + b"x" * 8000
            await asyncio.get_running_loop().sock_sendall(peer, half)
            reader = live.protocols[-1].conn.reader
            await until(lambda: len(reader.buffer) >= 8000)
            assert len(reader.buffer) <= 8192


async def test_a_viewer_that_vanishes_gives_its_seat_back() -> None:
    async with live_server(settings=LiveSettings(viewers_max=1)) as live:
        for _ in range(5):
            with raw_connection(live.port) as peer:
                assert b"101" in await shake_hands(peer)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await until(lambda: live.count("scoreboard_viewers", "websocket") == 0)


@pytest.mark.parametrize(
    "replaced",
    [
        (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 12"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"short"),
        (b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
        (b"GET ", b"POST "),
    ],
    ids=["version", "key", "no key", "method"],
)
async def test_a_broken_handshake_is_a_problem(replaced: tuple[bytes, bytes]) -> None:
    async with live_server() as live:
        with raw_connection(live.port) as peer:
            request = (HANDSHAKE % (b"", b"")).replace(*replaced)
            await asyncio.get_running_loop().sock_sendall(peer, request)
            answer = await read_all(peer)
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"application/problem+json" in answer
            assert answer.count(b"HTTP/1.1") == 1


async def test_an_attached_viewer_keeps_no_task_and_no_handshake() -> None:
    async with live_server() as live, live.connect() as viewer:
        await heard_type(viewer, "top")
        await until(lambda: not live.server.server_state.tasks)
        protocol = live.protocols[-1]
        assert protocol.scope is None
        assert protocol.request is None
        assert not isinstance(protocol.queue, asyncio.Queue)
