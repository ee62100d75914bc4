"""It is promised that a connection may ask for so much, for so long, and gets one answer each."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from scoreboard.telemetry import Telemetry
from scoreboard.web.listener import listen
from scoreboard.web.protocol import HttpLimits, http_protocol
from scoreboard.web.websocket import websocket_protocol
from tests.web.live_server import HANDSHAKE, raw_connection, read_all, read_until, serving, until

GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def echo(request: Request) -> JSONResponse:
    body = await request.body()
    names = [name.decode() for name, _ in request.scope["headers"]]
    return JSONResponse({"length": len(body), "headers": names})


async def refuse(request: Request) -> PlainTextResponse:
    return PlainTextResponse("no", status_code=413, headers={"connection": "close"})


async def slow(request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b"tick\n"
            await asyncio.sleep(0.1)

    return StreamingResponse(parts())


@asynccontextmanager
async def server(**limits: Any) -> AsyncIterator[tuple[int, Telemetry, State]]:
    telemetry = Telemetry()
    app = Starlette(
        routes=[
            Route("/hello", hello),
            Route("/echo", echo, methods=["POST"]),
            Route("/refuse", refuse, methods=["POST"]),
            Route("/slow", slow),
        ]
    )
    made = http_protocol(HttpLimits(**limits), telemetry)

    def http(**arguments: Any) -> Any:
        app.state.connection = made(**arguments)
        return app.state.connection

    async with serving(app, http=http, ws=websocket_protocol()) as (port, _):
        yield port, telemetry, app.state


async def ask(port: int, *parts: bytes) -> bytes:
    """Everything a server answers to these bytes until it ends the connection."""
    with raw_connection(port) as peer:
        reading = asyncio.create_task(read_all(peer))
        with contextlib.suppress(ConnectionError):
            for part in parts:
                await asyncio.get_running_loop().sock_sendall(peer, part)
        return await reading


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def refused(telemetry: Telemetry, reason: str) -> float:
    return telemetry.child("scoreboard_connections_refused_total", reason)._value.get()


BODY = b"POST /echo HTTP/1.1\r\nHost: x\r\n%b\r\n%b"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /" + b"a" * 4096 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri-too-long"),
        (b"GET /hello?" + b"a" * 200_000, 414, "uri-too-long"),
        (
            b"GET /hello HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 16_384 + b"\r\n\r\n",
            431,
            "headers-too-large",
        ),
        (b"GET /hello HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000, 431, "headers-too-large"),
        (b"GET /hello HTTP/1.1\r\nHost: x\r\n" + b"a" * 200_000, 431, "headers-too-large"),
        (
            b"GET /hello HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 64 + b"\r\n",
            431,
            "headers-too-large",
        ),
        (b"nonsense\r\n\r\n", 400, "invalid-parameter"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "invalid-parameter"),
        (b"GET /hello HTTP/9.9\r\nHost: x\r\n\r\n", 400, "invalid-parameter"),
        (b"GET /hello HTTP/1.1\r\n\r\n", 400, "invalid-parameter"),
        (b"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "invalid-parameter"),
        (b"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", 400, "invalid-parameter"),
        (b"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, "invalid-parameter"),
        (b"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400, "invalid-parameter"),
        (b"GET /h\xffllo HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid-parameter"),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid-parameter"),
        (BODY % (b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"), 400, "invalid-parameter"),
        (BODY % (b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"), 400, "invalid-parameter"),
        (BODY % (b"Content-Length: +3\r\n", b"abc"), 400, "invalid-parameter"),
        (BODY % (b"Content-Length: 3, 3\r\n", b"abc"), 400, "invalid-parameter"),
        (BODY % (b"Content-Length: 3\r\n" + CHUNKED, b"0\r\n\r\n"), 400, "invalid-parameter"),
        (BODY % (CHUNKED + b"Content-Length: 3\r\n", b"0\r\n\r\n"), 400, "invalid-parameter"),
        (
            BODY % (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
            400,
            "invalid-parameter",
        ),
        (BODY % (CHUNKED, b"x\r\nabc"), 400, "invalid-payload"),
        (BODY % (CHUNKED, b"-1\r\nabc"), 400, "invalid-payload"),
        (BODY % (CHUNKED, b"3\r\nabcX"), 400, "invalid-payload"),
        (BODY % (b"Content-Length: 70000\r\n", b"a" * 70_000), 413, "too-large"),
        (BODY % (b"Content-Length: 99999999999999999999\r\n", b"a"), None, None),
        (BODY % (CHUNKED, b"13880\r\n" + b"a" * 80_000), 413, "too-large"),
        (BODY % (CHUNKED, b"1\r\na\r\n" * 20_000), 413, "too-large"),
        (BODY % (CHUNKED, b"1;" + b"x" * 100_000), 413, "too-large"),
        (BODY % (CHUNKED, b"0\r\nA: " + b"x" * 100_000), 413, "too-large"),
    ],
)
async def test_what_is_too_much_or_malformed_gets_one_problem(
    request_bytes: bytes, status: int, code: int | str
) -> None:
    async with server() as (port, _, _):
        answer = await ask(port, request_bytes, GET)
        found = statuses(answer)
        assert len(found) == 1
        assert found[0] in ({400, 413} if status is None else {status})
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"content-type: application/problem+json" in head
        assert head.lower().count(b"connection: close") == 1
        assert f"content-length: {len(body)}".encode() in head
        problem = json.loads(body)
        assert code is None or problem["code"] == code
        assert problem["instance"].startswith("urn:uuid:")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /hello HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 62 + b"Connection: close\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 16_000 + b"\r\nConnection: close\r\n\r\n",
        b"GET /hello?" + b"a" * 4_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /hello HTTP/1.0\r\n\r\n",
        BODY % (b"Content-Length: 65536\r\nConnection: close\r\n", b"a" * 65_536),
    ],
    ids=["64 fields", "16 KiB of head", "4 KiB of target", "HTTP/1.0", "64 KiB of body"],
)
async def test_what_is_within_the_limits_is_answered(request_bytes: bytes) -> None:
    async with server() as (port, _, _):
        assert statuses(await ask(port, request_bytes)) == [200]


async def test_a_request_may_arrive_byte_by_byte() -> None:
    async with server() as (port, _, _):
        assert statuses(await ask(port, *(bytes((byte,)) for byte in LAST))) == [200]


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with server() as (port, _, _):
        assert statuses(await ask(port, GET * 20 + LAST)) == [200] * 21


async def test_a_malformed_request_in_a_pipeline_is_refused_after_the_others_were_answered() -> (
    None
):
    async with server() as (port, _, _):
        assert statuses(await ask(port, GET * 3 + b"nonsense\r\n\r\n" + GET)) == [
            200,
            200,
            200,
            400,
        ]


async def test_a_pipeline_has_an_end() -> None:
    async with server(pipeline_max=8) as (port, telemetry, _):
        found = statuses(await ask(port, GET * 100))
        assert found[-1] == 413
        assert set(found[:-1]) == {200}
        assert len(found) <= 11
        assert refused(telemetry, "pipeline") == 1


async def test_trailers_never_become_headers() -> None:
    async with server() as (port, _, _):
        tail = b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
        answer = await ask(port, BODY % (CHUNKED + b"Connection: close\r\n", tail))
        body = json.loads(answer.partition(b"\r\n\r\n")[2].splitlines()[-1])
        assert body["length"] == 3
        assert "authorization" not in body["headers"]


async def test_an_answer_before_the_end_of_the_body_is_read_by_who_still_sends() -> None:
    async with server() as (port, _, _):
        request = b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
        answer = await ask(port, request, *[b"a" * 10_000] * 6, GET)
        assert statuses(answer) == [413]


async def test_what_follows_a_refused_upgrade_is_not_read_as_http() -> None:
    async with server() as (port, _, _):
        upgrade = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        assert statuses(await ask(port, upgrade + GET * 3)) == [200]


async def test_an_upgrade_behind_an_unanswered_request_is_refused() -> None:
    async with server() as (port, _, _):
        assert statuses(await ask(port, GET + HANDSHAKE % (b"", b""))) == [200, 400]


async def test_a_handshake_with_a_longer_field_than_the_parser_takes_is_a_problem() -> None:
    async with server() as (port, _, _):
        long = HANDSHAKE % (b"", b"A: " + b"a" * 9_000 + b"\r\n")
        assert statuses(await ask(port, long)) == [431]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", None),
        (b"GET /hello HTTP/1.1\r\n", "head-deadline"),
        (b"GET /hel", "head-deadline"),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", "request-deadline"),
        (BODY % (CHUNKED, b"3\r\nabc\r\n"), "request-deadline"),
    ],
    ids=["nothing", "half a head", "half a line", "half a body", "half the chunks"],
)
async def test_what_is_not_complete_in_time_is_cut_off(sent: bytes, reason: str | None) -> None:
    async with server(head_within_s=0.2, request_within_s=0.4) as (port, telemetry, _):
        assert await ask(port, sent) == b""
        assert reason is None or refused(telemetry, reason) == 1


async def test_slowly_dripping_bytes_buy_no_time() -> None:
    async with server(head_within_s=0.2) as (port, telemetry, _):
        with raw_connection(port) as peer:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(peer, b"GET /hello HTTP/1.1\r\n")

            async def drip() -> None:
                with contextlib.suppress(ConnectionError):
                    while True:
                        await loop.sock_sendall(peer, b"A: b\r\n")
                        await asyncio.sleep(0.01)

            dripping = asyncio.create_task(drip())
            await until(
                lambda: refused(telemetry, "head-deadline") + refused(telemetry, "head-size")
            )
            dripping.cancel()
            assert refused(telemetry, "head-deadline") == 1


async def test_a_deadline_holds_for_the_second_request_of_a_connection_too() -> None:
    async with server(head_within_s=0.2, idle_s=60.0) as (port, telemetry, state):
        with raw_connection(port) as peer:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(peer, GET)
            await read_until(peer, b"hello")
            # The connection now sleeps until it has been idle for a minute.
            await until(lambda: state.connection._timer.when() > loop.time() + 30)
            await asyncio.get_running_loop().sock_sendall(peer, b"GET /hello HT")
            assert await read_all(peer) == b""
            assert refused(telemetry, "head-deadline") == 1


async def test_an_idle_connection_is_closed() -> None:
    async with server(idle_s=0.1) as (port, _, _):
        assert statuses(await ask(port, GET)) == [200]


async def test_a_long_answer_is_not_cut_by_the_deadlines_of_its_request() -> None:
    async with server(head_within_s=0.1, request_within_s=0.2, idle_s=0.2) as (port, _, _):
        answer = await ask(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.count(b"tick") == 8


async def test_the_listener_frees_connections_whose_peer_acknowledges_nothing() -> None:
    listener = listen("127.0.0.1", 0, user_timeout_ms=1234)
    with listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        connection, _ = listener.accept()
        with connection:
            option = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert connection.getsockopt(*option) == 1234
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
