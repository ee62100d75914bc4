"""It is promised that the hub shows every viewer the newest frame, and keeps nobody waiting."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable

import pytest

from scoreboard.core.standing import Row, Snapshot
from scoreboard.service import hub as module
from scoreboard.service.frame import Frame, frame_of, text_frame
from scoreboard.service.hub import SLICE, Channel, Hub
from scoreboard.telemetry import Telemetry

CHANNEL = ("default", "all")


class Watcher:
    """A viewer that notes what it is shown; it is not ready when told so."""

    def __init__(self) -> None:
        self.shown, self.ticks, self.byes, self.aborted = [], [], [], False
        self.ready, self.fails = True, False
        self.leave: Callable[[], object] = list

    def show(self, frame: Frame) -> bool:
        if self.fails:
            raise RuntimeError("planted")
        if self.ready:
            self.shown.append(frame.place[1])
        return self.ready

    def receipt(self, _: Frame) -> None: ...

    def tick(self, frame: Frame) -> None:
        self.ticks.append(frame.place[1])

    def bye(self, code: int | str, retry_after_ms: int) -> None:
        self.byes.append((code, retry_after_ms))
        self.leave()

    def abort(self) -> None:
        self.aborted = True


def frame(seq: int, period: str = "all", at: int = 0, epoch: int = 1) -> Frame:
    return frame_of(Snapshot("default", period, epoch, seq, at, (Row(1, "anna", seq, at),)))


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
async def hub(telemetry: Telemetry) -> AsyncIterator[Hub]:
    hub = Hub(heartbeat_ms=20, telemetry=telemetry, clock_ms=lambda: 250)
    yield hub
    await hub.drain(spread_ms=0, within_s=0)


def attach(hub: Hub, count: int, channel: Channel = CHANNEL) -> list[Watcher]:
    watchers = [Watcher() for _ in range(count)]
    for watcher in watchers:
        hub.attach(watcher, channel)
    return watchers


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - the condition is anybody's
            await asyncio.sleep(0.001)


async def test_everybody_of_the_channel_and_nobody_else_is_shown_a_frame(hub: Hub) -> None:
    here, elsewhere = attach(hub, 300), attach(hub, 3, ("other", "all"))
    hub.show(CHANNEL, frame(1))
    await until(lambda: all(watcher.shown == [1] for watcher in here))
    assert all(watcher.shown == [] for watcher in elsewhere)


async def test_an_older_frame_after_a_newer_one_is_passed_over(hub: Hub) -> None:
    (watcher,) = attach(hub, 1)
    for seq in (5, 3, 5):
        hub.show(CHANNEL, frame(seq))
    await until(lambda: watcher.shown)
    hub.show(CHANNEL, frame(4))
    hub.show(CHANNEL, frame(6))
    await until(lambda: watcher.shown[-1] == 6)
    assert watcher.shown == [5, 6]
    assert hub.frame(CHANNEL).place == (1, 6)


async def test_a_frame_that_comes_in_the_middle_of_a_round_replaces_the_one_being_shown(
    hub: Hub,
) -> None:
    watchers = attach(hub, 3 * SLICE)
    hub.show(CHANNEL, frame(1))
    while not watchers[0].shown:  # noqa: ASYNC110 - one turn of the loop at a time
        await asyncio.sleep(0)
    hub.show(CHANNEL, frame(2))
    await until(lambda: all(watcher.shown[-1:] == [2] for watcher in watchers))
    assert watchers[0].shown == [1, 2]
    assert 1 not in watchers[-1].shown


async def test_a_round_lets_others_work_between_slices(hub: Hub) -> None:
    watchers = attach(hub, 20 * SLICE)
    hub.show(CHANNEL, frame(1))
    turns = 0
    while not watchers[-1].shown:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 19


async def test_a_viewer_that_fails_costs_only_itself(hub: Hub) -> None:
    watchers = attach(hub, 3)
    watchers[1].fails = True
    hub.show(CHANNEL, frame(1))
    await until(lambda: watchers[2].shown)
    assert watchers[1].aborted
    assert watchers[0].shown == watchers[2].shown == [1]


async def test_who_has_left_is_shown_nothing(hub: Hub) -> None:
    (watcher,) = attach(hub, 1)
    hub.detach(watcher, CHANNEL)
    hub.detach(watcher, CHANNEL)
    hub.show(CHANNEL, frame(1))
    await asyncio.sleep(0.01)
    assert watcher.shown == []
    assert hub.viewers() == 0


async def test_ticks_come_only_after_silence(hub: Hub) -> None:
    (watcher,) = attach(hub, 1)
    loop = asyncio.get_running_loop()
    for seq in range(1, 20):
        hub.show(CHANNEL, frame(seq))
        await asyncio.sleep(0)
        shown_at = loop.time()
    await until(lambda: watcher.ticks)
    assert loop.time() - shown_at >= 0.019
    assert set(watcher.ticks) == {19}


async def test_freshness_is_the_age_of_a_frame_once_the_last_viewer_has_it(
    hub: Hub, telemetry: Telemetry
) -> None:
    attach(hub, 2)
    hub.show(CHANNEL, frame(1, at=100))
    histogram = telemetry.child("scoreboard_freshness_seconds")
    await until(histogram._sum.get)
    assert histogram._sum.get() == 0.15
    assert telemetry.child("scoreboard_frames_total", "delivered")._value.get() == 2


async def test_draining_says_goodbye_waits_and_cuts_off_who_stays(hub: Hub) -> None:
    watchers = attach(hub, 200)
    for watcher in watchers[:-1]:
        watcher.leave = functools.partial(hub.detach, watcher, CHANNEL)
    await hub.drain(spread_ms=1000, within_s=0.05)
    ((code, retry_after_ms),) = watchers[-1].byes
    assert code == 1012
    assert 500 <= retry_after_ms <= 1500
    assert watchers[-1].aborted
    assert hub.draining


async def test_periods_without_viewers_are_forgotten_longest_unused_first(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ARCHIVE_MAX", 5)
    attach(hub, 1, ("default", "2026-11-01"))
    hub.show(CHANNEL, frame(1))
    for day in range(1, 10):
        hub.show(("default", f"2026-11-0{day}"), frame(day, f"2026-11-0{day}"))
    assert hub.frame(CHANNEL) is not None
    assert hub.frame(("default", "2026-11-01")) is not None
    assert hub.frame(("default", "2026-11-02")) is None
    assert hub.frame(("default", "2026-11-09")) is not None
    assert len(hub._rooms) == 5


async def test_what_the_bus_did_not_bring_is_read_again_after_a_while(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ARCHIVE_TTL_S", 0.0)
    channel = ("default", "2026-11-01")
    assert hub.keep(channel, frame(3, "2026-11-01")).place == (1, 3)
    assert hub.frame(channel) is None
    assert hub.newest(channel).place == (1, 3)
    hub.show(channel, frame(4, "2026-11-01"))
    assert hub.frame(channel).place == (1, 4)
    assert hub.keep(channel, frame(2, "2026-11-01")).place == (1, 4)


@pytest.mark.parametrize(
    ("length", "head"),
    [(125, "817d"), (126, "817e007e"), (65535, "817effff"), (65536, "817f0000000000010000")],
)
def test_a_frame_head_says_its_length_in_the_shortest_form(length: int, head: str) -> None:
    frame = text_frame(b"x" * length)
    assert frame == bytes.fromhex(head) + b"x" * length
