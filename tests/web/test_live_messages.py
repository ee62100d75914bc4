"""It is promised that a viewer's messages are answered in order, and bounded."""

import asyncio
import time

import pytest

from tests.web.live_server import (
    EPOCH,
    close_code,
    heard,
    heard_type,
    live_server,
    say,
    until,
)

both_servers = pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "asgi"])


@both_servers
async def test_a_ping_is_answered_by_a_tick_and_a_resync_by_the_board(prepared: bool) -> None:
    async with live_server(first_seq=3, prepared=prepared) as live, live.connect() as viewer:
        await heard_type(viewer, "top")
        await say(viewer, "ping")
        assert await heard(viewer) == {"type": "tick", "epoch": EPOCH, "seq": 3}
        await say(viewer, "resync")
        assert (await heard(viewer))["seq"] == 3
        await say(viewer, "hello")
        await say(viewer, "ping")
        assert (await heard(viewer))["type"] == "tick"


@both_servers
@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        "{}",
        "nonsense",
        '{"type":"ping","type":"ping"}',
        '{"type":"hello","me":false,"me":true}',
        '{"type":"hello","extra":1}',
        '{"type":"top"}',
        '{"type":"hello","me":1}',
        '{"type":"auth"}',
        '{"type":"ping"} x',
        '\ufeff{"type":"ping"}',
        "[" * 8000,
        b'{"type":"ping"}',
    ],
    ids=repr,
)
async def test_what_is_no_message_ends_the_connection_with_4000(
    message: str | bytes, prepared: bool
) -> None:
    async with live_server(prepared=prepared) as live, live.connect() as viewer:
        await viewer.send(message)
        assert (await heard_type(viewer, "bye"))["code"] == 4000
        assert await close_code(viewer) == 4000


async def test_a_message_over_8_kib_ends_the_connection_with_1009() -> None:
    async with live_server() as live, live.connect() as viewer:
        await viewer.send(" " * 8193)
        assert await close_code(viewer) == 1009


@both_servers
async def test_the_21st_message_of_a_minute_ends_the_connection_with_4129(prepared: bool) -> None:
    async with live_server(prepared=prepared) as live, live.connect() as viewer:
        for _ in range(20):
            await say(viewer, "ping")
            await heard_type(viewer, "tick")
        await say(viewer, "ping")
        bye = await heard_type(viewer, "bye")
        assert bye["code"] == 4129
        assert bye["retry_after_ms"] >= 60_000
        assert await close_code(viewer) == 4129


async def test_messages_sent_while_a_token_is_verified_are_answered_in_order() -> None:
    async with live_server(first_seq=4) as live:
        live.tokens.issue("good", "anna", time.time() + 60)
        live.tokens.gate = asyncio.Event()
        async with live.connect() as viewer:
            await heard_type(viewer, "top")
            await say(viewer, "hello", token="good")
            await say(viewer, "resync")
            await say(viewer, "ping")
            await until(lambda: live.live.tasks)
            live.tokens.gate.set()
            assert [(await heard(viewer))["type"] for _ in range(2)] == ["top", "tick"]
