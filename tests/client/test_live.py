"""The live client against a server that says what it is told: order, resuming, coming back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus

import msgspec
import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from scoreboard import wire
from scoreboard.client import AsyncClient, Link
from scoreboard.client.problem import ClientProblem

WELCOME = wire.Welcome(epoch=1, seq=1, heartbeat_ms=15000, resumed=False)


pytestmark = pytest.mark.usefixtures("soon")
Script = list[list[object] | int]
"""For each connection: messages, then a close code; or the status of a refusal."""


def top(seq: int, epoch: int = 1) -> wire.TopMessage:
    at = "2026-11-23T00:00:00.000Z"
    return wire.TopMessage(board="default", period="all", epoch=epoch, seq=seq, at=at, rows=())


@asynccontextmanager
async def server(
    script: Script, gone: asyncio.Event | None = None
) -> AsyncIterator[tuple[str, list[str], list[bytes]]]:
    paths: list[str] = []
    heard: list[bytes] = []

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        paths.append(request.path)
        if isinstance(script[0], int):
            return connection.respond(HTTPStatus(script.pop(0)), "no")
        return None

    async def play(connection: ServerConnection) -> None:
        steps = script.pop(0)
        assert isinstance(steps, list)
        for step in steps:
            if isinstance(step, int):
                await connection.close(step)
                return
            if step is None:
                heard.append(await connection.recv(decode=False))
                continue
            await connection.send(wire.ENCODER.encode(step), text=True)
        await connection.wait_closed()
        if gone is not None:
            gone.set()

    async with serve(
        play, "127.0.0.1", 0, process_request=refuse, subprotocols=["scoreboard.v1"]
    ) as listener:
        port = next(iter(listener.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}", paths, heard


async def seen(
    url: str, count: int, on_link: Callable[[Link], None] = lambda _: None
) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    async with (
        asyncio.timeout(20),
        AsyncClient(url) as client,
        aclosing(client.watch("b", "day", on_link=on_link)) as tops,
    ):
        async for each in tops:
            places.append((each.epoch, each.seq))
            if len(places) == count:
                return places
    return places


async def test_only_newer_tops_are_shown() -> None:
    script: Script = [[WELCOME, top(5), top(5), top(4), top(7), top(9, epoch=0), top(1, epoch=2)]]
    async with server(script) as (url, paths, _):
        assert await seen(url, 3) == [(1, 5), (1, 7), (2, 1)]
    assert paths == ["/ws/scoreboard?board=b&period=day"]


async def test_it_comes_back_and_resumes_where_it_was() -> None:
    links: list[Link] = []
    script: Script = [
        [WELCOME, top(5), wire.Bye(1012, 1), 1012],
        [WELCOME, top(5), top(6), 4208],
        503,
        429,
        [WELCOME, top(8)],
    ]
    async with server(script) as (url, paths, _):
        assert await seen(url, 3, links.append) == [(1, 5), (1, 6), (1, 8)]
    assert [path.partition("since=")[2] for path in paths] == ["", "1-5", "1-6", "1-6", "1-6"]
    assert links[:4] == [Link.CONNECTING, Link.LIVE, Link.RECONNECTING, Link.LIVE]
    assert links[-1] is Link.LIVE


async def test_a_tick_that_is_ahead_asks_for_the_board_again() -> None:
    script: Script = [[WELCOME, top(5), wire.Tick(1, 5), wire.Tick(1, 6), None, top(6)]]
    async with server(script) as (url, _, heard):
        assert await seen(url, 2) == [(1, 5), (1, 6)]
    assert heard[0] == b'{"type":"resync"}'


async def test_messages_of_a_later_version_and_what_is_none_are_passed_over() -> None:
    script: Script = [[WELCOME, {"type": "fireworks"}, msgspec.Raw(b"{no json"), top(5)]]
    async with server(script) as (url, _, _):
        assert await seen(url, 1) == [(1, 5)]


@pytest.mark.parametrize("code", [4000, 4001, 4003, 1008])
async def test_some_closes_are_for_good(code: int) -> None:
    async with server([[WELCOME, top(5), code]]) as (url, _, _):
        with pytest.raises(ClientProblem) as caught:
            await seen(url, 2)
    assert caught.value.status == code


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_before_the_upgrade_is_for_good(status: int) -> None:
    async with server([status]) as (url, _, _):
        with pytest.raises(ClientProblem) as caught:
            await seen(url, 1)
    assert caught.value.status == status


async def test_leaving_closes_the_socket_at_once() -> None:
    script: Script = [[WELCOME, top(5)]]
    gone = asyncio.Event()
    async with server(script, gone) as (url, _, _), asyncio.timeout(30):
        await seen(url, 1)
        await gone.wait()
