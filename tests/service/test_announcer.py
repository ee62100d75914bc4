"""It is promised that a channel gets at most one frame per refresh, and always the newest."""

import asyncio
from collections.abc import Callable

import pytest

from scoreboard.adapters.memory import LocalBus
from scoreboard.core.standing import Snapshot
from scoreboard.service import announcer as module
from scoreboard.service.announcer import Announcer
from scoreboard.service.frame import Frame
from scoreboard.service.hub import Channel, Hub
from scoreboard.telemetry import Telemetry


class Screen(Hub):
    """A hub that notes when it was shown what."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__(heartbeat_ms=1000, telemetry=telemetry, clock_ms=lambda: 0)
        self.log = []

    def show(self, channel: Channel, frame: Frame) -> None:
        self.log.append((asyncio.get_running_loop().time(), channel, frame.period, frame.place))
        super().show(channel, frame)

    def seqs(self, period: str = "all") -> list[int]:
        return [place[1] for _, channel, _, place in self.log if channel == ("default", period)]


def top(seq: int, period: str = "all", epoch: int = 1) -> Snapshot:
    return Snapshot("default", period, epoch, seq, 0, ())


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
async def screen(telemetry: Telemetry) -> Screen:
    return Screen(telemetry)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - the condition is anybody's
            await asyncio.sleep(0.001)


async def test_the_first_change_is_shown_at_once_and_the_newest_when_due(
    screen: Screen, telemetry: Telemetry
) -> None:
    announcer = Announcer(LocalBus(), screen, refresh_ms=30, telemetry=telemetry)
    for seq in range(1, 100):
        announcer.hear([top(seq)])
    assert screen.seqs() == [1]
    await until(lambda: len(screen.log) == 2)
    assert screen.seqs() == [1, 99]
    assert screen.log[1][0] - screen.log[0][0] >= 0.029
    assert telemetry.child("scoreboard_frames_total", "published")._value.get() == 2


async def test_what_is_heard_out_of_order_never_goes_back(
    screen: Screen, telemetry: Telemetry
) -> None:
    announcer = Announcer(LocalBus(), screen, refresh_ms=0, telemetry=telemetry)
    announcer.hear([top(5), top(3), top(9), top(7)])
    announcer.hear([top(8), top(9), top(1, epoch=2), top(50)])
    assert [place for _, _, _, place in screen.log] == [(1, 5), (1, 9), (2, 1)]


async def test_a_window_follows_its_newest_period(screen: Screen, telemetry: Telemetry) -> None:
    announcer = Announcer(LocalBus(), screen, refresh_ms=0, telemetry=telemetry)
    announcer.hear([top(5, "2026-W09"), top(6, "2026-02")])
    announcer.hear([top(7, "2026-W10")])
    announcer.hear([top(8, "2026-W09")])
    assert screen.seqs("week") == [5, 7]
    assert screen.seqs("month") == [6]
    assert screen.seqs("2026-W09") == [5, 8]


async def test_a_late_change_of_the_past_in_the_same_batch_does_not_hide_the_new_period(
    screen: Screen, telemetry: Telemetry
) -> None:
    announcer = Announcer(LocalBus(), screen, refresh_ms=0, telemetry=telemetry)
    announcer.hear([top(5, "2026-11-23")])
    announcer.hear([top(12, "2026-11-23"), top(10, "2026-11-24")])
    assert screen.frame(("default", "day")).period == "2026-11-24"


async def test_what_is_published_before_and_after_the_start_is_announced(
    screen: Screen, telemetry: Telemetry
) -> None:
    bus = LocalBus()
    await bus.publish([top(1)])
    announcer = Announcer(bus, screen, refresh_ms=0, telemetry=telemetry)
    running = asyncio.create_task(announcer.run())
    await until(lambda: screen.seqs() == [1])
    await bus.publish([top(2)])
    await until(lambda: screen.seqs() == [1, 2])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_no_more_periods_are_remembered_than_allowed(
    screen: Screen, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARD_MAX", 10)
    announcer = Announcer(LocalBus(), screen, refresh_ms=0, telemetry=telemetry)
    for day in range(1, 29):
        announcer.hear([top(day, f"2026-11-{day:02d}")])
    assert len(announcer._newest) == len(announcer._frames) == 10
    assert len(announcer._paces) <= 11
    assert screen.frame(("default", "day")).period == "2026-11-28"
