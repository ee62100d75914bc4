"""It is promised that what the services measure of themselves is what happened."""

import asyncio
from collections.abc import Callable
from typing import Any

from scoreboard.core.award import Recorded, Refused, Repeated
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.standing import Row, Snapshot
from scoreboard.errors import UnknownAction
from scoreboard.service import delivery, gains, tally
from scoreboard.service.delivery import Delivery
from scoreboard.service.frame import frame_of
from scoreboard.service.gains import Gains
from scoreboard.service.tally import Tally
from scoreboard.telemetry import Telemetry


def posting(seq: int, user: str = "ada", points: int = 10, at: int = 0, **other: Any) -> Posting:
    given = {"kind": Kind.AWARD, "action_id": "quiz", "board": "default", "score_after": 0}
    known = {"award_id": str(seq), "user_ref": 1, "user_id": user, "points": points}
    return Posting(epoch=1, seq=seq, at=at, counts_at=at, **(known | given | other))


def value(telemetry: Telemetry, name: str, *labels: str) -> float:
    return float(telemetry.child(name, *labels)._value.get())


# --- by action


def test_only_what_was_recorded_is_counted_by_its_action() -> None:
    telemetry = Telemetry()
    fined = posting(3, points=-5, action_id="foul")
    Tally(telemetry).count(
        [
            Recorded(posting(1)),
            Repeated(posting(1)),
            Refused(UnknownAction()),
            Recorded(posting(2, points=7)),
            Recorded(fined),
        ]
    )
    assert value(telemetry, "scoreboard_action_awards_total", "quiz") == 2
    assert value(telemetry, "scoreboard_action_points_total", "quiz") == 17
    assert value(telemetry, "scoreboard_action_awards_total", "foul") == 1
    assert value(telemetry, "scoreboard_action_points_total", "foul") == 0


def test_actions_beyond_the_limit_share_a_series() -> None:
    telemetry = Telemetry()
    counted = Tally(telemetry)
    for number in range(tally.ACTIONS_MAX + 3):
        counted.count([Recorded(posting(number, action_id=f"action-{number}"))])
    counted.count([Recorded(posting(0, action_id="action-0"))])
    assert value(telemetry, "scoreboard_action_awards_total", "other") == 3
    assert value(telemetry, "scoreboard_action_awards_total", "action-0") == 2
    text = telemetry.exposition().decode()
    assert text.count("\nscoreboard_action_awards_total{") == tally.ACTIONS_MAX + 1


# --- the greatest gain


def test_the_greatest_gain_is_one_users_sum_within_a_minute() -> None:
    found = Gains()
    found.take([posting(1, "ada", 10), posting(2, "bob", 15), posting(3, "ada", 10)])
    assert found.most(59_999) == 20
    assert found.most(60_000) == 20, "the minute before still shows"
    found.take([posting(4, "bob", 12, at=60_001)])
    assert found.most(60_002) == 20
    assert found.most(120_000) == 12
    assert found.most(180_000) == 0


def test_what_takes_points_away_and_what_is_no_award_is_no_gain() -> None:
    found = Gains()
    found.take([posting(1, points=-10), posting(2, kind=Kind.REVERSE, points=30)])
    assert found.most(0) == 0


def test_a_minute_with_too_many_users_takes_no_more_memory(monkeypatch: Any) -> None:
    monkeypatch.setattr(gains, "USERS_MAX", 2)
    found = Gains()
    found.take([posting(seq, f"user-{seq}", seq) for seq in range(1, 5)])
    assert found.most(0) == 2
    found.take([posting(5, "user-1", 9)])
    assert found.most(0) == 10
    assert len(found._gained) == 2


# --- delivered


class Receiver:
    """A viewer whose peer acknowledges when the test says so."""

    def __init__(self, *, known: bool = True) -> None:
        self.acknowledged: bool | None = False
        self.known = known
        self.asked = 0

    def receipt(self, _: object) -> Callable[[], bool | None] | None:
        self.asked += 1
        return (lambda: self.acknowledged) if self.known else None


def count_of(telemetry: Telemetry) -> tuple[int, float]:
    text = telemetry.exposition().decode()
    numbers = dict(
        line.rsplit(" ", 1) for line in text.splitlines() if "delivered_seconds_" in line
    )
    name = "scoreboard_freshness_delivered_seconds"
    return int(float(numbers[f"{name}_count"])), float(numbers[f"{name}_sum"])


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - the condition is anybody's
            await asyncio.sleep(0.001)


FRAME = frame_of(Snapshot("default", "all", 1, 1, 1_000, (Row(1, "anna", 1, 0),)))


async def test_a_frame_is_delivered_when_it_is_acknowledged_not_when_it_is_written() -> None:
    telemetry, now = Telemetry(), [1_250]
    watched = Delivery(telemetry, lambda: now[0])
    receiver = Receiver()
    watched.sample([receiver], FRAME)
    await asyncio.sleep(delivery.LOOK_EVERY_S * 3)
    assert count_of(telemetry)[0] == 0
    now[0], receiver.acknowledged = 1_500, True
    await until(lambda: count_of(telemetry) == (1, 0.5))
    watched.stop()


async def test_a_viewer_that_is_gone_is_not_counted_and_one_that_hangs_is(monkeypatch: Any) -> None:
    monkeypatch.setattr(delivery, "GIVE_UP_S", 0.05)
    telemetry = Telemetry()
    gone, hanging = Receiver(), Receiver()
    gone.acknowledged = None
    Delivery(telemetry, lambda: 1_000).sample([gone, hanging], FRAME)
    await until(lambda: count_of(telemetry)[0])
    assert count_of(telemetry) == (1, 0.05)


async def test_one_round_is_looked_at_at_a_time_and_few_of_its_viewers() -> None:
    watched = Delivery(Telemetry(), lambda: 1_000)
    receivers = [Receiver() for _ in range(50)]
    watched.sample(receivers, FRAME)
    watched.sample(receivers, FRAME)
    assert sum(each.asked for each in receivers) == delivery.SAMPLE
    watched.stop()


async def test_viewers_without_receipts_are_not_waited_for() -> None:
    watched = Delivery(Telemetry(), lambda: 1_000)
    watched.sample([Receiver(known=False)], FRAME)
    assert watched._watching is None
