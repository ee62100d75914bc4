"""It is promised that a lost bus, or a lost ranking, holds nothing else up and misses nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.standing import Snapshot
from scoreboard.errors import Unavailable
from scoreboard.service import publisher as module
from scoreboard.service.publisher import Publisher
from tests.contracts.material import PRIZE, QUIZ, append, award, put

ALL = ("default", "all")


class ShakyBus:
    """The local bus, which can be lost."""

    def __init__(self, bus: Any) -> None:
        self.lost = False
        self.published: list[Snapshot | Board] = []
        self._bus = bus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def publish(self, news: Sequence[Any]) -> None:
        await asyncio.sleep(0)
        if self.lost:
            raise Unavailable
        self.published.extend(news)
        await self._bus.publish(news)


@pytest.fixture
async def told(world: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ShakyBus]:
    """A world whose relay and publisher are at work."""
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    monkeypatch.setattr(module, "UNRANKED_EVERY_S", 0.001)
    await put(world.ledger, QUIZ, PRIZE)
    bus = ShakyBus(world.bus)
    world.publisher = Publisher(
        world.answers,
        bus,
        world.catalogue,
        health=world.health,
        telemetry=world.telemetry,
    )
    relay = world.relay()
    tasks = [asyncio.ensure_future(each.run()) for each in (relay, world.publisher)]
    yield bus
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def top(bus: ShakyBus) -> Snapshot | None:
    found = [
        each
        for each in bus.published
        if isinstance(each, Snapshot) and (each.board, each.period) == ALL
    ]
    return found[-1] if found else None


def users(bus: ShakyBus) -> set[str]:
    newest = top(bus)
    return {row.user_id for row in newest.rows} if newest else set()


async def test_boards_are_told_with_their_tops(world: Any, told: ShakyBus, until: Any) -> None:
    await until(lambda: top(told))
    assert {each.board for each in told.published if isinstance(each, Board)} == {"default"}
    await put(world.ledger, Board(board="other", title="Another"))
    await until(
        lambda: [each for each in told.published if each == Board(board="other", title="Another")]
    )


async def test_the_ranking_goes_on_while_the_bus_is_lost_and_then_all_is_told(
    world: Any, told: ShakyBus, until: Any
) -> None:
    await until(lambda: top(told))
    told.lost = True
    for number in range(5):
        await append(world.ledger, world.clock, award(f"a{number}", f"u{number}"))
        await until(lambda: _ranked(world))
    await until(lambda: "bus" in world.health.degraded)
    assert users(told) == set()
    assert world.metric("scoreboard_bus_errors_total") > 0
    told.lost = False
    await until(lambda: len(users(told)) == 5)
    await until(lambda: "bus" not in world.health.degraded)


async def test_changes_that_wait_are_told_once(world: Any, told: ShakyBus, until: Any) -> None:
    await until(lambda: top(told))
    told.published.clear()
    for number in range(50):
        await append(world.ledger, world.clock, award(f"a{number}", f"u{number}"))
    await until(lambda: _ranked(world))
    newest = await world.ranking.snapshot(Board(board="default"), "all")
    await until(lambda: top(told) == newest)
    seqs = [each.seq for each in told.published if isinstance(each, Snapshot)]
    assert seqs == sorted(seqs)
    assert len(set(seqs)) < 50


async def test_while_the_ranking_is_lost_tops_come_from_the_ledger(
    world: Any, told: ShakyBus, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: top(told))

    async def lost(*_: Any) -> None:
        raise Unavailable

    kept = {name: getattr(world.ranking, name) for name in ("apply", "lead", "snapshot")}
    for name in kept:
        setattr(world.ranking, name, lost)
    await append(world.ledger, world.clock, award("one", "u1"))
    await until(lambda: users(told) == {"u1"})
    await append(world.ledger, world.clock, award("two", "u2"))
    await until(lambda: users(told) == {"u1", "u2"})
    for name, method in kept.items():
        setattr(world.ranking, name, method)
    await append(world.ledger, world.clock, award("three", "u3"))
    await until(lambda: _ranked(world))
    await until(lambda: users(told) == {"u1", "u2", "u3"})


async def _ranked(world: Any) -> bool:
    head = await world.ledger.head()
    return await world.ranking.place() == (head.epoch, head.seq)
