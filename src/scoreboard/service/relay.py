"""Follows the ledger into the ranking while this node leads, and says which tops have changed."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from scoreboard.core.board import Board
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.window import Period, Window
from scoreboard.errors import Deposed, OutOfPlace, ScoreboardError
from scoreboard.ports import APPLY_MAX, Ledger, Mark, Opening, Ranking
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.groups import OF_BOARDS, Groups, Span
from scoreboard.service.leadership import Leadership
from scoreboard.service.progress import Progress
from scoreboard.service.publisher import Publisher
from scoreboard.service.turns import runs, unseen_in
from scoreboard.telemetry import Event, Telemetry, log

LOOK_EVERY_S = 0.1
"""How often to look at the ledger unasked: other processes write too."""

RETRY_S = 0.5
LOAD_PAGE = 5_000
KEEP_CLOSED_MS = 60_000
"""How long a period that is over stays in the ranking, for those who look right afterwards."""


class Relay:
    """One follower, at work on the node that leads."""

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        ledger: Ledger,
        ranking: Ranking,
        publisher: Publisher,
        catalogue: CurrentCatalogue,
        leadership: Leadership,
        *,
        clock_ms: Callable[[], int],
        telemetry: Telemetry,
        tells_names: Sequence[str] = (),
    ) -> None:
        """``tells_names`` are followers of the ledger that have to tell of the erased by name."""
        self._ledger = ledger
        self._tells_names = tells_names
        self._ranking = ranking
        self._publisher = publisher
        self._catalogue = catalogue
        self._leadership = leadership
        self._clock_ms = clock_ms
        self._telemetry = telemetry
        self._woken = asyncio.Event()
        self._groups = Groups(catalogue)
        self._opened: set[Span] = set()
        self._damaged = False
        self._failing = False
        self._has_erased = True
        self._next_look_ms = 0
        self._ahead_ms = 0
        self._progress = Progress(ledger, clock_ms, telemetry)
        self._traces = telemetry.traces
        self._apply_seconds = telemetry.child("scoreboard_dependency_seconds", "ranking", "apply")
        self._users = telemetry.child("scoreboard_ranked_users")
        ledger.on_commit(self._woken.set)

    async def run(self) -> None:
        """Lead whenever it is this node's turn, for ever; whatever fails is tried again."""
        while True:
            term = await self._leadership.gained()
            try:
                await self._lead_or_wait(term)
            except Exception:  # noqa: BLE001 - nothing may stop it for good
                log().exception(Event.RELAY_FAILED)
                await asyncio.sleep(RETRY_S)
            if self._leadership.term != term:
                self._publisher.forget()
                self._progress.stand_down()

    async def take_over(self, term: int) -> None:
        """Begin to lead: go on where the ranking stands, or make it anew; tell every top.

        Raises:
            Deposed: another node leads by now.
        """
        await self._ranking.lead(term)
        await self._catalogue.load()
        self._has_erased = True  # the leader before may not have come to it
        if not await self._is_in_place():
            await self.rebuild()
            return
        self._groups.held = set(await self._ranking.periods())
        self._publisher.read_ranking()
        self._publisher.hold(self._groups.held)
        # The leader before may have applied who left, and not have told it.
        head = await self._ledger.head()
        self._publisher.turned((head.epoch, head.seq))

    async def rebuild(self) -> None:
        """Make the ranking anew from the scores in the ledger, and tell every top.

        Scores are read page by page while awards go on: a score that already has a posting in it
        is recognised by its seq when the posting is applied.
        """
        await self._catalogue.load()
        self._groups.held.clear()
        await self._open_periods()
        start = await self._ledger.head()
        # What was put before the place and after the first look would never be met as a posting.
        await self._catalogue.load()
        self._groups.held = set(self._spans(start.at)) | set(self._spans(self._clock_ms()))
        self._publisher.read_ledger()
        self._publisher.hold(self._groups.held)
        unseen = await unseen_in(self._ledger)
        await self._ranking.rebuild((start.epoch, start.seq), unseen, self._groups.frozen())
        for span in sorted(self._groups.held):
            await self._load(*span)
        # A page may know of a posting that this process has not been told of yet.
        loaded = await self._ledger.head()
        await self.follow(loaded.seq)
        await self._ranking.switch()
        self._damaged = False
        self._telemetry.child("scoreboard_rebuilds_total").inc()
        log().info(Event.RANKING_REBUILT, seq=start.seq, spans=len(self._groups.held))
        self._publisher.read_ranking()
        self._publisher.hold(self._groups.held)
        self._publisher.turned((start.epoch, start.seq))

    def distrust(self) -> None:
        """The ranking was found to differ from the ledger: rebuild it."""
        self._damaged = True
        self._woken.set()

    async def _lead_or_wait(self, term: int) -> None:
        try:
            await self._lead_or_rebuild(term)
        except (Deposed, OutOfPlace):
            await asyncio.sleep(RETRY_S)
        except ScoreboardError as error:
            await self._failed(error)
            await asyncio.sleep(RETRY_S)

    async def _lead_or_rebuild(self, term: int) -> None:
        try:
            await self._lead(term)
        except OutOfPlace:
            await self.rebuild()

    async def _lead(self, term: int) -> None:
        await self.take_over(term)
        while self._leadership.term == term:
            if self._damaged:
                raise OutOfPlace(0)
            await self._turn_periods()
            if self._leadership.term != term:
                return
            await self.follow()
            await self._forget_erased()
            if self._failing:
                log().info(Event.RELAY_RECOVERED)
                self._failing = False
            await self._wait()

    async def _is_in_place(self) -> bool:
        """Whether the ranking is of this ledger's history, and not ahead of it."""
        place, head = await self._ranking.place(), await self._ledger.head()
        return place is not None and place[0] == head.epoch and place[1] <= head.seq

    async def _failed(self, error: ScoreboardError) -> None:
        if not self._failing:
            log().warning(Event.RELAY_FAILED, code=error.code)
        self._failing = True
        self._publisher.read_ledger()
        await self._progress.look()

    async def follow(self, least: int = 0) -> None:
        """Apply what the ledger has and the ranking has not, at least up to a posting.

        Raises:
            OutOfPlace: the ranking has to be rebuilt.
        """
        place = await self._ranking.place()
        if place is None:
            raise OutOfPlace(0)
        epoch, after = place
        more = True
        while more:
            postings = await self._ledger.postings(after, APPLY_MAX)
            if postings:
                await self._take(epoch, after, postings)
                after = postings[-1].seq
            elif after < least:
                raise OutOfPlace(after)
            more = len(postings) == APPLY_MAX or after < least
        self._progress.caught_up(after)

    async def _take(self, epoch: int, after: int, postings: Sequence[Posting]) -> None:
        # Another epoch may begin within them: what follows would be told as of the one before.
        epochs = {postings[0].epoch, postings[-1].epoch}
        if epochs != {epoch} or postings[0].seq != after + 1:
            raise OutOfPlace(after)
        await self._progress.taking(after, postings)
        await self._apply(epoch, postings)
        self._progress.taken(postings)

    async def _apply(self, epoch: int, postings: Sequence[Posting]) -> None:
        boards_changed = any(posting.kind in OF_BOARDS for posting in postings)
        if boards_changed:
            await self._catalogue.load()
            self._groups.ensure_loaded(postings)
        self._has_erased |= any(posting.kind is Kind.ERASE for posting in postings)
        for run in runs(postings):
            group = self._groups.group(epoch, run)
            with self._traces.batch(group.after + 1, group.upto), self._apply_seconds.time():
                changed = await self._ranking.apply(group)
            self._publisher.changed(changed)
            if group.turns or group.frozen is not None:
                self._publisher.turned((epoch, group.upto))
        if boards_changed:
            self._publisher.hold(self._groups.held)

    async def _forget_erased(self) -> None:
        """Let go of the names of the erased that everybody has heard; the others later."""
        place = await self._ranking.place() if self._has_erased else None
        if place is not None:
            heard = [await self._ledger.bookmark(name) for name in self._tells_names]
            await self._ledger.forget_erased(min([place[1], *heard]))
            self._has_erased = any(seq < place[1] for seq in heard)

    async def _load(self, board: str, period: str) -> None:
        mark = Mark(board, period, *await self._ledger.marked(board, period))
        page = await self._ledger.scores(board, period, None, LOAD_PAGE)
        while len(page) == LOAD_PAGE:
            # The ledger reads the next page while the ranking takes this one. What fails there is
            # met afterwards: a page that is still being taken would go into the next rebuild.
            asked = self._ledger.scores(board, period, page[-1].user_id, LOAD_PAGE)
            following = asyncio.ensure_future(asked)
            try:
                await self._ranking.load(mark, page)
                page = await following
            finally:
                following.cancel()
                await asyncio.wait([following])
            await self._progress.look()
        await self._ranking.load(mark, page)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    # --- periods

    def _spans(self, now_ms: int) -> Iterable[Span]:
        for board in self._catalogue.boards.values():
            for period in board.periods_at(now_ms):
                yield board.board, period.name

    async def _turn_periods(self) -> None:
        now_ms = self._clock_ms()
        if now_ms < self._next_look_ms:
            return
        if not await self._is_in_place():
            raise OutOfPlace(0)
        await self._open_periods()
        await self._count_users()
        for span in await self._closed(now_ms - self._ahead_ms):
            await self._ranking.forget(*span)
            self._publisher.close(span)
            self._groups.held.discard(span)
            self._opened.discard(span)

    async def _open_periods(self) -> None:
        now_ms = self._clock_ms()
        openings = [
            Opening(board.board, period.name)
            for board in self._catalogue.boards.values()
            for period in board.periods_at(now_ms)
            if period.window is not Window.ALL and not self._is_open(board, period)
        ]
        if openings:
            for posting in await self._ledger.open_periods(openings):
                # Awards count in the period before until the ledger's clock has left it too.
                self._ahead_ms = max(0, now_ms - posting.at)
                log().info(Event.PERIOD_OPENED, board=posting.board, period=posting.detail)
        self._opened.update((opening.board, opening.period) for opening in openings)
        self._next_look_ms = min([now_ms + 1_000, *_ends(self._catalogue.boards.values(), now_ms)])

    def _is_open(self, board: Board, period: Period) -> bool:
        """Whether it needs no posting of its own.

        Under a frozen board it needs one even if awards have begun it: nothing else of it is shown.
        """
        span = (board.board, period.name)
        if board.frozen is not None and period.start_ms > board.frozen.at:
            return span in self._opened
        return span in self._groups.held

    async def _closed(self, now_ms: int) -> list[Span]:
        boards = self._catalogue.boards
        return [
            (name, period)
            for name, period in await self._ranking.periods()
            if boards[name].period(period, now_ms).end_ms + KEEP_CLOSED_MS <= now_ms
        ]

    async def _count_users(self) -> None:
        totals = [
            await self._ranking.total(self._catalogue.board(board), period) or 0
            for board, period in await self._ranking.periods()
        ]
        self._users.set(sum(totals))


def _ends(boards: Iterable[Board], now_ms: int) -> Iterable[int]:
    for board in boards:
        for period in board.periods_at(now_ms):
            yield period.end_ms
