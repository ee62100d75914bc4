"""It is promised that a socket is its token's user's, as long as the token is valid."""

import time
from typing import Any

import pytest

from scoreboard.core.standing import Next, Standing
from tests.web.live_server import (
    EPOCH,
    close_code,
    heard,
    heard_type,
    live_server,
    say,
)

both_servers = pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "asgi"])


@pytest.mark.parametrize(
    "more",
    [
        {"additional_headers": {"Authorization": "Bearer good"}},
        {"subprotocols": ["scoreboard.v1", "scoreboard.bearer.good"]},
    ],
    ids=["header", "subprotocol"],
)
async def test_credentials_in_the_handshake_are_verified_and_not_echoed(
    more: dict[str, Any],
) -> None:
    async with live_server() as live:
        live.tokens.issue("good", "anna", time.time() + 60)
        live.standings["anna"] = Standing(2, "anna", 50, EPOCH, 4, Next(1, 51))
        async with live.connect(**more) as viewer:
            assert viewer.subprotocol == ("scoreboard.v1" if "subprotocols" in more else None)
            await say(viewer, "hello", me=True)
            me = await heard_type(viewer, "me")
            assert me["standing"]["rank"] == 2
            assert me["standing"]["percentile"] == 50.0
            assert (me["board"], me["period"]) == ("default", "all")


async def test_me_is_sent_only_when_it_changed() -> None:
    async with live_server() as live:
        token = live.tokens.issue("good", "anna", time.time() + 60)
        async with live.connect() as viewer:
            await say(viewer, "hello", token=token, me=True)
            assert (await heard_type(viewer, "me"))["standing"] is None
            live.standings["anna"] = Standing(1, "anna", 50, EPOCH, 4, None)
            assert (await heard_type(viewer, "me"))["standing"]["to_next"] is None


@both_servers
@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([("hello", {"token": "bad"})], 4001),
        ([("hello", {"me": True})], 4001),
        ([("auth", {"token": "bad"})], 4001),
        ([("hello", {"token": "good"}), ("auth", {"token": "bob's"})], 4003),
    ],
    ids=["bad hello", "me without a token", "bad auth", "another user"],
)
async def test_credentials_that_do_not_hold_end_the_connection(
    messages: list[tuple[str, dict[str, Any]]], code: int | str, prepared: bool
) -> None:
    async with live_server(prepared=prepared) as live:
        live.tokens.issue("good", "anna", time.time() + 60)
        live.tokens.issue("bob's", "bob", time.time() + 60)
        async with live.connect() as viewer:
            for kind, members in messages:
                await say(viewer, kind, **members)
            assert (await heard_type(viewer, "bye"))["code"] == code
            assert await close_code(viewer) == code


async def test_an_expired_token_ends_the_connection_without_another_frame() -> None:
    async with live_server() as live:
        token = live.tokens.issue("good", "anna", time.time() + 60)
        headers = {"Authorization": f"Bearer {token}"}
        async with live.connect(additional_headers=headers) as viewer:
            await heard_type(viewer, "top")
            live.clock.ahead_ms = 61_000
            await live.show(2)
            bye = await heard(viewer)
            assert (bye["type"], bye["code"]) == ("bye", 4101)
            assert await close_code(viewer) == 4101


async def test_a_token_expires_on_a_silent_socket_too() -> None:
    async with live_server() as live:
        token = live.tokens.issue("good", "anna", time.time() + 1)
        async with live.connect() as viewer:
            await say(viewer, "hello", token=token)
            assert (await heard_type(viewer, "bye"))["code"] == 4101


async def test_a_fresh_token_prolongs_the_connection() -> None:
    async with live_server() as live:
        now = time.time()
        live.tokens.issue("first", "anna", now + 60)
        live.tokens.issue("second", "anna", now + 600)
        async with live.connect() as viewer:
            await heard_type(viewer, "top")
            await say(viewer, "hello", token="first")
            await say(viewer, "auth", token="second")
            await say(viewer, "ping")
            await heard_type(viewer, "tick")
            live.clock.ahead_ms = 61_000
            await live.show(2)
            assert (await heard(viewer))["seq"] == 2
