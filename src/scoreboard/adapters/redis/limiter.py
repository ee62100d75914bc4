"""The limiter that all nodes share: a sliding log a key, and one script for many requests."""

import asyncio
import contextlib
import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple, Self

import msgspec

from scoreboard.adapters.redis.connection import (
    Connection,
    WrongData,
    connect,
    script,
)
from scoreboard.adapters.redis.hit_memory import UNKNOWN, US, HitMemory
from scoreboard.errors import Unavailable
from scoreboard.ports import Limiter, Rate, Verdict

BATCH_MAX = 256
"""Requests in one call: the server does nothing else for about a millisecond."""

PATIENCE_S = 0.25
"""How long hits wait for the server before the fallback decides."""

PROBE_MAX_S = 1.0
PROBE_MIN_S = 0.05

OFF = Verdict(allowed=True, remaining=0, reset_s=0)

_SCRIPT = script("limiter")


class _Answer(NamedTuple):
    """What remains (-1: refused), for how long, and when this was so, by the server's clock."""

    remaining: int
    reset_us: int
    at: int


class _Request(NamedTuple):
    """One entry of a call; its answer is None when the server is lost."""

    what: str
    key: str
    rate: Rate
    moment: int
    answer: "asyncio.Future[_Answer | None]"


class RedisLimiter:
    """``ports.Limiter`` on a Redis or Valkey server, by the server's clock.

    Whatever waits while a call is under way goes into the next one. A server that does not answer
    in ``PATIENCE_S`` is lost: until it is found again the fallback decides, without waiting. A
    server whose data is gone is told what this node remembers, key by key as they are hit.
    """

    def __init__(
        self,
        connection: Connection,
        fallback: Limiter,
        observe: Callable[[bool], None],
        clock: Callable[[], float] | None,
    ) -> None:
        self.patience_s = PATIENCE_S
        self._connection = connection
        self._fallback = fallback
        self._observe = observe
        self._clock = clock
        self._memory = HitMemory()
        self._remembered: dict[str, Rate] = {}
        self._waiting: deque[_Request] = deque()
        self._asked: list[_Request] = []
        self._wake = asyncio.Event()
        self._lost = False
        self._began = UNKNOWN
        self._server_us = 0
        self._ahead_us = 0
        self._marker = connection.key("limit", "began")
        self._log_of = connection.key("limit", "log", "")
        self._serving = asyncio.create_task(self._serve())

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        fallback: Limiter,
        observe: Callable[[bool], None] = lambda _: None,
        clock: Callable[[], float] | None = None,
    ) -> Self:
        """Count on the server at this address; one that cannot be reached now may come later.

        ``observe`` hears False when the fallback begins to decide, and True when it ends.

        Raises:
            Misconfigured: the address is none, or the server refuses us.
        """
        connection = connect(url)
        try:
            await connection.verify()
        except BaseException:
            await connection.close()
            raise
        return cls(connection, fallback, observe, clock)

    async def close(self) -> None:
        """End the connection; the fallback decides what waits."""
        self._serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._serving
        self._lost = True
        self._dismiss()
        await self._connection.close()

    async def hit(self, key: str, rate: Rate) -> Verdict:
        if rate.limit == 0:
            return OFF
        answer = await self._ask("hit", key, rate)
        if answer is None:
            return await self._hit_alone(key, rate)
        reset_s = -(-answer.reset_us // US)
        if answer.remaining < 0:
            return Verdict(allowed=False, remaining=0, reset_s=reset_s)
        self._memory.enter(key, rate, answer.at, answer.at, self._began)
        await self._fallback.remember(key, rate, 0.0)
        return Verdict(allowed=True, remaining=answer.remaining, reset_s=reset_s)

    async def give_back(self, key: str) -> None:
        taken = self._memory.take_back(key)
        if taken is not None:
            await self._fallback.give_back(key)
            await self._ask("back", key, *taken)

    async def remember(self, key: str, rate: Rate, age_s: float) -> None:
        await self._fallback.remember(key, rate, age_s)
        now = self._now_us()
        # Odd, and never later than it was: see the script.
        moment = now - math.ceil(age_s * US)
        self._memory.enter(key, rate, moment - 1 + moment % 2, now)
        self._remembered[key] = rate
        self._wake.set()

    async def _hit_alone(self, key: str, rate: Rate) -> Verdict:
        verdict = await self._fallback.hit(key, rate)
        if verdict.allowed:
            now = self._now_us()
            self._memory.enter(key, rate, now + now % 2, now)
        return verdict

    async def _ask(self, what: str, key: str, rate: Rate, moment: int = 0) -> _Answer | None:
        if self._lost:
            return None
        answer: asyncio.Future[_Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(what, key, rate, moment, answer))
        self._wake.set()
        return await answer

    async def _serve(self) -> None:
        """Call for ever; the first call makes sure that the data of this server has begun."""
        while True:
            if not await self._settle(self._asked):
                self._lose()
                await self._find()
            while not self._take():
                self._wake.clear()
                await self._wake.wait()

    def _take(self) -> bool:
        """Put together the next call; False when there is nothing to ask."""
        waiting, loop = self._waiting, asyncio.get_running_loop()
        batch = [waiting.popleft() for _ in range(min(BATCH_MAX, len(waiting)))]
        while self._remembered and len(batch) < BATCH_MAX:
            key, rate = self._remembered.popitem()
            batch.append(_Request("remember", key, rate, 0, loop.create_future()))
        self._asked = batch
        return bool(batch)

    async def _settle(self, batch: Sequence[_Request]) -> bool:
        """Ask, and once more when the data began at another time than was thought."""
        try:
            async with asyncio.timeout(self.patience_s):
                numbers = await self._call(batch) or await self._call(batch)
        except (Unavailable, WrongData, TimeoutError, TypeError, ValueError):
            return False  # what cannot be understood is no answer either
        if len(numbers) != 2 * len(batch):
            return False
        for request, remaining, reset_us in zip(batch, numbers[::2], numbers[1::2], strict=True):
            if not request.answer.done():
                request.answer.set_result(_Answer(remaining, reset_us, self._server_us))
        return True

    async def _call(self, batch: Sequence[_Request]) -> Sequence[int]:
        """Two numbers a request, or none when the data is other data than was thought."""
        clock = 0 if self._clock is None else self._now_us()
        told: dict[str, str] = {}
        words: list[str | int] = []
        for what, key, rate, moment, _ in batch:
            text = str(moment) if moment else ""
            if not moment and key not in told and (text := self._memory.untold(key, self._began)):
                told[key] = text
            words += (what, key, rate.limit, rate.window_s * US, text)
        asked = msgspec.msgpack.encode((clock, self._began, self._log_of, words))
        asked_us = self._now_us()
        answer: list[int] = await self._connection.run(_SCRIPT, [self._marker], [asked])
        self._server_us, began, *numbers = answer
        self._ahead_us += self._server_us - (asked_us + self._now_us()) // 2
        self._began = began
        if numbers:
            self._memory.tell(told, began)
        return numbers

    def _lose(self) -> None:
        self._lost = True
        self._dismiss()
        self._observe(False)  # noqa: FBT003 - what every observer of a server hears

    def _dismiss(self) -> None:
        for request in (*self._asked, *self._waiting):
            if request.what == "remember":
                self._remembered[request.key] = request.rate
            elif not request.answer.done():
                request.answer.set_result(None)
        self._waiting.clear()
        self._asked = []

    async def _find(self) -> None:
        """Ask for nothing, until there is an answer."""
        for attempt in count():
            ceiling_s = min(PROBE_MAX_S, PROBE_MIN_S * 2 ** min(attempt, 10))
            await asyncio.sleep(ceiling_s * random.random())  # noqa: S311 - jitter, no secret
            if await self._settle(()):
                break
        self._lost = False
        self._observe(True)  # noqa: FBT003

    def _now_us(self) -> int:
        """The server's time, as far as is known here."""
        if self._clock is not None:
            return int(self._clock() * US)
        return time.time_ns() // 1000 + self._ahead_us
