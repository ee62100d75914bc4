"""What every ledger promises of time and of periods."""

from pathlib import Path

import pytest

from scoreboard.core.award import Recorded
from scoreboard.core.posting import Kind
from scoreboard.errors import PeriodMoved
from scoreboard.ports import Ledger, Opening, Prepared

from .conftest import OpenLedger
from .material import (
    DAY_MS,
    DEFAULT,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOON,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    ensure_sums,
    put,
)


async def test_time_never_runs_back_when_the_clock_does(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    clock.now_ms -= HOUR_MS
    await append(ledger, clock, award("a2"))
    clock.now_ms += 2 * HOUR_MS
    await append(ledger, clock, award("a3"))
    moments = [posting.at for posting in await all_postings(ledger)]
    assert moments == [NOON, NOON, NOON, NOON + HOUR_MS]
    assert (await ledger.head()).at == NOON + HOUR_MS


async def test_points_count_in_each_current_period(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, LEAGUE, GOAL)
    await append(ledger, clock, award("a1", action=GOAL))
    clock.now_ms += DAY_MS
    await append(ledger, clock, award("a2", action=GOAL), award("a3", action=QUIZ))
    expected = {
        "all": 6, "2026-11-23": 3, "2026-11-24": 3, "2026-W48": 6, "2026-11": 6,
    }  # fmt: skip
    for period, score in expected.items():
        [found] = await all_scores(ledger, ("league", period))
        assert found.score == score, period
    [only] = await all_scores(ledger, ("default", "all"))
    assert only.score == 5
    await ensure_sums(ledger)


async def test_a_group_of_a_period_that_ended_is_refused_whole(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL)
    before = await ledger.head()
    periods = {
        "league": LEAGUE.periods_at(clock()),
        "default": DEFAULT.periods_at(clock()),
    }
    stale = Prepared((await ledger.catalogue()).version, periods)
    clock.now_ms = periods["league"][1].end_ms
    with pytest.raises(PeriodMoved):
        await ledger.append([award("a1"), award("a2", action=GOAL)], stale)
    assert await ledger.head() == before
    assert await ledger.posting("a1") is None
    clock.now_ms -= 1
    outcomes = await ledger.append([award("a2", action=GOAL)], stale)
    assert isinstance(outcomes[0], Recorded)


async def test_a_group_of_a_period_still_to_come_is_refused_whole(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL)
    version = (await ledger.catalogue()).version
    early = Prepared(version, {"league": LEAGUE.periods_at(clock() + DAY_MS)})
    with pytest.raises(PeriodMoved):
        await ledger.append([award("a1", action=GOAL)], early)
    assert await ledger.posting("a1") is None


async def test_a_period_is_opened_once_for_ever(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    await put(ledger, LEAGUE)
    openings = [Opening("league", "2026-11-24"), Opening("league", "2026-W48")]
    opened = await ledger.open_periods(openings)
    assert [(posting.kind, posting.detail) for posting in opened] == [
        (Kind.PERIOD, "2026-11-24"),
        (Kind.PERIOD, "2026-W48"),
    ]
    assert await ledger.marked("league", "2026-11-24") == (opened[0].seq, NOON)
    async with open_ledger(tmp_path, clock) as other:
        more = [*openings, Opening("league", "2026-11-25"), Opening("league", "2026-11-25")]
        assert [posting.detail for posting in await other.open_periods(more)] == ["2026-11-25"]
    assert await ledger.open_periods(openings) == []
    await ensure_sums(ledger)
