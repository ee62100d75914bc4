"""It is promised that the ranking takes a freeze and a reveal for what the ledger took them for."""

from typing import Any

from scoreboard.core.board import Board
from scoreboard.core.window import Window
from scoreboard.errors import OutOfPlace
from scoreboard.ports import Change
from tests.contracts.material import DAY_MS, GOAL, LEAGUE, QUIZ, append, award, put, turn
from tests.service.following import DAILY, ensure_follows, follow

MIDNIGHT_MS = DAY_MS // 2  # after noon


async def ensure_same_places(world: Any, boards: tuple[Board, ...]) -> None:
    """Every top of now has the same place in the ranking and in the ledger."""
    for board in boards:
        for period in board.periods_at(world.clock()):
            ranked = await world.ranking.snapshot(board, period.name)
            assert ranked.place() == (await world.ledger.snapshot(board, period.name)).place()


async def test_every_current_top_moves_and_no_other(world: Any) -> None:
    await put(world.ledger, QUIZ, LEAGUE, GOAL)
    await append(world.ledger, world.clock, award("a"), award("b", "u2", GOAL))
    relay = world.relay()
    await relay.rebuild()
    for frozen in (True, False, True):
        other = await world.ranking.snapshot(Board(board="default"), "all")
        await turn(world.ledger, "league", frozen=frozen)
        await follow(world, relay)
        head = await world.ledger.head()
        for period in LEAGUE.periods_at(world.clock()):
            snapshot = await world.ranking.snapshot(LEAGUE, period.name)
            assert (snapshot.seq, snapshot.at) == (head.seq, head.at)
        assert await world.ranking.snapshot(Board(board="default"), "all") == other
        await ensure_follows(world)
    await ensure_same_places(world, (LEAGUE,))
    assert world.metric("scoreboard_rebuilds_total") == 1


async def test_a_freeze_at_midnight_comes_before_the_day_was_opened(world: Any) -> None:
    await put(world.ledger, DAILY, QUIZ)
    await append(world.ledger, world.clock, award("a"))
    relay = world.relay()
    await relay.rebuild()
    world.clock.now_ms += MIDNIGHT_MS
    await turn(world.ledger, "default", frozen=True)
    await follow(world, relay)
    await ensure_same_places(world, (DAILY,))
    await append(world.ledger, world.clock, award("b", "u2"))
    await follow(world, relay)
    await ensure_follows(world)
    assert world.metric("scoreboard_rebuilds_total") == 1


async def test_the_catalogue_is_read_ahead_of_a_freeze(world: Any) -> None:
    """The window that a later posting adds is loaded, and not taken for an empty one."""
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("a"), award("b", "u2"))
    relay = world.relay()
    await relay.take_over(1)
    default = (await world.ledger.catalogue()).boards["default"]
    await world.ledger.change(Change(default, "tester", "the last hour", frozen=True))
    postings = await world.ledger.postings((await world.ranking.place())[1], 1)
    await put(world.ledger, Board(board="default", windows=(Window.ALL, Window.DAY)))
    await append(world.ledger, world.clock, award("c"))
    try:
        await relay._take(postings[0].epoch, postings[0].seq - 1, postings)
        await follow(world, relay)
    except OutOfPlace:
        await relay.rebuild()
    await ensure_follows(world)
