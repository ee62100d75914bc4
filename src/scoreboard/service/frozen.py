"""What the public sees of boards that are frozen: a ranking as of the freeze for each of them."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

from scoreboard.core.award import opening_id
from scoreboard.core.board import Board, Freeze
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.window import Period
from scoreboard.errors import NotFound, OutOfPlace, ScoreboardError, Unavailable
from scoreboard.ports import Group, Ledger, Mark, Place, Ranking, Standings
from scoreboard.service.catalogue import Boards
from scoreboard.service.turns import turns_in, unseen_in
from scoreboard.telemetry import Event, log

FROZEN_MAX = 64
"""Frozen boards that are kept ready; of more, the one that was asked for longest ago is let go."""

LOOK_EVERY_S = 1.0
"""How often a node looks who is not shown any more, or again."""

LOAD_PAGE = 2_000
"""Scores in one read: each may cost a look at the user's postings since the freeze."""

LOAD_WITHIN_S = 5.0
"""How long a reader waits for a board that is being loaded, before it is told to come again."""


LOADS = 2
"""How often a board is loaded for who asks, when it turns out that it cannot be followed."""


class FrozenBoard:
    """A ranking that was loaded as of a freeze, and since then hears only who is shown or not.

    A top has the seq of the freeze or, where somebody left or came back since or the board's
    settings were changed, of that posting: nothing that tells of awards.
    """

    def __init__(self, ledger: Ledger, ranking: Ranking, board: Board, freeze: Freeze) -> None:
        self.ranking = ranking
        self._ledger = ledger
        self._board = board
        self.freeze = freeze
        self._place = (0, freeze.seq)
        self._spans: list[str] = []
        self.revealed = False
        """It is frozen no more, and tells nothing of what came since."""
        self._lock = asyncio.Lock()

    @property
    def place(self) -> Place:
        """Up to which posting it knows who is shown."""
        return self._place

    def is_of(self, board: Board) -> bool:
        """Whether it has what these settings show."""
        known = (self.freeze, self._board.windows, self._board.time_zone)
        return known == (board.frozen, board.windows, board.time_zone)

    async def load(self) -> None:
        """Read what stood at the freeze, in the periods of then.

        Who is not shown, and all pages, are read before the last look at the head, and every turn
        up to that is taken on top: the last one of a user decides, and the top's seq is not earlier
        than it. Whoever is erased while pages are read is missing in the later ones.

        Raises:
            OutOfPlace: nobody knows any more who was erased meanwhile.
            Unavailable: the ledger has become another one meanwhile.
        """
        begun = await self._ledger.head()
        self._place = (begun.epoch, self.freeze.seq)
        await self.ranking.rebuild(self._place, await unseen_in(self._ledger))
        for period in self._board.periods_at(self.freeze.at):
            await self._load(period)
        loaded = await self._ledger.head()
        if loaded.epoch != begun.epoch:
            raise Unavailable
        await self._take(begun.seq, before_pages=True)
        await self._take(loaded.seq)
        await self.ranking.switch()

    async def _load(self, period: Period) -> None:
        mark = self._mark(period.name, self.freeze.seq, self.freeze.at)
        where = (self._board.board, period, self.freeze.seq)
        after: str | None = None
        while True:
            scores = await self._ledger.scores_at(*where, after, LOAD_PAGE)
            await self.ranking.load(mark, scores)
            if len(scores) < LOAD_PAGE:
                break
            after = scores[-1].user_id
        self._spans.append(period.name)

    async def follow(self, wanted: Place | None = None) -> None:
        """Learn who has been banned, released or erased since; with ``wanted``, up to there.

        Raises:
            OutOfPlace: it has to be loaded anew.
        """
        async with self._lock:
            if self.revealed or (wanted is not None and self._place >= wanted):
                return
            head = await self._ledger.head()
            if head.epoch != self._place[0] or head.seq < self._place[1]:
                raise OutOfPlace(self._place[1])
            await self._take(head.seq)

    async def open(self, period: Period) -> None:
        """Hold a period that has begun since the freeze: nobody stands in it.

        Raises:
            NotFound: it has not begun yet.
        """
        if period.name in self._spans:
            return
        opening = await self._ledger.posting(opening_id(self._board.board, period.name))
        if opening is None:
            raise NotFound
        self._look_for_reveal(await self._ledger.turns(self._place[1], opening.seq))
        async with self._lock:
            if period.name in self._spans:
                return
            marks = (self._mark(period.name, opening.seq, opening.at),)
            await self.ranking.apply(Group(*self._place, self._place[1], marks=marks))
            self._spans.append(period.name)

    async def _take(self, upto: int, *, before_pages: bool = False) -> None:
        """Take what changes who is shown, or how, up to a posting.

        Of somebody who was erased meanwhile only the posting may be left. Scores that are read
        after it do not have that user; those that were read before have.
        """
        postings = await self._ledger.turns(self._place[1], upto)
        reveal = self._look_for_reveal(postings)
        if reveal is not None:
            # A top with the seq of a later posting would be another one than everybody else has.
            upto = reveal.seq - 1
            postings = [each for each in postings if each.seq <= upto]
        nameless = [each for each in postings if each.kind is Kind.ERASE and each.user_id is None]
        if before_pages:
            postings = [each for each in postings if each not in nameless]
        await self.ranking.apply(Group(*self._place, upto, turns=turns_in(postings)))
        self._place = (self._place[0], upto)
        board = self._board.board
        settings = [each for each in postings if each.kind is Kind.BOARD and each.board == board]
        if nameless or settings:
            last = max([*nameless, *settings], key=lambda posting: posting.seq)
            marks = tuple(self._mark(name, last.seq, last.at) for name in self._spans)
            await self.ranking.apply(Group(*self._place, upto, marks=marks))

    def _look_for_reveal(self, postings: Sequence[Posting]) -> Posting | None:
        board = self._board.board
        reveals = (each for each in postings if each.kind is Kind.REVEAL and each.board == board)
        found = next(reveals, None)
        self.revealed |= found is not None
        return found

    def _mark(self, period: str, seq: int, at: int) -> Mark:
        return Mark(self._board.board, period, seq, at)


