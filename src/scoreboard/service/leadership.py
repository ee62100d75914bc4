"""Whether this node leads: a lease on the ledger, renewed each second."""

import asyncio
from typing import Protocol

from scoreboard.errors import ScoreboardError
from scoreboard.ports import Ledger
from scoreboard.telemetry import Event, Telemetry, log

LEASE_MS = 5_000
RENEW_EVERY_S = 1.0


class Leadership(Protocol):
    """The right to change what all nodes share."""

    @property
    def term(self) -> int | None:
        """The term in which this node leads now, or None when it does not."""
        ...

    async def gained(self) -> int:
        """Wait until this node leads; answers the term."""
        ...

    async def run(self) -> None:
        """Keep it, or stand by for it, for ever."""
        ...

    async def resign(self) -> None:
        """Leave it to another node at once."""
        ...


class Alone:
    """The leadership of a node that shares its ranking with nobody.

    Its ``term`` is later than those of the ledger's checkpoints.
    """

    def __init__(self, term: int = 1) -> None:
        self.term = term

    async def gained(self) -> int:
        return self.term

    async def run(self) -> None:
        return

    async def resign(self) -> None:
        return


class Lease:
    """The leadership among nodes on one ledger; ``holder`` names this process and no other.

    It ends here before it ends in the ledger, since it is counted from before the ledger was
    asked. A process that was stopped and wakes up finds it ended; what it had under way is
    refused by the ranking, which has seen a later term.
    """

    def __init__(self, ledger: Ledger, holder: str, telemetry: Telemetry) -> None:
        self._ledger = ledger
        self._holder = holder
        self._term: int | None = None
        self._until_s = float("-inf")
        self._gained = asyncio.Event()
        telemetry.child("scoreboard_leader").set_function(lambda: int(self.term is not None))

    @property
    def term(self) -> int | None:
        return self._term if asyncio.get_running_loop().time() < self._until_s else None

    async def gained(self) -> int:
        while True:
            term = self.term
            if term is not None:
                return term
            self._gained.clear()
            await self._gained.wait()

    async def run(self) -> None:
        failing = False
        while True:
            try:
                await self.renew()
                failing = False
            except ScoreboardError as error:
                if not failing:  # not once a second for as long as an outage lasts
                    log().warning(Event.LEASE_FAILED, code=error.code)
                failing = True
            await asyncio.sleep(RENEW_EVERY_S)

    async def renew(self) -> None:
        """Ask the ledger once.

        Raises:
            Unavailable: it cannot be asked; what was ours ends by itself.
        """
        asked_s = asyncio.get_running_loop().time()
        term = await self._ledger.lead(self._holder, LEASE_MS)
        if term != self._term:
            log().info(Event.LEADER_CHANGED, leading=term is not None, term=term)
        self._term = term
        if term is not None:
            self._until_s = asked_s + LEASE_MS / 1000
            self._gained.set()

    async def resign(self) -> None:
        if self._term is not None:
            self._term = None
            await self._ledger.resign(self._holder)
