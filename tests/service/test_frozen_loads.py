"""It is promised that what is frozen is loaded right, whatever happens to the ledger meanwhile."""

import asyncio
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.posting import Kind
from scoreboard.errors import Unavailable
from scoreboard.ports import Change
from scoreboard.service import frozen as module
from tests.service.freezing import (
    ALL,
    DAILY,
    WAS,
    Heard,
    Until,
    frozen_at,
    heard,
    moderate,
    place,
    snapshot_of,
)

from .conftest import FaultyLedger, World

__all__ = ["heard"]


async def test_what_is_frozen_is_loaded_once_for_all_who_ask(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    reads: list[object] = []

    async def read() -> None:
        reads.append(None)

    world.ledger.before["scores_at"] = read
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    board = world.catalogue.board("default")
    period = board.periods_at(world.clock())[0]
    found = await asyncio.gather(*(fresh.standings(board, period) for _ in range(20)))
    assert len(set(map(id, found))) == 1
    assert len(reads) == len(board.windows)


async def test_a_frozen_board_is_the_same_after_a_new_beginning(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    gone = await moderate(world, "u3", Kind.HOLD)
    await until(lambda: heard.of("all")[-1].seq == gone)
    before = heard.of("all")[-1]
    world.frozen = module.FrozenBoards(world.ledger, type(world.ranking))
    world.answers = world.answers_of(world.ledger)
    assert await world.reader().snapshot(*ALL) == before
    assert seq < before.seq


async def test_a_ledger_that_was_restored_is_another_one(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    before = (await world.reader().snapshot(*ALL)).epoch
    head = await world.ledger.new_epoch("mo", "a backup")
    assert head.epoch > before
    reader = world.reader()

    async def anew() -> bool:
        top = await reader.snapshot(*ALL)
        return top.epoch == head.epoch and place(top) == WAS

    await until(anew)


async def test_screens_hear_of_another_ledger_though_nothing_happens_in_it(
    world: World, heard: Heard, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    await frozen_at(world, heard, until)
    seq = await moderate(world, "u1", Kind.HIDE)
    await until(lambda: heard.of("all")[-1].seq == seq)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 3_600)  # the leader's word comes before the look
    await asyncio.sleep(0.01)
    head = await world.ledger.new_epoch("mo", "a backup")
    world.clock.now_ms += 2_000
    await until(lambda: heard.of("all")[-1].epoch == head.epoch)
    assert place(heard.of("all")[-1]) == [(1, "u2", 5), (2, "u3", 5)]


async def test_who_was_erased_leaves_also_where_the_name_was_not_heard(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    reader = world.reader()
    assert (await reader.page(*ALL, None, 9))[1].rows[0].user_id == "u1"
    seq = await moderate(world, "u1", Kind.ERASE)
    await world.ledger.forget_erased(seq)

    async def gone() -> bool:
        _, page = await reader.page(*ALL, None, 9)
        return [row.user_id for row in page.rows] == ["u2", "u3"]

    await until(gone)


async def test_a_lost_ledger_takes_nothing_from_who_has_loaded_already(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    reader = world.reader()
    await reader.snapshot(*ALL)

    async def lost() -> None:
        raise Unavailable

    world.ledger.before["scores_at"] = lost
    assert place(await reader.snapshot(*ALL)) == WAS
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    board = world.catalogue.board("default")
    with pytest.raises(Unavailable):
        await fresh.standings(board, board.periods_at(world.clock())[0])
    await fresh.look(world.catalogue)  # asked again later, and nothing is raised
    del world.ledger.before["scores_at"]
    assert await fresh.standings(board, board.periods_at(world.clock())[0]) is not None


async def test_of_too_many_frozen_boards_those_that_are_asked_for_stay_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FROZEN_MAX", 2)
    loads = 0

    async def count() -> None:
        nonlocal loads
        loads += 1

    for name in "abc":
        await world.ledger.change(Change(Board(board=name), "mo", "contest", True))
    await world.catalogue.load()
    world.ledger.before["scores_at"] = count
    asked = world.catalogue.board("c")
    for _ in range(4):
        await world.frozen.look(world.catalogue)
        assert await world.frozen.standings(asked, asked.period("all", 0)) is not None
    assert loads == 3


async def test_what_is_erased_while_it_is_loaded_is_told_in_its_label(
    world: World, heard: Heard, until: Until
) -> None:
    """Whoever has loaded before labels the same rows with the erasure, and shows others before."""
    frozen = await frozen_at(world, heard, until)
    gone: list[int] = []

    async def erase() -> None:
        del world.ledger.before["scores_at"]  # others may read as well
        gone.append(await moderate(world, "u1", Kind.ERASE))

    world.ledger.before["scores_at"] = erase
    world.frozen = module.FrozenBoards(world.ledger, type(world.ranking))
    world.answers = world.answers_of(world.ledger)
    top = await world.answers.public("default", DAILY.period("all", 0), snapshot_of)
    assert top is not None
    assert place(top) == [(1, "u2", 5), (2, "u3", 5)]
    assert top.seq == gone[0] > frozen


async def test_who_is_erased_behind_a_page_and_forgotten_is_not_shown(
    world: World, heard: Heard, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has a user whose name the posting does not tell any more: it is read again."""
    await frozen_at(world, heard, until)
    watched: Any = FaultyLedger(world.ledger._ledger)  # others read as well
    gone = list[int]()

    async def then_somebody_is_erased(*asked: Any) -> Any:
        page = await world.ledger.scores_at(*asked)
        if not gone:
            gone.append(await moderate(world, "u1", Kind.ERASE))
            await world.ledger.forget_erased(gone[0])
        return page

    monkeypatch.setattr(watched, "scores_at", then_somebody_is_erased)
    board = world.catalogue.board("default")
    fresh = module.FrozenBoards(watched, type(world.ranking))
    kept = await fresh.standings(board, board.period("all", 0))
    assert kept is not None
    top = await kept.snapshot(board, "all")
    assert top is not None
    assert (place(top), top.seq) == ([(1, "u2", 5), (2, "u3", 5)], gone[0])


async def test_who_leaves_while_a_board_is_loaded_is_not_shown_to_who_asks_for_that(
    world: World, heard: Heard, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher is told once: a top without the turn would stay on the screens."""
    await frozen_at(world, heard, until)
    watched: Any = FaultyLedger(world.ledger._ledger)  # others look at turns as well
    fresh, gone = module.FrozenBoards(watched, type(world.ranking)), list[int]()

    async def then_somebody_leaves(after: int, upto: int) -> Any:
        found = await world.ledger.turns(after, upto)
        if not gone:
            gone.append(await moderate(world, "u1", Kind.HIDE))
            fresh.turned(((await world.ledger.head()).epoch, gone[0]))
        return found

    monkeypatch.setattr(watched, "turns", then_somebody_leaves, raising=False)
    board = world.catalogue.board("default")
    kept = await fresh.standings(board, board.period("all", 0))
    assert kept is not None
    top = await kept.snapshot(board, "all")
    assert top is not None
    assert (place(top), top.seq) == ([(1, "u2", 5), (2, "u3", 5)], gone[0])