class FrozenBoards:
    """Says which ranking answers for a board in place of the live one."""

    def __init__(self, ledger: Ledger, make: Callable[[], Ranking]) -> None:
        """``make`` answers a new, empty ranking in this process's memory."""
        self._ledger = ledger
        self._make = make
        self._kept: OrderedDict[str, FrozenBoard] = OrderedDict()
        self._loads: dict[Board, asyncio.Task[FrozenBoard]] = {}
        self._turned: Place = (0, 0)

    async def standings(self, board: Board, period: Period) -> Standings | None:
        """What answers for the public; None where that is the live ranking.

        A period that was over before the freeze is as it is; one that began later is empty.

        Raises:
            NotFound: the period has not begun.
            OutOfPlace: the board was revealed, which these settings do not know yet.
            Unavailable: what was frozen is not loaded, and cannot be in time.
        """
        freeze = board.frozen
        if freeze is None or period.end_ms <= freeze.at:
            return None
        kept = await self._ready(board, freeze)
        if period.start_ms > freeze.at:
            await kept.open(period)
        if kept.revealed:
            raise OutOfPlace(kept.place[1])
        return kept.ranking

    def turned(self, place: Place) -> None:
        """Somebody left or came back by a posting up to this one: whoever asks next has it.

        Of another epoch, all may have changed.
        """
        self._turned = max(self._turned, place)

    async def run(self, boards: Boards) -> None:
        """Keep every frozen board ready, and right about who is shown, for ever."""
        try:
            while True:
                await self.look(boards)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for load in self._loads.values():
                load.cancel()

    async def look(self, boards: Boards) -> None:
        """Once: load, follow, and let go of what is frozen no more."""
        frozen = [each for each in boards.boards.values() if each.frozen is not None]
        names = {each.board for each in frozen}
        for name in [name for name in self._kept if name not in names]:
            del self._kept[name]
        # Of too many, none is loaded unasked at the cost of another one.
        others = [each for each in frozen if each.board not in self._kept]
        unasked = others[: max(0, FROZEN_MAX - len(self._kept))]
        ready = [each for each in frozen if each.board in self._kept]
        await asyncio.gather(*map(self._keep, [*ready, *unasked]))

    async def _keep(self, board: Board) -> None:
        with contextlib.suppress(ScoreboardError):  # whoever asks for it is told
            kept = self._kept.get(board.board)
            if kept is None or not kept.is_of(board):  # to be looked at is not to be asked for
                kept = await self._ready(board, board.frozen)
            await self._follow(kept, board)

    async def _ready(self, board: Board, freeze: Freeze | None) -> FrozenBoard:
        kept = self._kept.get(board.board)
        for _ in range(LOADS):
            if kept is None or not kept.is_of(board):
                kept = await self._made(board, freeze)
            if board.board in self._kept:
                self._kept.move_to_end(board.board)
            # What is loaded under way may have begun before somebody left.
            if kept.place >= self._turned or await self._follow(kept, board, self._turned):
                return kept
            kept = None
        raise Unavailable

    async def _made(self, board: Board, freeze: Freeze | None) -> FrozenBoard:
        """Loaded once for all who ask."""
        assert freeze is not None
        load = self._loads.get(board)
        if load is None:
            load = self._loads[board] = asyncio.create_task(self._load(board, freeze))
            load.add_done_callback(lambda done: self._loaded(board, done))
        try:
            async with asyncio.timeout(LOAD_WITHIN_S):
                return await asyncio.shield(load)
        except TimeoutError:
            raise Unavailable from None

    async def _follow(self, kept: FrozenBoard, board: Board, wanted: Place | None = None) -> bool:
        """Whether it is right now; else it is gone, and has to be loaded anew."""
        try:
            await kept.follow(wanted)
        except OutOfPlace:
            if self._kept.get(board.board) is kept:
                del self._kept[board.board]
            if self._turned[0] <= kept.place[0]:
                self._turned = (0, 0)  # of another history, if the ledger is another one
            return False
        return True

    async def _load(self, board: Board, freeze: Freeze) -> FrozenBoard:
        made = await self._whole(board, freeze)
        self._kept[board.board] = made
        if len(self._kept) > FROZEN_MAX:
            self._kept.popitem(last=False)
        log().info(Event.FROZEN_LOADED, board=board.board, seq=freeze.seq)
        return made

    async def _whole(self, board: Board, freeze: Freeze) -> FrozenBoard:
        for _ in range(LOADS):
            made = FrozenBoard(self._ledger, self._make(), board, freeze)
            with contextlib.suppress(OutOfPlace):
                await made.load()
                return made
        raise Unavailable

    def _loaded(self, board: Board, done: asyncio.Task[FrozenBoard]) -> None:
        del self._loads[board]
        if not done.cancelled():
            done.exception()  # those who wait have got it
