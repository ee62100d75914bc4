"""It is promised that a new epoch reaches whoever holds places of the old one."""

import asyncio
import contextlib
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.errors import OutOfPlace
from scoreboard.service import relay as module
from tests.contracts.material import QUIZ, append, award, put

DEFAULT = Board(board="default")


async def epoch_shown(world: Any) -> int:
    top = await world.ranking.snapshot(DEFAULT, "all")
    return 0 if top is None else top.epoch


@contextlib.asynccontextmanager
async def relaying(world: Any) -> Any:
    task = asyncio.create_task(world.relay().run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_ranking_of_another_epoch_is_made_anew(world: Any, until: Any) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one"))
    async with relaying(world):
        old = (await world.ledger.head()).epoch
        await until(lambda: _at_head(world))
        assert await epoch_shown(world) == old
    head = await world.ledger.new_epoch("tester", "a backup was restored")
    assert head.epoch > old
    async with relaying(world):
        await until(lambda: _at_head(world))
        assert await epoch_shown(world) == head.epoch
    assert world.metric("scoreboard_rebuilds_total") == 2


async def test_postings_of_two_epochs_are_not_told_as_of_the_first(world: Any) -> None:
    await put(world.ledger, QUIZ)
    relay = world.relay()
    await relay.rebuild()
    place = await world.ranking.place()
    await append(world.ledger, world.clock, award("one"))
    await world.ledger.new_epoch("tester", "a backup was restored")
    await append(world.ledger, world.clock, award("two"))
    with pytest.raises(OutOfPlace):
        await relay.follow()
    assert await world.ranking.place() == place


async def test_a_relay_under_way_notices_with_the_next_posting(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one"))
    async with relaying(world):
        await until(lambda: _at_head(world))
        head = await world.ledger.new_epoch("tester", "a backup was restored")
        await append(world.ledger, world.clock, award("two"))
        await until(lambda: _at_head(world))
        assert await epoch_shown(world) == head.epoch
        (row,) = (await world.ranking.snapshot(DEFAULT, "all")).rows
        assert row.score == 2 * QUIZ.points


async def _at_head(world: Any) -> bool:
    head = await world.ledger.head()
    place: tuple[int, int] | None = await world.ranking.place()
    # The place is that of an index being made: it is not read yet.
    return place == (head.epoch, head.seq) and await epoch_shown(world) == head.epoch
