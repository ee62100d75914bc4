"""What every ledger promises of scores in their order."""

import pytest

from scoreboard.adapters.migrations import migrations
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.board import Board, Tie
from scoreboard.core.standing import Next, placed_by_sorting
from scoreboard.errors import NotFound
from scoreboard.ports import Ledger

from .material import (
    DEFAULT,
    FALL,
    LEAGUE,
    NOON,
    NOTHING,
    PRIZE,
    QUIZ,
    Clock,
    all_scores,
    append,
    award,
    put,
)


async def test_scores_are_read_by_user_in_pages(ledger: Ledger, clock: Clock) -> None:
    users = ["b", "a", "Z", "u10", "u9", "u@x", "u|x"]
    await append(ledger, clock, *[award(f"a-{user}", user) for user in users])
    whole = await all_scores(ledger, ("default", "all"))
    assert [score.user_id for score in whole] == sorted(users)
    for page in (1, 2, 3, 7, 8):
        assert await all_scores(ledger, ("default", "all"), page) == whole
    assert await all_scores(ledger, ("default", "2026-11-23")) == []


async def test_the_fallback_shows_what_a_plain_sort_shows(ledger: Ledger, clock: Clock) -> None:
    actions = [QUIZ, PRIZE, FALL, NOTHING]
    for index in range(60):
        clock.now_ms += 1
        chosen = actions[index * 7 % 4]
        await append(ledger, clock, award(f"a{index}", f"u{index * 11 % 17}", chosen))
    scores = await all_scores(ledger, ("default", "all"))
    for tie in Tie:
        board = Board(board="default", tie=tie)
        rows = placed_by_sorting(scores, tie)
        snapshot = await ledger.snapshot(board, "all")
        assert snapshot is not None
        assert snapshot.rows == rows[:10]
        assert (snapshot.epoch, await ledger.total(board, "all")) == (NOON, 17)
        seen, after = [], None
        for _ in range(20):
            page = await ledger.page(board, "all", after, 4)
            assert page is not None
            seen += page.rows
            after = page.end
            if after is None:
                break
        assert tuple(seen) == rows
        for index, row in enumerate(rows):
            standing = await ledger.standing(board, "all", row.user_id)
            assert standing is not None
            assert (standing.rank, standing.score, standing.total_users) == (
                row.rank,
                row.score,
                17,
            )
            around = await ledger.around(board, "all", row.user_id, 2)
            assert tuple(around or ()) == rows[max(0, index - 2) : index + 3]
        with pytest.raises(NotFound):
            await ledger.standing(board, "all", "nobody")
        with pytest.raises(NotFound):
            await ledger.around(board, "all", "nobody", 2)


async def test_a_ledger_tells_its_schema_and_its_clock(ledger: Ledger, clock: Clock) -> None:
    condition = await ledger.condition()
    dialect = "sqlite" if isinstance(ledger, SqliteLedger) else "postgres"
    assert condition.schema == max(step.version for step in migrations(dialect))
    assert condition.clock_ms >= (await ledger.head()).at


async def test_to_next_counts_ties(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1", "z"), award("a2", "a"), award("a3", "m", PRIZE))
    first = await ledger.standing(DEFAULT, "all", "a")
    shared = await ledger.standing(Board(board="default", tie=Tie.SHARED), "all", "a")
    assert first is not None
    assert shared is not None
    assert (first.rank, first.to_next) == (3, Next(2, 1))
    assert (shared.rank, shared.to_next) == (2, Next(1, 7))


async def test_an_empty_period_has_an_empty_top(ledger: Ledger) -> None:
    await put(ledger, LEAGUE)
    snapshot = await ledger.snapshot(LEAGUE, "2026-11-23")
    assert snapshot is not None
    assert (snapshot.rows, snapshot.seq) == ((), 2)
    assert await ledger.total(LEAGUE, "2026-11-23") == 0


async def test_who_has_no_score_is_told_so_and_where_that_is_true(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1"))
    head = await ledger.head()
    assert await ledger.own_standing(DEFAULT, "all", "nobody") == ((head.epoch, head.seq), None)
