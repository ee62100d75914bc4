"""The way back: tops, standings and history, from the ranking or, where it has none, the ledger."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.core.standing import Page, Row, Snapshot, Standing
from scoreboard.core.window import Period, Window
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import AuditEntry, Bus, Head, Key, Place, Standings
from scoreboard.service.answers import Answers, Question
from scoreboard.service.catalogue import Boards

ARCHIVE_TTL_MS = 1_000
"""A top that only the database has is read from it at most once in this time."""

ARCHIVE_MAX = 256

Span = tuple[str, str]
Own = tuple[Place, Standing | None]
T = TypeVar("T")


class Sight(Struct, frozen=True):
    """What somebody sees: ``own`` itself, though it is not shown; ``live`` past a freeze."""

    own: bool = False
    live: bool = False


PUBLIC = Sight()
OWN = Sight(own=True)
LIVE = Sight(live=True)


class Reader:
    """Reads of boards, by name of the board and of the period.

    Of a board that is frozen they tell what the public may see; with ``live``, what is true now.
    """

    def __init__(
        self, answers: Answers, bus: Bus, catalogue: Boards, *, clock_ms: Callable[[], int]
    ) -> None:
        self._answers = answers
        self._ledger = answers.ledger
        self._ranking = answers.ranking
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
            # First the boards: a top that follows may be that of one which has just been frozen.
            await self._catalogue.hear([each for each in news if isinstance(each, Board)])
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
                fresh = await self._snapshot(*span)
                if fresh.place() > self._place(fresh):
                    newer.append(fresh)
                    self._keep(fresh)
        return newer

    def _spans(self) -> list[Span]:
        """The current period of every window: the bus may have been lost before it began."""
        boards = self.boards()
        return [(each.board, period.name) for each in boards for period in self.current(each)]

    async def _snapshot(self, board: str, period: str, sight: Sight = PUBLIC) -> Snapshot:
        return (await self._ask(board, period, self._read_top, sight))[1]

    async def _read_top(self, source: Standings, board: Board, period: str) -> Snapshot | None:
        if source is self._ledger:
            return await self._archived(board, period)
        return await source.snapshot(board, period)

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

    async def snapshot(self, board_name: str, period_name: str, sight: Sight = PUBLIC) -> Snapshot:
        """The top ten.

        Raises:
            NotFound: no such board, window, or nothing ever happened in that period.
            InvalidParameter: no period can have that name.
        """
        board, period = self._resolve(board_name, period_name)
        at_hand = None if sight.live else self._tops.get((board.board, period.name))
        return at_hand or await self._snapshot(board.board, period.name, sight)

    async def page(
        self,
        board_name: str,
        period_name: str,
        after: Key | None,
        limit: int,
        sight: Sight = PUBLIC,
    ) -> tuple[str, Page]:
        """Rows after a sort key, and the period's concrete name; raises as ``snapshot``."""

        async def asked(source: Standings, board: Board, period: str) -> Page | None:
            return await source.page(board, period, after, limit)

        period, page = await self._ask(board_name, period_name, asked, sight)
        if page.seq == 0:
            raise NotFound
        return period, page

    async def standing(
        self, board_name: str, period_name: str, user_id: str, sight: Sight = PUBLIC
    ) -> Standing:
        """A user's standing; raises as ``snapshot``, and NotFound without a score to be shown."""

        async def asked(source: Standings, board: Board, period: str) -> Standing | None:
            return await source.standing(board, period, user_id, own=sight.own)

        return (await self._ask(board_name, period_name, asked, sight))[1]

    async def around(
        self,
        board_name: str,
        period_name: str,
        user_id: str,
        radius: int,
        sight: Sight = PUBLIC,
    ) -> Sequence[Row]:
        """A user between its neighbours; as ``standing``."""

        async def asked(source: Standings, board: Board, period: str) -> Sequence[Row] | None:
            return await source.around(board, period, user_id, radius, own=sight.own)

        return (await self._ask(board_name, period_name, asked, sight))[1]

    async def own_standing(
        self, board_name: str, period_name: str, user_id: str
    ) -> tuple[Standing | None, int, int]:
        """A user's standing or None without a score, and the (epoch, seq) it is true at.

        For the user alone: whoever is not shown gets the place that it would have. The place of a
        frozen board is that of its top: it moves with nothing that is not to be seen.
        """

        async def asked(source: Standings, board: Board, period: str) -> Own | None:
            found = await source.own_standing(board, period, user_id)
            if found is None or source is self._ranking or source is self._ledger:
                return found
            top = await source.snapshot(board, period)
            return None if top is None else (top.place(), found[1])

        place, standing = (await self._ask(board_name, period_name, asked))[1]
        return standing, *place

    async def total(self, board_name: str) -> int:
        """How many users stand on a board; of a frozen one that cannot be told now, stood."""
        try:
            return (await self._ask(board_name, Window.ALL.value, _total))[1]
        except Unavailable:
            frozen = self._catalogue.board(board_name).frozen
            if frozen is None:
                raise
            return frozen.users

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
        return self._resolve(board_name, period_name)[1].name

    def _resolve(self, board_name: str, period_name: str) -> tuple[Board, Period]:
        board = self._catalogue.board(board_name)
        return board, board.period(period_name, self._clock_ms())

    async def _ask(
        self, board_name: str, period_name: str, question: Question[T], sight: Sight = PUBLIC
    ) -> tuple[str, T]:
        """The period's concrete name, and the answer; raises as ``snapshot``."""
        board, period = self._resolve(board_name, period_name)
        ask = self._answers.live if sight.live else self._answers.public
        answer = await ask(board.board, period, question)
        if answer is None:
            raise NotFound
        return period.name, answer

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
        if settings is None:
            return False
        try:
            return settings.period(period, now_ms).end_ms <= now_ms
        except NotFound:
            return False  # of a window that this node has not heard of yet


async def _total(source: Standings, board: Board, period: str) -> int | None:
    return await source.total(board, period)
