"""It is promised that a reveal shows all at once, and nothing that looks older than what was."""

import pytest

from scoreboard.core.posting import Kind
from scoreboard.errors import NotFound, OutOfPlace
from scoreboard.service import frozen as module
from tests.contracts.material import DAY_MS, PRIZE, QUIZ, append, award, put
from tests.service.freezing import (
    ALL,
    DAILY,
    IS,
    TOMORROW,
    WAS,
    Heard,
    Until,
    frozen_at,
    heard,
    moderate,
    place,
    ranked,
    snapshot_of,
    turn,
)

from .conftest import World

__all__ = ["heard"]


async def test_what_is_revealed_is_let_go(world: World, heard: Heard, until: Until) -> None:
    await frozen_at(world, heard, until)
    await until(lambda: bool(world.frozen._kept))
    await turn(world, frozen=False)
    await until(lambda: not world.frozen._kept)


async def test_what_is_frozen_hears_nothing_of_what_comes_after_its_reveal(
    world: World, heard: Heard, until: Until
) -> None:
    """Frozen rows with a later seq would be kept by who has them, and the revealed ones dropped."""
    await frozen_at(world, heard, until)
    late = type(world.catalogue)(world.ledger)
    await late.load()
    board, period = late.board("default"), DAILY.period("all", 0)
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    kept = await fresh.standings(board, period)
    await turn(world, frozen=False)
    revealed = (await world.ledger.head()).seq
    await moderate(world, "u3", Kind.HIDE)
    await fresh.look(late)
    top = await kept.snapshot(board, "all")
    assert (place(top), top.seq < revealed) == (WAS, True)
    with pytest.raises(OutOfPlace):
        await fresh.standings(board, period)
    # Nor does who loads it now, or opens a day that began since.
    world.frozen = module.FrozenBoards(world.ledger, type(world.ranking))
    with pytest.raises(OutOfPlace):
        await world.frozen.standings(board, period)
    world.catalogue = late
    world.answers = world.answers_of(world.ledger)
    await until(lambda: ranked(world))
    shown = await world.answers.public("default", period, snapshot_of)
    assert shown is not None
    assert place(shown) == [row for row in IS if row[1] != "u3"]


async def test_what_a_ranking_shows_that_has_not_come_to_the_reveal_is_not_told(
    world: World,
) -> None:
    """It would have an earlier seq than what was shown of the freeze."""
    await put(world.ledger, DAILY, QUIZ, PRIZE)
    await append(world.ledger, world.clock, award("a1", "u1", PRIZE), award("a2", "u2"))
    relay = world.relay()
    await relay.rebuild()
    await turn(world, frozen=True)
    await append(world.ledger, world.clock, award("a3", "u3"))
    await moderate(world, "u1", Kind.HIDE)
    await relay.follow()
    reader = world.reader()
    frozen = await reader.snapshot(*ALL)
    await append(world.ledger, world.clock, award("a4", "u4", PRIZE))
    await turn(world, frozen=False)
    revealed = (await world.ledger.head()).seq
    await world.catalogue.load()
    top, (_, page) = await reader.snapshot(*ALL), await reader.page(*ALL, None, 9)
    assert frozen.seq < revealed == top.seq == page.seq
    assert place(top) == [(1, "u4", 12), (2, "u2", 5), (3, "u3", 5)]
    await relay.follow()
    assert await reader.snapshot(*ALL) == top


async def test_what_a_ranking_told_just_before_the_reveal_is_not_told_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(world.ledger, DAILY, QUIZ, PRIZE)
    await append(world.ledger, world.clock, award("a1", "u1", PRIZE), award("a2", "u2"))
    relay = world.relay()
    await relay.rebuild()
    await turn(world, frozen=True)
    await append(world.ledger, world.clock, award("a3", "u3"))
    await relay.follow()
    await turn(world, frozen=False)
    revealed = (await world.ledger.head()).seq
    await world.catalogue.load()
    load = world.catalogue.load

    async def while_the_relay_goes_on() -> None:
        await load()
        await relay.follow()

    monkeypatch.setattr(world.catalogue, "load_anew", while_the_relay_goes_on)
    assert (await world.reader().snapshot(*ALL)).seq == revealed


async def test_a_day_that_began_after_the_reveal_is_not_opened_as_frozen(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    late = type(world.catalogue)(world.ledger)
    await late.load()
    board = late.board("default")
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    await fresh.standings(board, DAILY.period("all", 0))
    await turn(world, frozen=False)
    world.clock.now_ms += DAY_MS // 2
    await append(world.ledger, world.clock, award("next", "u2"))
    await until(lambda: heard.of(TOMORROW))
    with pytest.raises((OutOfPlace, NotFound)):
        await fresh.standings(board, DAILY.period(TOMORROW, 0))
