"""It is promised that whoever watches a board sees it, and only newer ones after it."""

import asyncio
import json
import time
import uuid
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from scoreboard.core.standing import Next, Standing
from scoreboard.web.viewer import LiveSettings
from tests.web.live_server import (
    EPOCH,
    ORIGIN,
    close_code,
    heard,
    heard_type,
    live_server,
    say,
    snapshot,
    until,
)

both_servers = pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "asgi"])


def settings(**more: object) -> LiveSettings:
    return LiveSettings(**{"origins": frozenset({ORIGIN}), **more})


@both_servers
async def test_a_viewer_is_welcomed_and_shown_the_board_at_once(prepared: bool) -> None:
    async with live_server(first_seq=7, prepared=prepared) as live, live.connect() as viewer:
        welcome, top = await heard(viewer), await heard(viewer)
        assert welcome == {
            "type": "welcome",
            "epoch": EPOCH,
            "seq": 7,
            "heartbeat_ms": 15_000,
            "resumed": False,
        }
        assert (top["type"], top["board"], top["period"]) == ("top", "default", "all")
        assert (top["epoch"], top["seq"], len(top["rows"])) == (EPOCH, 7, 3)
        assert top["rows"][0]["updated_at"].endswith("Z")
        assert live.reads == []


@both_servers
async def test_a_changed_top_reaches_every_viewer(prepared: bool) -> None:
    async with (
        live_server(prepared=prepared) as live,
        live.connect() as one,
        live.connect() as other,
    ):
        for viewer in (one, other):
            await heard_type(viewer, "top")
        await live.show(2)
        for viewer in (one, other):
            assert (await heard(viewer))["seq"] == 2


@pytest.mark.parametrize(
    ("since", "resumed"),
    [(f"{EPOCH}-7", True), (f"{EPOCH}-8", True), (f"{EPOCH}-6", False), (f"{EPOCH + 1}-9", False)],
    ids=["same", "ahead", "behind", "another epoch"],
)
async def test_a_board_the_viewer_has_is_not_sent_again(since: str, resumed: bool) -> None:
    async with live_server(first_seq=7) as live, live.connect(f"?since={since}") as viewer:
        assert (await heard(viewer))["resumed"] is resumed
        await live.show(9)
        assert [(await heard(viewer))["seq"]] == ([9] if resumed else [7])


@both_servers
async def test_an_older_frame_is_never_shown_after_a_newer_one(prepared: bool) -> None:
    async with live_server(first_seq=5, prepared=prepared) as live, live.connect() as viewer:
        seen = [(await heard_type(viewer, "top"))["seq"]]
        for seq in (9, 4, 8, 12, 11, 20):
            live.announcer.hear([snapshot(seq)])
        while seen[-1] != 20:
            seen.append((await heard_type(viewer, "top"))["seq"])
        assert seen == sorted(set(seen))


async def test_frames_of_a_new_epoch_are_newer() -> None:
    async with live_server(first_seq=90) as live, live.connect() as viewer:
        await heard_type(viewer, "top")
        await live.show(1, epoch=EPOCH + 1)
        assert (await heard(viewer))["epoch"] == EPOCH + 1


async def test_a_window_moves_to_its_new_period_and_a_named_period_stays() -> None:
    async with live_server() as live:
        await live.show(5, period="2026-11-23")
        await until(lambda: live.hub.frame(("default", "day")))
        async with live.connect("?period=day") as day, live.connect("?period=2026-11-23") as named:
            assert (await heard_type(day, "top"))["period"] == "2026-11-23"
            assert (await heard_type(named, "top"))["period"] == "2026-11-23"
            await live.show(6, period="2026-11-24", users=0)
            moved = await heard(day)
            assert (moved["period"], moved["rows"]) == ("2026-11-24", [])
            await live.show(7, period="2026-11-23")
            await live.show(8, period="2026-11-24")
            assert (await heard(named))["seq"] == 7
            assert (await heard(day))["seq"] == 8


async def test_a_past_period_is_read_once_for_everybody() -> None:
    async with live_server() as live:
        live.archive["default", "2026-W40"] = snapshot(3, period="2026-W40")
        viewers = [live.connect("?period=2026-W40") for _ in range(20)]
        opened = await asyncio.gather(*(viewer.__aenter__() for viewer in viewers))
        for viewer in opened:
            assert (await heard_type(viewer, "top"))["period"] == "2026-W40"
        assert live.reads == [("default", "2026-W40")]
        await asyncio.gather(*(viewer.__aexit__(None, None, None) for viewer in viewers))


