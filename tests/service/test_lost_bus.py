"""It is promised that a lost bus is said to be lost as long as it is, and that no screen stands."""

import asyncio
from typing import Any

import pytest

from scoreboard.core.board import Board
from scoreboard.core.window import Window
from scoreboard.errors import Unavailable
from scoreboard.service import publisher as module
from scoreboard.service.health import Health
from tests.contracts.material import HOUR_MS, QUIZ, append, award, put

DAILY = Board(board="default", windows=(Window.ALL, Window.DAY))
MIDNIGHT_MS = 12 * HOUR_MS  # after noon


class NoLedger:
    """What a gateway has."""

    async def snapshot(self, *_: Any) -> Any:
        raise Unavailable


@pytest.fixture(autouse=True)
async def relay(world: Any) -> Any:
    await put(world.ledger, QUIZ, DAILY)
    await append(world.ledger, world.clock, award("one"))
    relay = world.relay()
    await relay.rebuild()
    await world.publisher.publish()
    return relay


async def test_a_node_that_leads_no_more_does_not_say_for_ever_that_the_bus_is_lost(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    publish = world.bus.publish

    async def lost(_: Any) -> None:
        raise Unavailable

    world.bus.publish = lost
    task = asyncio.ensure_future(world.publisher.run())
    world.publisher.again()
    await until(lambda: "bus" in world.health.degraded)
    world.publisher.forget()
    world.bus.publish = publish
    await asyncio.sleep(0.01)
    assert "bus" not in world.health.degraded
    task.cancel()
    await asyncio.wait([task])


def test_news_that_are_not_heard_are_not_back_because_others_can_be_told() -> None:
    health = Health()
    health.lost("bus")
    health.lost("bus", "publisher")
    assert not health.restored("bus", "publisher")
    assert health.degraded == ("bus",)
    assert health.restored("bus")
    assert health.degraded == ()


async def test_a_period_that_begins_while_the_bus_is_lost_is_found(world: Any, relay: Any) -> None:
    reader = world.reader()
    world.clock.now_ms += MIDNIGHT_MS
    await append(world.ledger, world.clock, award("two"))
    await relay.follow()
    found = {top.period: top.rows[0].score for top in await reader.look()}
    assert found == {"all": 2 * QUIZ.points, "2026-11-24": QUIZ.points}


async def test_a_gateway_looks_on_when_a_period_has_left_the_ranking(
    world: Any, relay: Any
) -> None:
    ledger: Any = NoLedger()
    reader = world.reader(ledger)
    assert {top.period for top in await reader.look()} == {"all", "2026-11-23"}
    await world.ranking.forget("default", "2026-11-23")
    await append(world.ledger, world.clock, award("two"))
    await relay.follow()
    assert [top.period for top in await reader.look()] == ["all"]
