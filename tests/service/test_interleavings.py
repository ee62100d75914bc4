"""It is promised that ranks stay right whatever happens between two steps of the relay."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.window import Window
from scoreboard.service import relay as module
from tests.contracts.material import (
    HOUR_MS,
    PRIZE,
    QUIZ,
    all_postings,
    append,
    award,
    put,
)

DAILY = Board(board="default", windows=(Window.ALL, Window.DAY))
TODAY = "2026-11-23"
MIDNIGHT_MS = 12 * HOUR_MS  # after noon


@pytest.fixture(autouse=True)
async def catalogue(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    await put(world.ledger, QUIZ, PRIZE)


@contextlib.asynccontextmanager
async def running(relay: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def caught_up(world: Any) -> bool:
    last = (await all_postings(world.ledger))[-1]
    found = await world.ranking.scores_of("default", "all", ())
    return found is not None and found[0] == (last.epoch, last.seq)


async def scores(world: Any, period: str) -> dict[str, int]:
    page = await world.ranking.page(DAILY, period, None, 100)
    return {row.user_id: row.score for row in page.rows} if page else {}


async def test_a_window_that_the_relay_has_not_come_to_is_not_begun_in_the_middle(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "APPLY_MAX", 1)
    await append(world.ledger, world.clock, award("one", "u1"))
    relay = world.relay()
    await relay.rebuild()
    # The catalogue is read anew, as each node does, while the relay is still behind.
    await append(world.ledger, world.clock, award("two", "u2"))
    await put(world.ledger, DAILY)
    await world.catalogue.load()
    async with running(relay):
        await until(lambda: caught_up(world))
        await append(world.ledger, world.clock, award("three", "u2"))
        await until(lambda: caught_up(world))
    assert await scores(world, TODAY) == {"u1": QUIZ.points, "u2": 2 * QUIZ.points}


async def test_a_window_added_while_a_rebuild_begins_is_in_it(world: Any, until: Any) -> None:
    await append(world.ledger, world.clock, award("one", "u1"))
    read, added = world.ledger.head, False

    async def head() -> Any:
        nonlocal added
        if not added:
            added = True
            await put(world.ledger, DAILY)
        return await read()

    world.ledger.head = head
    relay = world.relay()
    await relay.rebuild()
    await world.catalogue.load()
    async with running(relay):
        await append(world.ledger, world.clock, award("two", "u2"))
        await until(lambda: caught_up(world))
    assert await scores(world, TODAY) == {"u1": QUIZ.points, "u2": QUIZ.points}


async def test_a_leader_whose_clock_is_ahead_closes_no_period_that_goes_on(
    world: Any, until: Any
) -> None:
    await put(world.ledger, DAILY)
    await append(world.ledger, world.clock, award("one", "u1"))
    relay = world.relay()
    ahead_ms = MIDNIGHT_MS + module.KEEP_CLOSED_MS + 1
    relay._clock_ms = lambda: world.clock.now_ms + ahead_ms
    await relay.rebuild()
    relay._next_look_ms = 0
    await relay._turn_periods()
    await append(world.ledger, world.clock, award("two", "u1"), award("three", "u2"))
    async with running(relay):
        await until(lambda: caught_up(world))
        assert await holds(world, "2026-11-24")
        assert await scores(world, TODAY) == {"u1": 2 * QUIZ.points, "u2": QUIZ.points}


async def holds(world: Any, period: str) -> bool:
    return ("default", period) in await world.ranking.periods()


async def test_no_surprise_in_a_rebuild_ends_the_relay(world: Any, until: Any) -> None:
    rebuild, surprises = world.ranking.rebuild, [RuntimeError("planted"), RuntimeError("again")]

    async def surprising(*words: Any) -> None:
        if surprises:
            raise surprises.pop()
        await rebuild(*words)

    relay = world.relay()
    await relay.rebuild()
    world.ranking.rebuild = surprising
    async with running(relay) as task:
        await until(lambda: caught_up(world))
        relay.distrust()
        await until(lambda: not surprises)
        await append(world.ledger, world.clock, award("one", "u1"))
        await until(lambda: task.done() or caught_up(world))
        assert not task.done()


async def test_a_ranking_from_the_future_of_the_ledger_is_found_while_following(
    world: Any, until: Any
) -> None:
    await append(world.ledger, world.clock, award("one", "u1"))
    relay = world.relay()
    async with running(relay):
        await until(lambda: caught_up(world))
        # Somebody puts a copy of another ledger's ranking in its place.
        epoch, seq = await world.ranking.place()
        await world.ranking.rebuild((epoch - 1, seq + 1_000))
        await world.ranking.switch()
        world.clock.now_ms += 1_001
        await until(lambda: caught_up(world))
    assert await scores(world, "all") == {"u1": QUIZ.points}
