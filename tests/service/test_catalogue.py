"""It is promised that a node knows of a board's change before it tells what came after it."""

import asyncio
from typing import Any

import pytest

from scoreboard.adapters.memory import LocalBus
from scoreboard.core.board import Board
from scoreboard.errors import Unavailable
from scoreboard.service.catalogue import CurrentCatalogue, HeardCatalogue
from tests.contracts.material import put

from .conftest import World


class Slow:
    """A ledger whose catalogue is read at one moment and arrives at another."""

    def __init__(self, ledger: Any) -> None:
        self.reads = 0
        self.gate = asyncio.Event()
        self._ledger = ledger

    async def catalogue(self) -> Any:
        self.reads += 1
        found = await self._ledger.catalogue()
        await self.gate.wait()
        return found


async def begun(slow: Slow, number: int) -> None:
    while slow.reads < number:  # noqa: ASYNC110 - bound by the test's own time
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)


async def test_who_asks_anew_does_not_share_a_look_that_began_before(world: World) -> None:
    slow: Any = Slow(world.ledger)
    catalogue = CurrentCatalogue(slow)
    early = asyncio.ensure_future(catalogue.load_anew())
    await begun(slow, 1)
    await put(world.ledger, Board(board="new"))
    late = [asyncio.ensure_future(catalogue.load_anew()) for _ in range(5)]
    await asyncio.sleep(0)
    slow.gate.set()
    await asyncio.gather(early, *late)
    assert "new" in catalogue.boards
    assert slow.reads == 2


async def test_a_look_that_failed_is_nobodys_answer(world: World) -> None:
    catalogue = CurrentCatalogue(world.ledger)
    fail = True

    async def failing() -> Any:
        if fail:
            raise Unavailable
        return await type(world.ledger).__getattr__(world.ledger, "catalogue")()

    world.ledger.catalogue = failing  # type: ignore[attr-defined]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await catalogue.load_anew()
    await catalogue.hear([Board(board="new")])  # logged, and no end of whoever hears
    fail = False
    await catalogue.load_anew()
    assert "default" in catalogue.boards


async def test_a_board_that_others_tell_is_read_and_one_that_is_known_is_not(world: World) -> None:
    slow: Any = Slow(world.ledger)
    slow.gate.set()
    catalogue = CurrentCatalogue(slow)
    await catalogue.load()
    await catalogue.hear(list(catalogue.boards.values()))
    assert slow.reads == 1
    await put(world.ledger, Board(board="new"))
    await catalogue.hear([Board(board="new")])
    assert "new" in catalogue.boards


async def test_who_has_no_ledger_knows_what_it_hears_and_cannot_ask() -> None:
    catalogue = HeardCatalogue(LocalBus())
    await catalogue.hear([Board(board="new")])
    assert catalogue.board("new") == Board(board="new")
    with pytest.raises(Unavailable):
        await catalogue.load_anew()


class Overtaken(Slow):
    """A ledger whose first answer is on its way for longer than all that are asked for later."""

    async def catalogue(self) -> Any:
        self.reads += 1
        first = self.reads == 1
        found = await self._ledger.catalogue()
        if first:
            await self.gate.wait()
        return found


async def test_an_answer_that_was_overtaken_does_not_bring_back_what_was(world: World) -> None:
    """What reads every few seconds may have begun before a freeze that the relay has met since."""
    overtaken: Any = Overtaken(world.ledger)
    catalogue = CurrentCatalogue(overtaken)
    early = asyncio.ensure_future(catalogue.load())
    await begun(overtaken, 1)
    await put(world.ledger, Board(board="new"))
    late = asyncio.ensure_future(catalogue.load())
    await asyncio.sleep(0.01)
    overtaken.gate.set()
    await asyncio.gather(early, late)
    assert "new" in catalogue.boards


async def test_those_who_wait_while_the_ledger_is_lost_are_told_together(world: World) -> None:
    """One after the other they would wait for as many time-outs."""
    reads = 0
    gate = asyncio.Event()

    class Lost:
        async def catalogue(self) -> Any:
            nonlocal reads
            reads += 1
            await gate.wait()
            raise Unavailable

    lost: Any = Lost()
    catalogue = CurrentCatalogue(lost)
    asked = [asyncio.ensure_future(catalogue.load_anew())]
    await asyncio.sleep(0)
    asked += [asyncio.ensure_future(catalogue.load_anew()) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in told] == [Unavailable] * 21
    assert reads == 2
