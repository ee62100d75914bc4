"""Tells the bus the newest tops, apart from the relay: a lost bus must not hold up the ranking."""

import asyncio
import contextlib
from collections.abc import Iterable

from scoreboard.core.board import Board
from scoreboard.core.standing import Snapshot
from scoreboard.errors import NotFound, ScoreboardError, Unavailable
from scoreboard.ports import Bus, News, Place, Standings
from scoreboard.service.answers import Answers
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.health import Health
from scoreboard.telemetry import Event, Telemetry, log

RETRY_S = 0.5

NAME = "publisher"
"""Whose loss of the bus it is: that news are heard says nothing of whether they can be told."""

FROZEN_WITHIN_S = 0.05
"""How long other tops wait for that of a frozen board, which may have to be loaded first."""

UNRANKED_EVERY_S = 1.0
"""How often the tops are read from the ledger while there is no ranking to read them from."""

Span = tuple[str, str]


class Publisher:
    """Publishes what has changed; spans that wait while the bus is slow are published once.

    Whatever could not be published is published again, all of it, as soon as the bus is back.
    """

    def __init__(
        self,
        answers: Answers,
        bus: Bus,
        catalogue: CurrentCatalogue,
        *,
        health: Health,
        telemetry: Telemetry,
    ) -> None:
        self._answers = answers
        self._bus = bus
        self._catalogue = catalogue
        self._health = health
        health.when_restored("bus", self.again)
        self._errors = telemetry.child("scoreboard_bus_errors_total")
        self._seconds = telemetry.child("scoreboard_dependency_seconds", "bus", "publish")
        self._spans: set[Span] = set()
        self._changed: dict[Span, None] = {}
        self._closed: dict[Span, None] = {}
        self._told: dict[Span, tuple[int, int]] = {}
        self._boards = False
        self._readable = asyncio.Event()
        self._wake = asyncio.Event()

    def hold(self, spans: Iterable[Span]) -> None:
        """These are all spans there are; tell each, and the boards, anew."""
        self._spans = set(spans)
        self._told.clear()
        self._boards = True
        self.changed(self._spans)

    def again(self) -> None:
        """The bus may have forgotten: tell everything anew."""
        self.hold(self._spans)

    def changed(self, spans: Iterable[Span]) -> None:
        """The tops of these spans are no longer what was told."""
        self._changed.update(dict.fromkeys(spans))
        self._spans.update(self._changed)
        if self._changed:
            self._wake.set()

    def turned(self, place: Place) -> None:
        """Somebody left or came back by a posting up to this: a frozen top may know it alone."""
        self._answers.turned(place)
        self.changed([span for span in self._spans if self._is_frozen(span)])

    def close(self, span: Span) -> None:
        """The period is over."""
        self._spans.discard(span)
        self._changed.pop(span, None)
        self._told.pop(span, None)
        self._closed[span] = None
        self._wake.set()

    def read_ranking(self) -> None:
        """Tops come from the ranking, as soon as they have changed."""
        self._readable.set()
        self._wake.set()

    def read_ledger(self) -> None:
        """There is no ranking: tops come from the ledger, all of them, once a second."""
        self._readable.clear()
        self._wake.set()

    def forget(self) -> None:
        """Another node tells it now, and finds out whether the bus can be told."""
        self._health.restored("bus", NAME)
        self._spans.clear()
        self._changed.clear()
        self._closed.clear()
        self._told.clear()
        self._boards = False

    async def run(self) -> None:
        """Publish for ever; whatever fails is tried again."""
        while True:
            await self._wait()
            try:
                await self.publish()
            except ScoreboardError as error:
                self._errors.inc()
                if "bus" not in self._health.degraded:
                    log().warning(Event.BUS_FAILED, code=error.code)
                if self._spans:
                    self._health.lost("bus", NAME)
                self.hold(self._spans)
                await asyncio.sleep(RETRY_S)

    async def publish(self) -> None:
        """Publish once what waits.

        Raises:
            Unavailable: the bus cannot be reached.
        """
        changed, self._changed = self._changed, {}
        boards, self._boards = self._boards, False
        news: list[News] = list(self._catalogue.boards.values()) if boards else []
        news += await self._tops(changed)
        if news:
            with self._seconds.time():
                await self._bus.publish(news)
        for span in list(self._closed):
            await self._bus.close_period(*span)
            self._closed.pop(span, None)
        if news and self._health.restored("bus", NAME):
            log().info(Event.BUS_RECOVERED)

    async def _tops(self, spans: Iterable[Span]) -> list[Snapshot]:
        known = [span for span in spans if span[0] in self._catalogue.boards]
        found = await asyncio.gather(*map(self._top, known))
        tops = [top for top in found if top is not None and top.seq > 0 and self._is_news(top)]
        frozen = [top for top in tops if self._is_frozen((top.board, top.period))]
        self._told.update(((top.board, top.period), top.place()) for top in frozen)
        return tops

    async def _top(self, span: Span) -> Snapshot | None:
        """What the public may see of it; None, and later again, when that cannot be told now."""
        name, period = span
        try:
            async with asyncio.timeout(FROZEN_WITHIN_S if self._is_frozen(span) else None):
                named = self._catalogue.board(name).period(period, 0)
                return await self._answers.public(name, named, self._read)
        except (NotFound, TimeoutError, Unavailable):
            asyncio.get_running_loop().call_later(RETRY_S, self._retry, span)
            return None

    def _retry(self, span: Span) -> None:
        if span in self._spans:
            self.changed([span])

    async def _read(self, source: Standings, board: Board, period: str) -> Snapshot | None:
        if source is self._answers.ranking and not self._readable.is_set():
            return None  # it is being made anew: the ledger knows
        return await source.snapshot(board, period)

    def _is_frozen(self, span: Span) -> bool:
        board = self._catalogue.boards.get(span[0])
        return board is not None and board.frozen is not None

    def _is_news(self, top: Snapshot) -> bool:
        """A frozen top is read whenever the live one has changed, and seldom is another one."""
        return self._told.get((top.board, top.period)) != top.place()

    async def _wait(self) -> None:
        if self._readable.is_set() or not self._spans:
            await self._wake.wait()
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(UNRANKED_EVERY_S):
                    await self._readable.wait()
            self.changed(self._spans)
        self._wake.clear()
