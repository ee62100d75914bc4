"""It is promised that the ranking follows the ledger, whatever happens to either."""

from random import Random
from typing import Any

import pytest

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
    _caught_up,
    catalogue,
    ensure_follows,
    ensure_shown_was_true,
    follow,
    running,
    screen,
)

__all__ = ["catalogue", "screen"]


@pytest.mark.parametrize("seed", range(4))
async def test_every_top_that_is_told_is_true_at_its_seq(
    world: Any, screen: Screen, seed: int
) -> None:
    awards, random = Awards(world, seed), Random(seed)
    relay = world.relay()
    await relay.rebuild()
    for _ in range(40):
        for _ in range(random.randrange(1, 4)):
            world.clock.now_ms += random.randrange(1_000)
            await awards.append(random.randrange(1, 30))
        await follow(world, relay)
    await ensure_follows(world)
    assert len(screen.shown) > 40
    await ensure_shown_was_true(world, screen.shown)


async def test_a_fall_out_of_the_top_after_a_rise_is_when_the_top_changed(
    world: Any, screen: Screen
) -> None:
    relay = world.relay()
    users = [f"user-{number:02d}" for number in range(11)]
    await append(world.ledger, world.clock, *(award(user, user, PRIZE) for user in users))
    await relay.rebuild()
    rise = award("rise", "user-05", QUIZ)
    fall = award("fall", "user-00", FALL)
    *_, fallen = await append(world.ledger, world.clock, rise, fall)
    await follow(world, relay)
    top = screen.last("default", "all")
    assert top is not None
    assert top.seq == fallen.posting.seq
    assert "user-00" not in {row.user_id for row in top.rows}
    await ensure_shown_was_true(world, screen.shown)


async def test_an_old_place_is_refused_and_a_new_ranking_is_made(world: Any, until: Any) -> None:
    awards = Awards(world, 2)
    await awards.append(20)
    async with running(world):
        epoch, seq = await world.ranking.place()
        await world.ranking.rebuild((epoch - 1, seq))
        await world.ranking.switch()
        await awards.append(1)
        await until(lambda: world.metric("scoreboard_rebuilds_total") == 2)
        await awards.append(20)
        await until(lambda: _caught_up(world))
        await ensure_follows(world)


@pytest.mark.parametrize("odd", [Unavailable, ZeroDivisionError])
async def test_an_outage_of_the_ledger_is_waited_out(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch, odd: type[Exception]
) -> None:
    even = ({Unavailable, ZeroDivisionError} - {odd}).pop()
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    awards, failures = Awards(world, 3), 0

    async def fail() -> None:
        nonlocal failures
        failures += 1
        if failures < 5:
            raise odd if failures % 2 else even
        world.ledger.before.clear()

    async with running(world):
        world.ledger.before["postings"] = fail
        await awards.append(20)
        await until(lambda: _caught_up(world))
        assert failures == 5
        await ensure_follows(world)
