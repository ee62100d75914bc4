"""Looks for new tops itself while the bus is lost: screens go on, more slowly."""

import asyncio

from scoreboard.errors import ScoreboardError
from scoreboard.service.announcer import Announcer
from scoreboard.service.health import Health
from scoreboard.service.reader import Reader

LOOK_EVERY_S = 1.0


class Fallback:
    """Reads the tops that this node has shown from the ranking, or the ledger, once a second."""

    def __init__(self, reader: Reader, announcer: Announcer, health: Health) -> None:
        self._reader = reader
        self._announcer = announcer
        self._health = health

    async def run(self) -> None:
        """Be ready for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if "bus" in self._health.degraded:
                await self.look()

    async def look(self) -> None:
        """Show once what is newer."""
        try:
            self._announcer.hear(await self._reader.look())
        except ScoreboardError:
            return  # whoever asks for it will be told; screens keep what they have
