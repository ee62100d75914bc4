"""A limiter on a shared server, with its answers timed."""

from scoreboard.ports import Limiter, Rate, Verdict
from scoreboard.telemetry import Telemetry


class TimedLimiter:
    """``ports.Limiter`` that passes everything on, and observes how long a hit takes."""

    def __init__(self, limiter: Limiter, telemetry: Telemetry) -> None:
        self._limiter = limiter
        self._seconds = telemetry.child("scoreboard_dependency_seconds", "limiter", "hit")

    async def hit(self, key: str, rate: Rate) -> Verdict:
        with self._seconds.time():
            return await self._limiter.hit(key, rate)

    async def give_back(self, key: str) -> None:
        await self._limiter.give_back(key)

    async def remember(self, key: str, rate: Rate, age_s: float) -> None:
        await self._limiter.remember(key, rate, age_s)
