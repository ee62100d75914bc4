"""It is promised that a ranking is made anew while awards go on, and shows nothing untrue."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.errors import Unavailable
from scoreboard.service import relay as module
from tests.contracts.material import (
    FALL,
    PRIZE,
    QUIZ,
    append,
    award,
)
from tests.service.following import (
    Awards,
    Screen,
    catalogue,
    ensure_follows,
    ensure_shown_was_true,
    follow,
    screen,
)

if TYPE_CHECKING:
    from scoreboard.core.standing import Snapshot

__all__ = ["catalogue", "screen"]


@pytest.mark.parametrize("seed", range(4))
async def test_a_rebuild_while_awards_go_on_misses_and_doubles_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch, screen: Screen, seed: int
) -> None:
    monkeypatch.setattr(module, "LOAD_PAGE", 4)
    awards = Awards(world, seed)
    await awards.append(60)

    async def go_on() -> None:
        await awards.append(7)

    world.ledger.before["scores"] = go_on
    relay = world.relay()
    await relay.rebuild()
    world.ledger.before.clear()
    await ensure_follows(world)
    await awards.append(30)
    await follow(world, relay)
    await ensure_follows(world)
    await ensure_shown_was_true(world, screen.shown)


async def test_a_rebuild_takes_what_its_pages_know_and_its_own_process_does_not(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: Screen
) -> None:
    """Labelled without the fall that a page had in it, the top would be untrue at its seq."""
    users = [f"user-{number:02d}" for number in range(11)]
    await append(world.ledger, world.clock, *(award(user, user, PRIZE) for user in users))
    other = await SqliteLedger.open(tmp_path / "scoreboard.db", clock_ms=world.clock)
    marked = world.ledger.marked

    async def then_awards_go_on(board: str, period: str) -> Any:
        mark = await marked(board, period)
        if (board, period) == ("default", "all"):
            await append(world.ledger, world.clock, award("rise", "user-05", QUIZ))
            await append(other, world.clock, award("fall", "user-00", FALL))
        return mark

    monkeypatch.setattr(world.ledger, "marked", then_awards_go_on, raising=False)
    try:
        await world.relay().rebuild()
        await world.publisher.publish()
        await asyncio.sleep(0)
        await ensure_shown_was_true(world, screen.shown)
        await ensure_follows(world)
    finally:
        await other.close()


async def test_a_rebuild_beside_the_old_ranking_is_not_seen_before_it_is_whole(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOAD_PAGE", 4)
    awards = Awards(world, 1)
    await awards.append(60)
    relay = world.relay()
    await relay.rebuild()
    board = world.catalogue.board("default")
    before = await world.ranking.snapshot(board, "all")
    seen: list[Snapshot] = []

    async def look() -> None:
        seen.append(await world.ranking.snapshot(board, "all"))

    world.ledger.before["scores"] = look
    await relay.rebuild()
    assert len(seen) > 4
    assert set(seen) == {before}


async def test_a_rebuild_that_fails_leaves_no_page_behind_that_is_still_taken(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go into the rebuild after it, over scores that are newer."""
    monkeypatch.setattr(module, "LOAD_PAGE", 4)
    await Awards(world, 1).append(60)
    load, under_way, reads = world.ranking.load, 0, 0

    async def slowly(*page: Any) -> None:
        nonlocal under_way
        under_way += 1
        await asyncio.sleep(0.05)
        await load(*page)
        under_way -= 1

    async def fail() -> None:
        nonlocal reads
        reads += 1
        if reads > 1:
            raise Unavailable

    monkeypatch.setattr(world.ranking, "load", slowly)
    world.ledger.before["scores"] = fail
    with pytest.raises(Unavailable):
        await world.relay().rebuild()
    assert (reads, under_way) == (2, 0)


async def test_an_own_standing_has_the_place_of_what_is_read_and_not_of_what_is_built(
    world: Any,
) -> None:
    await append(world.ledger, world.clock, award("a1", "u1", PRIZE), award("a2", "u2"))
    relay, reader = world.relay(), world.reader()
    await relay.rebuild()
    before = await reader.own_standing("default", "all", "u2")
    told: list[Any] = []

    async def look() -> None:
        told.append(await reader.own_standing("default", "all", "u2"))

    await append(world.ledger, world.clock, award("a3", "u2", PRIZE))
    world.ledger.before["scores"] = look
    await relay.rebuild()
    assert set(told) == {before}
    standing, *place = await reader.own_standing("default", "all", "u2")
    assert (standing.rank, place) == (1, list(await world.ranking.place()))