@both_servers
async def test_silence_is_filled_with_ticks(prepared: bool) -> None:
    async with (
        live_server(settings=settings(heartbeat_ms=30), prepared=prepared) as live,
        live.connect() as viewer,
    ):
        tick = await heard_type(viewer, "tick")
        assert tick == {"type": "tick", "epoch": EPOCH, "seq": 1}
        assert (await heard(viewer))["type"] == "tick"


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


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?token=x", 400, "invalid-parameter"),
        ("?access_token=x", 400, "invalid-parameter"),
        ("?period=all&period=all", 400, "invalid-parameter"),
        ("?period=yesterday", 400, "invalid-parameter"),
        ("?period=2026-02-30", 400, "invalid-parameter"),
        ("?board=", 400, "invalid-parameter"),
        ("?board=a%00b", 400, "invalid-parameter"),
        ("?board=%ff", 400, "invalid-parameter"),
        ("?since=1", 400, "invalid-parameter"),
        ("?since=1-2-3", 400, "invalid-parameter"),
        ("?since=-1-2", 400, "invalid-parameter"),
        ("?board", 400, "invalid-parameter"),
        ("?board=unknown", 404, "not-found"),
        ("?period=2020-01-01", 404, "not-found"),
        ("?period=week", 404, "not-found"),
    ],
)
async def test_what_cannot_be_watched_is_refused_before_the_upgrade(
    query: str, status: int, code: int | str
) -> None:
    async with live_server() as live:
        with pytest.raises(InvalidStatus) as refused:
            await live.connect(query).__aenter__()
        response = refused.value.response
        problem = json.loads(response.body)
        assert (response.status_code, problem["code"]) == (status, code)
        assert response.headers["content-type"] == "application/problem+json"
        uuid.UUID(problem["instance"].removeprefix("urn:uuid:"))
        assert live.count("scoreboard_viewers", "websocket") == 0


@pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "asgi"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        ORIGIN + ".evil.example",
        ORIGIN + ":81",
        "https://board.example",
    ],
)
async def test_a_page_of_another_origin_is_refused(origin: str, prepared: bool) -> None:
    async with live_server(prepared=prepared) as live:
        with pytest.raises(InvalidStatus) as refused:
            await live.connect(origin=origin).__aenter__()
        assert json.loads(refused.value.response.body)["code"] == "origin-not-allowed"
        assert refused.value.response.status_code == 403
        assert live.count("scoreboard_frames_total", "delivered") == 0


async def test_a_page_of_an_allowed_origin_may_watch() -> None:
    async with live_server() as live, live.connect(origin=ORIGIN) as viewer:
        await heard_type(viewer, "top")


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


@pytest.mark.parametrize(
    "more",
    [
        {"additional_headers": {"Authorization": "Bearer bad"}},
        {"additional_headers": {"Authorization": "Basic YTpi"}},
        {"additional_headers": {"Authorization": "Bearer"}},
        {"subprotocols": ["scoreboard.v1", "scoreboard.bearer.bad"]},
        {
            "additional_headers": {"Authorization": "Bearer good"},
            "subprotocols": ["scoreboard.bearer.other"],
        },
    ],
    ids=["header", "basic", "empty", "subprotocol", "two different ones"],
)
async def test_invalid_credentials_are_refused_with_401(more: dict[str, Any]) -> None:
    async with live_server() as live:
        for token in ("good", "other"):
            live.tokens.issue(token, "anna", time.time() + 60)
        with pytest.raises(InvalidStatus) as refused:
            await live.connect(**more).__aenter__()
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["www-authenticate"] == "Bearer"


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


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        ({"viewers_max": 2}, 503, "overloaded"),
        ({"viewers_per_address": 2}, 429, "too-many-connections"),
    ],
)
async def test_more_viewers_than_allowed_are_refused_until_one_leaves(
    limits: dict[str, Any], status: int, code: int | str
) -> None:
    async with live_server(settings=settings(**limits)) as live:
        async with live.connect():
            async with live.connect():
                with pytest.raises(InvalidStatus) as refused:
                    await live.connect().__aenter__()
                response = refused.value.response
                assert (response.status_code, json.loads(response.body)["code"]) == (status, code)
                assert int(response.headers["retry-after"]) > 0
            await until(lambda: live.count("scoreboard_viewers", "websocket") == 1)
            async with live.connect() as viewer:
                await heard_type(viewer, "top")
        await until(lambda: live.count("scoreboard_viewers", "websocket") == 0)


async def test_more_connections_of_a_user_than_allowed_are_refused() -> None:
    async with live_server(settings=settings(viewers_per_user=1)) as live:
        live.tokens.issue("good", "anna", time.time() + 60)
        headers = {"Authorization": "Bearer good"}
        async with live.connect(additional_headers=headers):
            with pytest.raises(InvalidStatus) as refused:
                await live.connect(additional_headers=headers).__aenter__()
            assert refused.value.response.status_code == 429
            async with live.connect() as viewer:
                await say(viewer, "hello", token="good")
                assert (await heard_type(viewer, "bye"))["code"] == 4129
        await until(lambda: live.hub.viewers() == 0)
        async with live.connect(additional_headers=headers) as viewer:
            await heard_type(viewer, "top")


@both_servers
async def test_draining_sends_everybody_away_at_spread_times(prepared: bool) -> None:
    async with live_server(prepared=prepared) as live:
        viewers = [await live.connect().__aenter__() for _ in range(30)]
        await until(lambda: live.hub.viewers() == 30)
        await live.hub.drain(spread_ms=5_000, within_s=10)
        assert live.hub.viewers() == 0
        waits = set()
        for viewer in viewers:
            bye = await heard_type(viewer, "bye")
            assert bye["code"] == 1012
            waits.add(bye["retry_after_ms"])
            assert await close_code(viewer) == 1012
        assert len(waits) > 15
        assert all(500 <= wait <= 5_500 for wait in waits)
        with pytest.raises(InvalidStatus) as refused:
            await live.connect().__aenter__()
        assert refused.value.response.status_code == 503
