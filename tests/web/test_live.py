"""It is promised that whoever watches a board sees it, and only newer ones after it."""

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from scoreboard.web.live_node import LiveSettings
from tests.web.live_server import (
    EPOCH,
    ORIGIN,
    close_code,
    heard,
    heard_type,
    live_server,
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
