"""Follows the ledger into the bus's feed of postings for other systems."""

import asyncio
from collections.abc import Callable, Sequence

from scoreboard.core.posting import Posting
from scoreboard.errors import ScoreboardError
from scoreboard.ports import Bus, Ledger
from scoreboard.service.leadership import Leadership
from scoreboard.telemetry import Event, Telemetry, log

FOLLOWER = "feed"
"""The name of its bookmark in the ledger."""

FEED_MAX = 1_000
"""Postings in one batch."""

SAVE_EVERY_S = 0.2
LOOK_EVERY_S = 0.1
RETRY_S = 0.5


class Feed:
    """While this node leads: every posting at least once, in order, whatever the relay does.

    The bookmark moves only after the bus has said that it has a batch, so a crash repeats the
    last batches and leaves nothing out. A node that has lost the lead meanwhile repeats one.
    """

    def __init__(
        self,
        ledger: Ledger,
        bus: Bus,
        leadership: Leadership,
        *,
        clock_ms: Callable[[], int],
        telemetry: Telemetry,
    ) -> None:
        self._ledger = ledger
        self._bus = bus
        self._leadership = leadership
        self._clock_ms = clock_ms
        self._backlog = telemetry.child("scoreboard_feed_backlog")
        self._lag = telemetry.child("scoreboard_feed_lag_seconds")
        self._seconds = telemetry.child("scoreboard_dependency_seconds", "bus", "feed")
        self._woken = asyncio.Event()
        self._fed = self._saved = 0
        self._save_at_s = 0.0
        ledger.on_commit(self._woken.set)

    async def run(self) -> None:
        """Feed for ever; whatever fails is tried again."""
        failing = False
        while True:
            try:
                await self._leadership.gained()
                await self._begin()
                while self._leads():
                    await self._step()
                    if failing:
                        log().info(Event.FEED_RECOVERED, seq=self._fed)
                    failing = False
            except ScoreboardError as error:
                if not failing:
                    log().warning(Event.FEED_FAILED, code=error.code)
                failing = True
            except Exception:  # noqa: BLE001 - nothing may stop it for good
                log().exception(Event.FEED_FAILED)
                failing = True
            finally:
                await self._end()
            await asyncio.sleep(RETRY_S)

    async def _begin(self) -> None:
        self._fed = self._saved = await self._ledger.bookmark(FOLLOWER)

    async def _step(self) -> None:
        """Feed one batch, or wait for postings."""
        postings = await self._ledger.postings(self._fed, FEED_MAX)
        await self._measure(postings)
        if postings and self._leads():
            with self._seconds.time():
                await self._bus.feed(postings)
            self._fed = postings[-1].seq
        await self._save()
        if len(postings) < FEED_MAX:
            await self._measure(())
            await self._wait()

    async def _measure(self, postings: Sequence[Posting]) -> None:
        behind = len(postings)
        if behind == FEED_MAX:
            behind = (await self._ledger.head()).seq - self._fed
        self._backlog.set(behind)
        self._lag.set(max(0, self._clock_ms() - postings[0].at) / 1000 if postings else 0)

    async def _save(self) -> None:
        """Move the bookmark, unless it was moved just now and not far."""
        now_s = asyncio.get_running_loop().time()
        unsaved = self._fed - self._saved
        if unsaved >= FEED_MAX or (unsaved and now_s >= self._save_at_s):
            await self._ledger.move_bookmark(FOLLOWER, self._fed)
            self._saved = self._fed
            self._save_at_s = now_s + SAVE_EVERY_S

    async def _end(self) -> None:
        """Keep what was reached; if that fails, the next one repeats it."""
        if not self._leads():
            await self._measure(())
        if self._fed > self._saved:
            try:
                await self._ledger.move_bookmark(FOLLOWER, self._fed)
            except ScoreboardError:
                return
            self._saved = self._fed

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    def _leads(self) -> bool:
        return self._leadership.term is not None
