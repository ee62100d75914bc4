"""It is promised that screens go on, more slowly, while the bus is lost."""

import asyncio
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.standing import Snapshot
from scoreboard.core.window import Window
from scoreboard.errors import Unavailable
from scoreboard.service import fallback as module
from scoreboard.service.announcer import Announcer
from scoreboard.service.fallback import Fallback
from scoreboard.service.hub import Hub
from scoreboard.service.reader import Reader
from tests.contracts.material import QUIZ, append, award, put

ALL = ("default", "all")


async def test_tops_are_looked_for_while_the_bus_is_lost(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one"))
    relay = world.relay()
    await relay.rebuild()
    await world.publisher.publish()
    hub = Hub(heartbeat_ms=15_000, telemetry=world.telemetry, clock_ms=world.clock)
    announcer = Announcer(world.bus, hub, refresh_ms=0, telemetry=world.telemetry)
    reader = world.reader()
    fallback = Fallback(reader, announcer, world.health)
    tasks = [asyncio.ensure_future(each.run()) for each in (announcer, reader, fallback)]
    await until(lambda: hub.frame(ALL))
    first = hub.frame(ALL)
    # Nothing is published any more.
    await append(world.ledger, world.clock, award("two"))
    await relay.follow()
    await asyncio.sleep(0.01)
    assert hub.frame(ALL) is first
    world.health.lost("bus")
    await until(lambda: hub.frame(ALL) is not first)
    assert (await reader.snapshot(*ALL)).rows[0].score == 2 * QUIZ.points
    assert hub.frame(ALL).place == (await reader.snapshot(*ALL)).place()

    async def lost(*_: Any, **__: Any) -> None:
        raise Unavailable

    # The ranking goes too: the ledger is asked.
    world.ranking.snapshot = lost
    await append(world.ledger, world.clock, award("three"))
    world.clock.now_ms += 2_000
    await until(lambda: _scores(reader, 3 * QUIZ.points))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_top_of_a_window_that_this_node_has_not_heard_of_does_not_end_its_reading(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tops came over the bus while the database could not tell which windows there are."""
    await world.catalogue.load()

    async def lost() -> None:
        raise Unavailable

    monkeypatch.setattr(world.ledger, "catalogue", lost, raising=False)
    reader = world.reader()
    task = asyncio.ensure_future(reader.run())
    weekly = Board(board="default", windows=(Window.ALL, Window.WEEK))
    week, everything = (
        Snapshot("default", period.name, 1, seq, 1, ())
        for seq, period in ((3, weekly.period("week", world.clock())), (4, weekly.period("all", 0)))
    )
    await world.bus.publish([weekly, week])
    await until(lambda: reader.known("default", week.period))
    await world.bus.publish([everything])
    await until(lambda: reader.known(*ALL))
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _scores(reader: Reader, score: int) -> bool:
    return (await reader.snapshot(*ALL)).rows[0].score == score


async def test_without_a_ranking_standings_come_from_the_ledger(world: Any) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one"), award("two", "u2"))
    await world.catalogue.load()

    async def lost(*_: Any, **__: Any) -> None:
        raise Unavailable

    for name in ("snapshot", "page", "standing", "around", "total", "own_standing"):
        setattr(world.ranking, name, lost)
    reader = world.reader()
    assert (await reader.standing(*ALL, "u2")).rank == 2
    assert (await reader.page(*ALL, None, 10))[1].rows[0].user_id == "u1"
    assert [row.user_id for row in await reader.around(*ALL, "u1", 5)] == ["u1", "u2"]
    assert await reader.total("default") == 2
    standing, *place = await reader.own_standing(*ALL, "u2")
    assert standing is not None
    head = await world.ledger.head()
    assert place == [head.epoch, head.seq]
