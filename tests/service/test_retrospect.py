"""It is promised that a period of the past is that of the moment that was asked for."""

from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.window import Window
from scoreboard.errors import NotFound
from scoreboard.service.retrospect import Moment, Retrospect
from tests.contracts.material import DAY_MS, QUIZ, append, award, put

TODAY, TOMORROW = "2026-11-23", "2026-11-24"


@pytest.fixture
async def retrospect(world: Any) -> Retrospect:
    """One award at noon; then two days pass without a posting."""
    await put(world.ledger, Board(board="default", windows=(Window.ALL, Window.DAY)), QUIZ)
    await append(world.ledger, world.clock, award("a1"))
    await world.catalogue.load()
    world.clock.now_ms += 2 * DAY_MS
    return Retrospect(world.ledger, world.reader())


@pytest.mark.parametrize(
    ("days_ago", "period", "users"),
    [(2, TODAY, ["u1"]), (1, TOMORROW, []), (0, "2026-11-25", []), (-1, "2026-11-25", [])],
)
async def test_a_day_in_which_nothing_happened_is_not_the_one_before(
    world: Any, retrospect: Retrospect, days_ago: int, period: str, users: list[str]
) -> None:
    moment = Moment(at_ms=world.clock.now_ms - days_ago * DAY_MS)
    name, page = await retrospect.top("default", "day", moment, 10)
    assert (name, [row.user_id for row in page.rows]) == (period, users)
    head = await world.ledger.head()
    assert (page.epoch, page.seq) == (head.epoch, head.seq)


async def test_whoever_has_nothing_in_that_day_has_no_standing(
    world: Any, retrospect: Retrospect
) -> None:
    now_ms = world.clock.now_ms
    first = Moment(at_ms=now_ms - 2 * DAY_MS)
    assert (await retrospect.standing("default", "day", first, "u1")).rank == 1
    with pytest.raises(NotFound):
        await retrospect.standing("default", "day", Moment(at_ms=now_ms - DAY_MS), "u1")


async def test_the_periods_of_a_posting_are_its_own(world: Any, retrospect: Retrospect) -> None:
    head = await world.ledger.head()
    name, _ = await retrospect.top("default", "day", Moment(seq=head.seq), 10)
    assert name == TODAY
