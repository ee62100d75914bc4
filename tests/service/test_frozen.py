"""It is promised that from a freeze to its reveal nothing of what happens is seen by the public."""

from typing import Any

import pytest

from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind
from scoreboard.core.window import Window
from scoreboard.errors import NotFound, Unavailable
from scoreboard.service.reader import LIVE, OWN, Sight
from tests.contracts.material import DAY_MS, PRIZE, QUIZ, append, award, put
from tests.service.freezing import (
    ALL,
    DAILY,
    IS,
    TODAY,
    TOMORROW,
    WAS,
    Heard,
    Until,
    frozen_at,
    heard,
    moderate,
    place,
    ranked,
    shows,
    turn,
)

from .conftest import World

__all__ = ["heard"]


async def test_the_public_sees_the_board_as_it_was_until_it_is_revealed(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    reader = world.reader()
    await until(lambda: heard.of("all")[-1].seq == seq)
    for period in ("all", "day"):
        top = await reader.snapshot("default", period)
        name, page = await reader.page("default", period, None, 100)
        assert (place(top), top.seq) == (WAS, seq)
        assert (page.rows, page.seq, name) == (top.rows, seq, top.period)
    standing = await reader.standing(*ALL, "u2")
    assert (standing.rank, standing.total_users, standing.score) == (2, 3, 5)
    assert standing.to_next is not None
    assert (standing.to_next.rank, standing.to_next.points) == (1, 18)
    assert standing.percentile() == pytest.approx(100 / 3)
    assert [row.user_id for row in await reader.around(*ALL, "u2", 1)] == ["u1", "u2", "u3"]
    for sight in (Sight(), OWN):
        with pytest.raises(NotFound):
            await reader.standing(*ALL, "u4", sight)
    assert await reader.own_standing(*ALL, "u4") == (None, top.epoch, seq)
    assert await reader.own_standing(*ALL, "u2") == (standing, top.epoch, seq)
    assert await reader.total("default") == 3
    await turn(world, frozen=False)
    await until(lambda: place(heard.of("all")[-1]) == IS)
    told = {tuple(place(top)) for top in heard.of("all")}
    assert not [rows for rows in told if rows != tuple(IS) and any(row[1] == "u4" for row in rows)]
    await until(lambda: shows(reader, IS))
    assert await reader.total("default") == 4


async def test_who_may_see_it_sees_it_live(world: World, heard: Heard, until: Until) -> None:
    await frozen_at(world, heard, until)
    reader = world.reader()
    assert place(await reader.snapshot(*ALL, LIVE)) == IS
    _, page = await reader.page(*ALL, None, 10, LIVE)
    assert [row.user_id for row in page.rows] == ["u4", "u2", "u1", "u3"]
    assert (await reader.standing(*ALL, "u4", LIVE)).rank == 1
    assert [row.user_id for row in await reader.around(*ALL, "u4", 1, LIVE)] == ["u4", "u2"]


async def test_awards_behind_a_freeze_are_not_told_at_all(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    await until(lambda: heard.of("all")[-1].seq == seq)
    told = len(heard.of("all"))
    await append(world.ledger, world.clock, award("late", "u3", PRIZE))
    await until(lambda: ranked(world))
    await moderate(world, "u4", Kind.HIDE)  # nobody has seen u4
    await until(lambda: ranked(world))
    gone = await moderate(world, "u1", Kind.BAN)
    await until(lambda: heard.of("all")[-1].seq == gone)
    assert place(heard.of("all")[-1]) == [(1, "u2", 5), (2, "u3", 5)]
    assert len(heard.of("all")) == told + 1
    back = await moderate(world, "u1", Kind.RELEASE)
    await until(lambda: heard.of("all")[-1].seq == back)
    assert place(heard.of("all")[-1]) == WAS
    await moderate(world, "u1", Kind.ERASE)
    await until(lambda: place(heard.of("all")[-1]) == [(1, "u2", 5), (2, "u3", 5)])


async def test_a_day_that_begins_behind_a_freeze_opens_empty(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    reader = world.reader()
    world.clock.now_ms += DAY_MS // 2  # midnight: what is over is held for a minute
    await append(world.ledger, world.clock, award("next", "u2"))
    await until(lambda: heard.of(TOMORROW))
    assert {top.rows for top in heard.of(TOMORROW)} == {()}
    assert heard.of(TOMORROW)[-1].seq > seq
    assert (await reader.snapshot("default", "day")).rows == ()
    assert (await reader.page("default", "day", None, 10))[1].rows == ()
    assert place(await reader.snapshot("default", TODAY)) == WAS
    with pytest.raises(NotFound):
        await reader.page("default", "2031-01-01", None, 10)
    await turn(world, frozen=False)
    await until(lambda: heard.of(TOMORROW)[-1].rows)
    assert place(heard.of(TOMORROW)[-1]) == [(1, "u2", 5)]
    # What ended meanwhile has been shown as of then until now.
    await until(lambda: place(heard.of(TODAY)[-1]) == IS)
    assert place(await reader.snapshot("default", TODAY)) == IS


async def test_a_day_that_an_award_has_begun_is_opened_behind_a_freeze(world: World) -> None:
    await put(world.ledger, DAILY, QUIZ)
    await append(world.ledger, world.clock, award("one"))
    relay = world.relay()
    await relay.rebuild()
    await turn(world, frozen=True)
    await relay.follow()
    world.clock.now_ms += DAY_MS // 2
    await append(world.ledger, world.clock, award("two"))
    await relay.follow()
    await relay._turn_periods()
    assert (await world.reader().snapshot("default", TOMORROW)).rows == ()


async def test_a_day_that_had_ended_before_is_as_it_is(
    world: World, heard: Heard, until: Until
) -> None:
    await until(lambda: heard.of("all"))
    world.clock.now_ms += DAY_MS
    await frozen_at(world, heard, until)
    assert place(await world.reader().snapshot("default", TODAY)) == WAS


async def test_a_reader_that_did_not_know_of_the_freeze_throws_away_what_it_has_read(
    world: World, heard: Heard, until: Until
) -> None:
    await until(lambda: heard.of("all"))
    late = type(world.catalogue)(world.ledger)
    await late.load()
    await frozen_at(world, heard, until)
    world.catalogue = late
    world.answers = world.answers_of(world.ledger)
    reader = world.reader()
    assert (await reader.standing(*ALL, "u2")).score == 5
    assert place(await reader.snapshot(*ALL)) == WAS


async def test_the_ledger_does_not_leak_what_the_ranking_would_not(
    world: World, heard: Heard, until: Until
) -> None:
    await until(lambda: heard.of("all"))
    late = type(world.catalogue)(world.ledger)
    await late.load()
    await frozen_at(world, heard, until)
    world.catalogue = late

    async def lost(*_: Any, **__: Any) -> None:
        raise Unavailable

    for name in ("snapshot", "page", "standing", "around", "total"):
        setattr(world.ranking, name, lost)
    reader = world.reader()
    assert (await reader.page(*ALL, None, 5))[1].rows[0].user_id == "u1"
    with pytest.raises(NotFound):
        await reader.standing(*ALL, "u4")


async def test_ties_are_numbered_by_the_settings_of_now(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    shared = Board(board="default", windows=DAILY.windows, tie=Tie.SHARED)
    await put(world.ledger, shared)
    reader = world.reader()
    await until(lambda: shows(reader, [(1, "u1", 22), (2, "u2", 5), (2, "u3", 5)]))


async def test_a_window_that_is_new_behind_a_freeze_shows_the_freeze(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    weekly = Board(board="default", windows=(*DAILY.windows, Window.WEEK))
    await put(world.ledger, weekly)
    await world.catalogue.load()
    assert place(await world.reader().snapshot("default", "week")) == WAS
