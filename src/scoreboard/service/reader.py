"""The way back: tops, standings and history, from the ranking or, where it has none, the ledger."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.core.standing import Page, Row, Snapshot, Standing
from scoreboard.core.window import Period
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import AuditEntry, Bus, Head, Key, Ledger, Ranking
from scoreboard.service.catalogue import Boards

ARCHIVE_TTL_MS = 1_000
"""A top that only the database has is read from it at most once in this time."""

ARCHIVE_MAX = 256

Span = tuple[str, str]
T = TypeVar("T")


class Reader:
    """Reads of boards, by name of the board and of the period."""

    def __init__(
        self,
        ledger: Ledger,
        ranking: Ranking,
        bus: Bus,
        catalogue: Boards,
        *,
        clock_ms: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._ranking = ranking
        self._bus = bus
        self._catalogue = catalogue
        self._clock_ms = clock_ms
        self.heard = asyncio.Event()
        """The bus has told what it knows."""
        self._tops: dict[Span, Snapshot] = {}
        self._archive: dict[Span, tuple[int, Snapshot]] = {}

    async def run(self) -> None:
        """Keep the newest tops at hand for ever."""
        async for news in self._bus.news():
            for each in news:
                if isinstance(each, Snapshot):
                    self._keep(each)
            self._prune()
            self.heard.set()

    def _keep(self, snapshot: Snapshot) -> None:
        if snapshot.place() > self._place(snapshot):
            self._tops[snapshot.board, snapshot.period] = snapshot

    async def look(self) -> Sequence[Snapshot]:
        """Read anew the tops at hand and those of now; answers those that are newer.

        A top that cannot be read, or is none yet, holds up no other.
        """
        self._prune()
        newer = []
        for span in dict.fromkeys([*self._tops, *self._spans()]):
            with contextlib.suppress(NotFound, Unavailable):
                fresh = await self._fresh(*span)
                if fresh.place() > self._place(fresh):
                    newer.append(fresh)
                    self._keep(fresh)
        return newer

    def _spans(self) -> list[Span]:
        """The current period of every window: the bus may have been lost before it began."""
        boards = self.boards()
        return [(each.board, period.name) for each in boards for period in self.current(each)]

    async def _fresh(self, board_name: str, period: str) -> Snapshot:
        board = self._catalogue.board(board_name)
        ranked = await _ranked(self._ranking.snapshot(board, period))
        return ranked or await self._archived(board, period)

    def _place(self, snapshot: Snapshot) -> tuple[int, int]:
        known = self._tops.get((snapshot.board, snapshot.period))
        return known.place() if known else (0, 0)

    def board(self, name: str) -> Board:
        """Raises: NotFound."""
        return self._catalogue.board(name)

    def boards(self) -> Sequence[Board]:
        return list(self._catalogue.boards.values())

    def known(self, board: str, period: str) -> Snapshot | None:
        """The newest top at hand; ``period`` is resolved already. Costs nothing."""
        return self._tops.get((board, period))

    async def snapshot(self, board_name: str, period_name: str) -> Snapshot:
        """The top ten.

        Raises:
            NotFound: no such board, window, or nothing ever happened in that period.
            InvalidParameter: no period can have that name.
        """
        board, period = self._resolve(board_name, period_name)
        at_hand = self._tops.get((board.board, period))
        if at_hand is not None:
            return at_hand
        return await self._fresh(board.board, period)

    async def page(
        self, board_name: str, period_name: str, after: Key | None, limit: int
    ) -> tuple[str, Page]:
        """Rows after a sort key, and the period's concrete name; raises as ``snapshot``."""
        board, period = self._resolve(board_name, period_name)
        page = await _ranked(self._ranking.page(board, period, after, limit))
        page = page or await self._ledger.page(board, period, after, limit)
        if page is None or page.seq == 0:
            raise NotFound
        return period, page

    async def standing(
        self, board_name: str, period_name: str, user_id: str, *, own: bool = False
    ) -> Standing:
        """A user's standing; raises as ``snapshot``, and NotFound without a score to be shown.

        ``own``: the user asks, and learns the place that it would have.
        """
        board, period = self._resolve(board_name, period_name)
        standing = await _ranked(self._ranking.standing(board, period, user_id, own=own))
        standing = standing or await self._ledger.standing(board, period, user_id, own=own)
        if standing is None:
            raise NotFound
        return standing

    async def around(
        self, board_name: str, period_name: str, user_id: str, radius: int, *, own: bool = False
    ) -> Sequence[Row]:
        """A user between its neighbours; as ``standing``."""
        board, period = self._resolve(board_name, period_name)
        rows = await _ranked(self._ranking.around(board, period, user_id, radius, own=own))
        if rows is None:
            rows = await self._ledger.around(board, period, user_id, radius, own=own)
        if rows is None:
            raise NotFound
        return rows

    async def own_standing(
        self, board_name: str, period_name: str, user_id: str
    ) -> tuple[Standing | None, int, int]:
        """A user's standing or None without a score, and the (epoch, seq) it is true at.

        For the user alone: whoever is not shown gets the place that it would have.
        """
        place = await _ranked(self._ranking.place()) or _place(await self._ledger.head())
        try:
            return await self.standing(board_name, period_name, user_id, own=True), *place
        except NotFound:
            return None, *place

    async def total(self, board_name: str) -> int:
        """How many users stand on a board."""
        board = self._catalogue.board(board_name)
        total = await _ranked(self._ranking.total(board, "all"))
        return (await self._ledger.total(board, "all") or 0) if total is None else total

    async def head(self) -> Head:
        return await self._ledger.head()

    async def posting(self, award_id: str) -> Posting | None:
        return await self._ledger.posting(award_id)

    async def postings_of(self, user_id: str, before: int | None, limit: int) -> Sequence[Posting]:
        return await self._ledger.postings_of(user_id, before, limit)

    async def audit(self, before: int | None, limit: int) -> Sequence[AuditEntry]:
        return await self._ledger.audit(before, limit)

    def now_ms(self) -> int:
        """The time by which current periods are told."""
        return self._clock_ms()

    def current(self, board: Board) -> Sequence[Period]:
        """The board's periods of now."""
        return board.periods_at(self._clock_ms())

    def period(self, board_name: str, period_name: str) -> str:
        """The concrete name of a period; raises as ``snapshot``."""
        return self._resolve(board_name, period_name)[1]

    def _resolve(self, board_name: str, period_name: str) -> tuple[Board, str]:
        board = self._catalogue.board(board_name)
        return board, board.period(period_name, self._clock_ms()).name

    async def _archived(self, board: Board, period: str) -> Snapshot:
        span, now_ms = (board.board, period), self._clock_ms()
        until_ms, snapshot = self._archive.get(span, (0, None))
        if snapshot is None or until_ms <= now_ms:
            snapshot = await self._ledger.snapshot(board, period)
            if snapshot is None or snapshot.seq == 0:
                raise NotFound
            if len(self._archive) >= ARCHIVE_MAX:
                del self._archive[next(iter(self._archive))]
            self._archive[span] = (now_ms + ARCHIVE_TTL_MS, snapshot)
        return snapshot

    def _prune(self) -> None:
        """Forget tops of periods that are over: the archive has them."""
        for span in [span for span in self._tops if self._is_over(*span)]:
            del self._tops[span]

    def _is_over(self, board: str, period: str) -> bool:
        now_ms = self._clock_ms()
        settings = self._catalogue.boards.get(board)
        return settings is not None and settings.period(period, now_ms).end_ms <= now_ms


def _place(head: Head) -> tuple[int, int]:
    return head.epoch, head.seq


async def _ranked(read: Awaitable[T | None]) -> T | None:
    """What the ranking knows; a ranking that cannot be reached knows nothing."""
    try:
        return await read
    except Unavailable:
        return None
