"""A world at work with a board to freeze, and everything that it publishes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.posting import Kind
from scoreboard.core.standing import Snapshot
from scoreboard.core.window import Window
from scoreboard.ports import Change, Moderation, News
from scoreboard.service import frozen as module
from scoreboard.service import publisher as publishing
from tests.contracts.material import PRIZE, QUIZ, append, award, put

from .conftest import World

ALL = ("default", "all")
DAILY = Board(board="default", windows=(Window.ALL, Window.DAY))
TODAY, TOMORROW = "2026-11-23", "2026-11-24"
Until = Callable[[Callable[[], Any]], Awaitable[None]]


class Heard:
    """Everything that was ever published, also what a bus would pass over as known."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tops: list[Snapshot] = []
        self._publish = world.bus.publish
        monkeypatch.setattr(world.bus, "publish", self.publish)

    async def publish(self, news: Sequence[News]) -> None:
        self.tops += [each for each in news if isinstance(each, Snapshot)]
        await self._publish(news)

    def of(self, period: str) -> list[Snapshot]:
        return [top for top in self.tops if (top.board, top.period) == ("default", period)]


@pytest.fixture
async def heard(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Heard]:
    """A world at work, with three users: u1 has 22, u2 and u3 have 5."""
    monkeypatch.setattr(publishing, "RETRY_S", 0.001)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    await put(world.ledger, DAILY, QUIZ, PRIZE)
    steps = [award("a1", "u1", PRIZE), award("a2", "u2"), award("a3", "u3"), award("a4", "u1")]
    await append(world.ledger, world.clock, *steps, award("a5", "u1"))
    heard = Heard(world, monkeypatch)
    tasks = [asyncio.ensure_future(each.run()) for each in (world.relay(), world.publisher)]
    tasks.append(asyncio.ensure_future(world.frozen.run(world.catalogue)))
    yield heard
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def turn(world: World, *, frozen: bool) -> None:
    """Freeze the board, or reveal it."""
    await world.catalogue.load()
    await world.ledger.change(Change(world.catalogue.board("default"), "mo", "contest", frozen))


async def moderate(world: World, user_id: str, kind: Kind) -> int:
    posting = await world.ledger.moderate(Moderation(user_id, kind, "mo", "odd"))
    assert posting is not None
    return posting.seq


def place(top: Snapshot) -> list[tuple[int, str, int]]:
    return [(row.rank, row.user_id, row.score) for row in top.rows]


WAS = [(1, "u1", 22), (2, "u2", 5), (3, "u3", 5)]
IS = [(1, "u4", 120), (2, "u2", 29), (3, "u1", 22), (4, "u3", 5)]


async def frozen_at(world: World, heard: Heard, until: Until) -> int:
    """The board is frozen, and much happens behind it; answers the seq of the freeze."""
    await until(lambda: heard.of("all") and place(heard.of("all")[-1]) == WAS)
    await turn(world, frozen=True)
    await world.catalogue.load()
    freeze = world.catalogue.board("default").frozen
    assert freeze is not None
    for number in range(10):
        await append(world.ledger, world.clock, award(f"b{number}", "u4", PRIZE))
    await append(world.ledger, world.clock, award("c1", "u2", PRIZE), award("c2", "u2", PRIZE))
    await until(lambda: ranked(world))
    return freeze.seq


async def ranked(world: World) -> bool:
    head = await world.ledger.head()
    return await world.ranking.place() == (head.epoch, head.seq)


async def shows(reader: Any, rows: list[tuple[int, str, int]]) -> bool:
    return place(await reader.snapshot(*ALL)) == rows


async def snapshot_of(source: Any, board: Board, period: str) -> Snapshot | None:
    return await source.snapshot(board, period)
