"""The services on the real embedded adapters; only the clock and the failures are made up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from scoreboard.adapters.memory import LocalBus, MemoryLimiter, MemoryRanking
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.service.answers import Answers
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.frozen import FrozenBoards
from scoreboard.service.group_commit import GroupCommit
from scoreboard.service.health import Health
from scoreboard.service.leadership import Alone, Leadership
from scoreboard.service.publisher import Publisher
from scoreboard.service.reader import Reader
from scoreboard.service.relay import Relay
from scoreboard.telemetry import Telemetry
from tests.contracts.material import Clock, ManualSeconds

WITHIN_S = 30


class FaultyLedger:
    """The real ledger, whose calls can be held up, watched and made to fail."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: list[Exception | None] = []
        self.groups: list[int] = []
        self.before: dict[str, Callable[[], Any]] = {}
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def append(self, awards: Sequence[Any], prepared: Any) -> Any:
        self.groups.append(len(awards))
        await self._happen("append")
        await self.gate.wait()
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        return await self._ledger.append(awards, prepared)

    async def scores(self, *place: Any) -> Any:
        found = await self._ledger.scores(*place)
        await self._happen("scores")
        return found

    async def scores_at(self, *place: Any) -> Any:
        await self._happen("scores_at")
        return await self._ledger.scores_at(*place)

    async def postings(self, after: int, limit: int) -> Any:
        await self._happen("postings")
        return await self._ledger.postings(after, limit)

    async def _happen(self, call: str) -> None:
        if call in self.before:
            await self.before[call]()


class World:
    """One node without its web."""

    def __init__(self, ledger: SqliteLedger, clock: Clock) -> None:
        self.clock = clock
        self.seconds = ManualSeconds()
        self.ledger = FaultyLedger(ledger)
        self.ranking = MemoryRanking()
        self.bus = LocalBus()
        self.limiter = MemoryLimiter(self.seconds)
        self.telemetry = Telemetry()
        self.health = Health()
        self.random = count()
        self.catalogue = CurrentCatalogue(self.ledger)
        self.frozen = FrozenBoards(self.ledger, MemoryRanking)
        self.answers = self.answers_of(self.ledger)
        self.publisher = Publisher(
            self.answers,
            self.bus,
            self.catalogue,
            health=self.health,
            telemetry=self.telemetry,
        )

    def answers_of(self, ledger: Any) -> Answers:
        return Answers(ledger, self.ranking, self.catalogue, self.frozen, clock_ms=self.clock)

    def reader(self, ledger: Any = None) -> Reader:
        answers = self.answers_of(ledger or self.ledger)
        return Reader(answers, self.bus, self.catalogue, clock_ms=self.clock)

    def commit(self, *, group_max: int = 1024, queue_max: int = 4096) -> GroupCommit:
        return GroupCommit(
            self.ledger,
            self.catalogue,
            group_max=group_max,
            queue_max=queue_max,
            clock_ms=self.clock,
            health=self.health,
            telemetry=self.telemetry,
        )

    def relay(self, leadership: Leadership | None = None) -> Relay:
        return Relay(
            self.ledger,
            self.ranking,
            self.publisher,
            self.catalogue,
            leadership or Alone(),
            clock_ms=self.clock,
            telemetry=self.telemetry,
        )

    def waiting(self) -> float:
        """How many awards wait, as the metric tells it."""
        (sample,) = self.telemetry.child("scoreboard_waiting_awards").collect()[0].samples
        return sample.value

    def metric(self, name: str, *labels: str) -> float:
        value: float = self.telemetry.child(name, *labels)._value.get()
        return value


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = Clock()
    ledger = await SqliteLedger.open(tmp_path / "scoreboard.db", clock_ms=clock)
    try:
        yield World(ledger, clock)
    finally:
        await ledger.close()


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Waits for a condition that holds or, awaited, turns out to hold."""

    async def wait(holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                found = holds()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                await asyncio.sleep(0.002)

    return wait
