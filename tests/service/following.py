"""Awards at random, a screen that keeps what it is told, and what has to be true of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.posting import Kind
from scoreboard.core.standing import Snapshot, placed_by_sorting
from scoreboard.core.window import Window
from tests.contracts.material import (
    FALL,
    FOUL,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOTHING,
    PRIZE,
    QUIZ,
    all_postings,
    append,
    award,
    put,
    sums,
)

ACTIONS = (QUIZ, PRIZE, FALL, NOTHING, GOAL, FOUL)
MIDNIGHT_MS = 12 * HOUR_MS  # after noon
DAILY = Board(board="default", windows=(Window.ALL, Window.DAY))


class Awards:
    """Random awards, each with a name of its own."""

    def __init__(self, world: Any, seed: int, users: int = 25) -> None:
        self.world = world
        self._random = Random(seed)
        self._users = users
        self._made = 0

    async def append(self, size: int) -> None:
        made = range(self._made, self._made + size)
        self._made += size
        group = [
            award(
                f"award-{number}",
                f"user-{self._random.randrange(self._users):02d}",
                self._random.choice(ACTIONS),
            )
            for number in made
        ]
        await append(self.world.ledger, self.world.clock, *group)


class Screen:
    """Keeps every snapshot that the bus brings."""

    def __init__(self, world: Any) -> None:
        self.shown: list[Snapshot] = []
        self._world = world
        self._task = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        async for news in self._world.bus.news():
            self.shown.extend(each for each in news if isinstance(each, Snapshot))

    def last(self, board: str, period: str) -> Snapshot | None:
        found = [top for top in self.shown if (top.board, top.period) == (board, period)]
        return found[-1] if found else None

    async def leave(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@pytest.fixture(autouse=True)
async def catalogue(world: Any) -> None:
    await put(world.ledger, QUIZ, PRIZE, FALL, NOTHING, LEAGUE, GOAL, FOUL)


@pytest.fixture
async def screen(world: Any) -> AsyncIterator[Screen]:
    screen = Screen(world)
    yield screen
    await screen.leave()


@contextlib.asynccontextmanager
async def running(world: Any) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(each.run()) for each in (world.relay(), world.publisher)]
    try:
        async with asyncio.timeout(30):
            default = Board(board="default")
            while await world.ranking.total(default, "all") is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def follow(world: Any, relay: Any) -> None:
    """Take what the ledger has, and tell it."""
    await relay.follow()
    await world.publisher.publish()
    await asyncio.sleep(0)


async def ensure_follows(world: Any) -> None:
    """Every period that the ranking holds is what follows from the postings alone."""
    postings = await all_postings(world.ledger)
    boards = dict((await world.ledger.catalogue()).boards)
    expected = sums(postings, boards)
    assert await world.ranking.place() == (postings[-1].epoch, postings[-1].seq)
    for board, period in await world.ranking.periods():
        page = await world.ranking.page(boards[board], period, None, 1_000)
        scores = list(expected.get((board, period), {}).values())
        assert page.rows == placed_by_sorting(scores, boards[board].tie), (board, period)
        snapshot = await world.ranking.snapshot(boards[board], period)
        stored = await world.ledger.snapshot(boards[board], period)
        assert snapshot.rows == stored.rows == page.rows[:10]


async def ensure_shown_was_true(world: Any, shown: list[Snapshot]) -> None:
    """Each snapshot is the top at its seq, recomputed from the postings up to there."""
    postings = await all_postings(world.ledger)
    boards = dict((await world.ledger.catalogue()).boards)
    places: dict[tuple[str, str], tuple[int, int]] = {}
    for top in shown:
        upto = [posting for posting in postings if posting.seq <= top.seq]
        scores = sums(upto, boards).get((top.board, top.period), {})
        tie = boards[top.board].tie
        assert top.rows == placed_by_sorting(list(scores.values()), tie)[:10], top
        span = (top.board, top.period)
        assert places.get(span, (0, 0)) < top.place()
        places[span] = top.place()


async def _caught_up(world: Any) -> bool:
    head = await world.ledger.head()
    return await world.ranking.place() == (head.epoch, head.seq)


async def periods_opened(world: Any) -> list[str]:
    postings = await all_postings(world.ledger)
    return [
        posting.detail
        for posting in postings
        if posting.kind is Kind.PERIOD and posting.board == "default"
    ]


async def _holds(world: Any, span: tuple[str, str]) -> bool:
    return span in await world.ranking.periods()


async def _told_not(world: Any, span: tuple[str, str]) -> bool:
    first = await anext(aiter(world.bus.news()))
    return span not in {(each.board, each.period) for each in first if isinstance(each, Snapshot)}


async def _holds_not(world: Any, span: tuple[str, str]) -> bool:
    return not await _holds(world, span)
