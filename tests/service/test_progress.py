"""It is promised that the lag of the ranking shows while it lasts, whatever is the matter."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scoreboard.errors import Unavailable
from scoreboard.service import progress, relay
from tests.contracts.material import QUIZ, append, award, put


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "RETRY_S", 0.01)
    monkeypatch.setattr(relay, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(progress, "LOOK_EVERY_MS", 0)


@asynccontextmanager
async def running(world: Any) -> AsyncIterator[None]:
    task = asyncio.ensure_future(world.relay().run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def shown(world: Any, name: str) -> float:
    (sample,) = world.telemetry.child(name).collect()[0].samples
    return float(sample.value)


def lag(world: Any) -> float:
    return shown(world, "scoreboard_relay_lag_seconds")


def backlog(world: Any) -> float:
    return shown(world, "scoreboard_relay_backlog")


class Broken:
    """The ranking, whose calls hang or fail while the test wants it."""

    def __init__(self, ranking: Any) -> None:
        self.fails = False
        self.failures = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._ranking = ranking

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ranking, name)

    async def place(self) -> Any:
        if self.fails:
            self.failures += 1
            raise Unavailable
        return await self._ranking.place()

    async def apply(self, group: Any) -> Any:
        await self.gate.wait()
        return await self._ranking.apply(group)


async def begun(world: Any, until: Callable[..., Any]) -> Broken:
    world.ranking = broken = Broken(world.ranking)
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("a-0", "ada", QUIZ))
    return broken


async def test_the_lag_grows_while_the_ranking_fails_and_is_gone_when_it_is_back(
    world: Any, until: Callable[..., Any]
) -> None:
    broken = await begun(world, until)
    async with running(world):
        await until(lambda: shown(world, "scoreboard_ranking_seq") >= 2)
        broken.fails = True
        await append(world.ledger, world.clock, award("a-1", "ada", QUIZ))
        await append(world.ledger, world.clock, award("a-2", "bob", QUIZ))
        await until(lambda: backlog(world) == 2)
        before = lag(world)
        world.clock.now_ms += 7_000
        assert lag(world) == before + 7
        broken.fails = False
        await until(lambda: lag(world) == 0 and backlog(world) == 0)


async def test_the_lag_grows_while_a_call_hangs(world: Any, until: Callable[..., Any]) -> None:
    broken = await begun(world, until)
    async with running(world):
        await until(lambda: shown(world, "scoreboard_ranking_seq") >= 2)
        broken.gate.clear()
        await append(world.ledger, world.clock, award("a-1", "ada", QUIZ))
        await until(lambda: backlog(world) == 1)
        world.clock.now_ms += 30_000
        assert lag(world) >= 30
        broken.gate.set()
        await until(lambda: lag(world) == 0)


async def test_a_ranking_that_was_never_reached_is_behind_from_then_on(
    world: Any, until: Callable[..., Any]
) -> None:
    broken = await begun(world, until)
    broken.fails = True
    async with running(world):
        await until(lambda: broken.failures > 1)
        assert lag(world) == 0
        await append(world.ledger, world.clock, award("a-1", "ada", QUIZ))
        await until(lambda: backlog(world) == 1)


async def test_the_greatest_gain_is_that_of_what_was_ranked(
    world: Any, until: Callable[..., Any]
) -> None:
    await begun(world, until)
    async with running(world):
        await until(lambda: shown(world, "scoreboard_ranking_seq") >= 2)
        for number in range(3):
            await append(world.ledger, world.clock, award(f"b-{number}", "bob", QUIZ))
        await until(lambda: shown(world, "scoreboard_user_gain_max_points") == 3 * QUIZ.points)
