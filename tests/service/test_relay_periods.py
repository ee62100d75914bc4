"""It is promised that periods begin empty and in time, and leave the ranking when they are over."""

from typing import Any

from scoreboard.core.board import Board, Tie
from scoreboard.service import relay as module
from tests.contracts.material import (
    DAY_MS,
    PRIZE,
    QUIZ,
    append,
    award,
    put,
)
from tests.service.following import (
    DAILY,
    MIDNIGHT_MS,
    Screen,
    _caught_up,
    _holds,
    _holds_not,
    _told_not,
    catalogue,
    ensure_follows,
    ensure_shown_was_true,
    periods_opened,
    running,
    screen,
)

__all__ = ["catalogue", "screen"]


async def test_a_new_period_is_shown_empty_at_its_boundary_though_nothing_was_posted(
    world: Any, until: Any, screen: Screen
) -> None:
    await put(world.ledger, DAILY)
    await append(world.ledger, world.clock, award("one"))
    async with running(world):
        await until(lambda: screen.last("default", "2026-11-23"))
        world.clock.now_ms += MIDNIGHT_MS - 1
        await until(lambda: _caught_up(world))
        assert screen.last("default", "2026-11-24") is None
        world.clock.now_ms += 1
        await until(lambda: screen.last("default", "2026-11-24"))
        top = screen.last("default", "2026-11-24")
        assert top is not None
        assert (top.rows, top.at) == ((), world.clock.now_ms)
        assert top.seq == (await world.ledger.head()).seq
        await append(world.ledger, world.clock, award("two"))
        await until(lambda: screen.last("default", "2026-11-24").rows)  # type: ignore[union-attr]
    yesterday = screen.last("default", "2026-11-23")
    assert yesterday is not None
    assert yesterday.rows[0].score == QUIZ.points
    await ensure_follows(world)
    await ensure_shown_was_true(world, screen.shown)


async def test_a_period_is_opened_once_for_ever(world: Any, until: Any) -> None:
    await put(world.ledger, DAILY)
    for _ in range(3):
        async with running(world):
            await until(lambda: _caught_up(world))
    world.clock.now_ms += DAY_MS
    for _ in range(3):
        async with running(world):
            await until(lambda: _holds(world, ("default", "2026-11-24")))
    assert await periods_opened(world) == ["2026-11-23", "2026-11-24"]


async def test_a_period_that_is_over_is_kept_a_while_and_then_only_in_the_ledger(
    world: Any, until: Any
) -> None:
    await put(world.ledger, DAILY)
    await append(world.ledger, world.clock, award("one"))
    board, old, new = DAILY, ("default", "2026-11-23"), ("default", "2026-11-24")
    async with running(world):
        world.clock.now_ms += MIDNIGHT_MS + module.KEEP_CLOSED_MS - 1
        await until(lambda: _holds(world, new))
        assert await _holds(world, old)
        world.clock.now_ms += 1_000
        await until(lambda: _holds_not(world, old))
        assert await _holds(world, new)
        assert await world.ranking.snapshot(board, "2026-11-23") is None
        await until(lambda: _told_not(world, old))
        await append(world.ledger, world.clock, award("two"))
        await until(lambda: _caught_up(world))
        assert not await _holds(world, old)
    stored = await world.ledger.snapshot(board, "2026-11-23")
    assert stored.rows[0].score == QUIZ.points


async def test_a_window_added_to_a_board_with_scores_is_filled_and_shown(
    world: Any, until: Any, screen: Screen
) -> None:
    await append(world.ledger, world.clock, award("one", "u1"), award("two", "u2", PRIZE))
    async with running(world):
        await until(lambda: _caught_up(world))
        await put(world.ledger, DAILY)
        await until(lambda: screen.last("default", "2026-11-23"))
        await append(world.ledger, world.clock, award("three", "u1"))
        await until(lambda: _caught_up(world))
        await ensure_follows(world)
    top = screen.last("default", "2026-11-23")
    assert top is not None
    assert [(row.user_id, row.score) for row in top.rows] == [("u2", 12), ("u1", 10)]


async def test_another_tie_style_is_shown_at_once(world: Any, until: Any, screen: Screen) -> None:
    await append(world.ledger, world.clock, award("one", "u1"), award("two", "u2"))

    def ranks() -> list[int]:
        top = screen.last("default", "all")
        return [row.rank for row in top.rows] if top else []

    async with running(world):
        await until(lambda: ranks() == [1, 2])
        await put(world.ledger, Board(board="default", tie=Tie.SHARED))
        await until(lambda: ranks() == [1, 1])
