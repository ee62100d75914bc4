"""Ranking, bus and limiter in the memory of one process: the embedded mode."""

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Sequence

from sortedcontainers import SortedList

from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import (
    TOP_SIZE,
    Page,
    Row,
    Snapshot,
    Standing,
    around_in,
    page_in,
    standing_in,
    top_in,
)
from scoreboard.errors import Deposed, OutOfPlace
from scoreboard.ports import Group, Key, Mark, Move, News, Place, Rate, Verdict

Span = tuple[str, str]
"""Board and period."""


class _Order:
    """One board's period: ``core.standing.Order`` on a sorted list.

    While it is ``loading`` its scores are of different moments: then every fall may have changed
    the top.
    """

    def __init__(self, mark: tuple[int, int], *, loading: bool) -> None:
        self.loading = loading
        self.scores: dict[str, Score] = {}
        self._keys: SortedList[tuple[int, int, str]] | None = None
        self.mark = mark
        self.last = mark
        self.top: tuple[Score, ...] = ()
        self.changed = mark
        self.fell = (0, 0)

    @property
    def keys(self) -> "SortedList[tuple[int, int, str]]":
        """Sorted once, after all pages are loaded: one by one they cost ten times as much."""
        if self._keys is None:
            scores = self.scores.values()
            self._keys = SortedList([(-each.score, each.seq, each.user_id) for each in scores])
        return self._keys

    def load(self, scores: Sequence[Score]) -> None:
        self.scores.update((score.user_id, score) for score in scores)
        self._keys = None
        self.last = max([self.last, *((score.seq, score.at) for score in scores)])

    def move(self, move: Move) -> None:
        keys = self.keys
        before = self.scores.get(move.user_id)
        if before is None:
            after = Score(move.user_id, move.points, move.seq, move.at)
        elif move.seq <= before.seq:
            # The score was read from the ledger after this posting; where it fell from is unknown.
            if move.points < 0:
                self.fell = max(self.fell, (move.seq, move.at))
            return
        else:
            after = before.plus(move.points, move.seq, move.at)
            if after is before:
                return
            if move.points < 0 and (self.loading or self.before(before.key()) < TOP_SIZE):
                self.fell = (move.seq, move.at)
            keys.remove((-before.score, before.seq, before.user_id))
        self.scores[move.user_id] = after
        keys.add((-after.score, after.seq, after.user_id))
        self.last = (move.seq, move.at)

    def settle(self, mark: tuple[int, int]) -> bool:
        """Take note of the new top; ``mark`` is what happened last, (0, 0) for no mark.

        The top was changed by the newest posting in it or by the last fall out of or within it,
        whichever is later: labelled with the earlier, it would not be the top at that seq.
        """
        self.mark = max(self.mark, mark)
        if self.loading:
            return False
        top = tuple(self.after(None, TOP_SIZE))
        if top == self.top and mark <= self.changed:
            return False
        rows = ((score.seq, score.at) for score in top)
        self.changed = max([self.mark, self.changed, self.fell, *rows])
        self.top = top
        return True

    def loaded(self) -> None:
        """All scores are of one moment now: label the top for the first time."""
        self.loading = False
        self.changed = (0, 0)
        self.settle(self.mark)

    def score(self, user_id: str) -> Score | None:
        return self.scores.get(user_id)

    def before(self, key: Key) -> int:
        place: int = self.keys.bisect_left(key)
        return place

    def after(self, key: Key | None, limit: int) -> Sequence[Score]:
        # (-score, seq) < (-score, seq, user): the user at the key itself is skipped by its id.
        first = 0 if key is None else self.keys.bisect_left((key[0], key[1] + 1))
        return [self.scores[user_id] for _, _, user_id in self.keys.islice(first, first + limit)]

    def last_before(self, key: Key, limit: int) -> Sequence[Score]:
        end = self.keys.bisect_left(key)
        begin = max(0, end - limit)
        return [self.scores[user_id] for _, _, user_id in self.keys.islice(begin, end)]

    def total(self) -> int:
        return len(self.keys)


class _Index:
    """The orders of all open periods, and the place up to which postings are in them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.loading = True
        self.orders: dict[Span, _Order] = {}

    def apply(self, group: Group) -> list[Span]:
        if self.place != (group.epoch, group.after):
            raise OutOfPlace(self.place[1])
        touched: dict[Span, tuple[int, int]] = {}
        for mark in group.marks:
            span = (mark.board, mark.period)
            self.orders.setdefault(span, _Order((0, 0), loading=self.loading))
            touched[span] = (mark.seq, mark.at)
        for move in group.moves:
            order = self.orders.get((move.board, move.period))
            if order is not None:
                order.move(move)
                touched.setdefault((move.board, move.period), (0, 0))
        self.place = (group.epoch, group.upto)
        return [span for span, mark in touched.items() if self.orders[span].settle(mark)]


class MemoryRanking:
    """``ports.Ranking`` on sorted lists; every call is one step of the event loop."""

    def __init__(self) -> None:
        self._read: _Index | None = None
        self._rebuilt: _Index | None = None
        self._term = 0

    async def lead(self, term: int) -> None:
        # Nobody else holds this object: the leader of an earlier term can only be ourselves.
        if term < self._term:
            raise Deposed
        self._term = term
        self._rebuilt = None

    async def place(self) -> Place | None:
        index = self._rebuilt or self._read
        return index.place if index else None

    async def apply(self, group: Group) -> Sequence[Span]:
        index = self._rebuilt or self._read
        if index is None:
            raise OutOfPlace(0)
        return index.apply(group)

    async def rebuild(self, place: Place) -> None:
        self._rebuilt = _Index(place)

    async def load(self, mark: Mark, scores: Sequence[Score]) -> None:
        assert self._rebuilt is not None, "load comes after rebuild"
        fresh = _Order((mark.seq, mark.at), loading=True)
        order = self._rebuilt.orders.setdefault((mark.board, mark.period), fresh)
        order.load(scores)

    async def switch(self) -> None:
        assert self._rebuilt is not None, "switch comes after rebuild"
        self._rebuilt.loading = False
        for order in self._rebuilt.orders.values():
            order.loaded()
        self._read, self._rebuilt = self._rebuilt, None

    async def forget(self, board: str, period: str) -> None:
        if self._read is not None:
            self._read.orders.pop((board, period), None)

    async def periods(self) -> Sequence[Span]:
        return list(self._read.orders) if self._read else []

    async def scores_of(
        self, board: str, period: str, user_ids: Sequence[str]
    ) -> tuple[Place, Sequence[Score]] | None:
        if self._read is None or (board, period) not in self._read.orders:
            return None
        known = self._read.orders[board, period].scores
        return self._read.place, [known[user_id] for user_id in user_ids if user_id in known]

    async def snapshot(self, board: Board, period: str) -> Snapshot | None:
        order = self._order(board, period)
        if order is None or self._read is None:
            return None
        rows, end = top_in(order, board.tie)
        seq, at = order.changed
        return Snapshot(board.board, period, self._read.place[0], seq, at, rows, end)

    async def page(self, board: Board, period: str, after: Key | None, limit: int) -> Page | None:
        order = self._order(board, period)
        if order is None or self._read is None:
            return None
        rows, end = page_in(order, board.tie, after, limit)
        return Page(rows, self._read.place[0], *max(order.last, order.changed), end)

    async def standing(self, board: Board, period: str, user_id: str) -> Standing | None:
        order = self._order(board, period)
        return standing_in(order, board.tie, user_id) if order else None

    async def around(
        self, board: Board, period: str, user_id: str, radius: int
    ) -> Sequence[Row] | None:
        order = self._order(board, period)
        return around_in(order, board.tie, user_id, radius) if order else None

    async def total(self, board: Board, period: str) -> int | None:
        order = self._order(board, period)
        return order.total() if order else None

    def _order(self, board: Board, period: str) -> _Order | None:
        return self._read.orders.get((board.board, period)) if self._read else None


class LocalBus:
    """``ports.Bus`` within one process: the newest of everything, and who waits for it."""

    def __init__(self) -> None:
        self._newest: dict[object, News] = {}
        self._listeners: list[tuple[dict[object, News], asyncio.Event]] = []

    async def publish(self, news: Sequence[News]) -> None:
        for each in news:
            key = _key(each)
            if _is_newer(each, self._newest.get(key)):
                self._newest[key] = each
                for waiting, event in self._listeners:
                    waiting[key] = each
                    event.set()

    async def close_period(self, board: str, period: str) -> None:
        self._newest.pop((board, period), None)

    async def news(self) -> AsyncIterator[Sequence[News]]:
        waiting, event = dict(self._newest), asyncio.Event()
        listener = (waiting, event)
        self._listeners.append(listener)
        try:
            while True:
                batch = list(waiting.values())
                waiting.clear()
                event.clear()
                yield batch
                if not waiting:
                    await event.wait()
        finally:
            self._listeners.remove(listener)

    async def feed(self, postings: Sequence[Posting]) -> None:
        """One process alone has no other systems to tell."""


def _key(news: News) -> object:
    return news.board if isinstance(news, Board) else (news.board, news.period)


def _is_newer(news: News, known: News | None) -> bool:
    if isinstance(news, Snapshot) and isinstance(known, Snapshot):
        return known.place() < news.place()
    return news != known


SWEEP_EVERY = 1024
"""Hits between two looks at the keys that were idle longest."""


class MemoryLimiter:
    """``ports.Limiter``: the moments of each key's hits, as long as they count.

    Memory is bounded by the hits within the window; idle keys leave, oldest first. ``clock`` is
    monotonic (seconds): a clock set back would lock everybody out.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._logs: OrderedDict[str, tuple[float, deque[float]]] = OrderedDict()
        self._until_sweep = SWEEP_EVERY

    async def hit(self, key: str, rate: Rate) -> Verdict:
        if rate.limit == 0:
            return Verdict(allowed=True, remaining=0, reset_s=0)
        now = self._clock()
        log = self._log(key, rate, now)
        if len(log) >= rate.limit:
            free_s = log[len(log) - rate.limit] + rate.window_s
            return Verdict(allowed=False, remaining=0, reset_s=math.ceil(free_s - now))
        log.append(now)
        return Verdict(
            allowed=True,
            remaining=rate.limit - len(log),
            reset_s=math.ceil(log[0] + rate.window_s - now),
        )

    async def give_back(self, key: str) -> None:
        found = self._logs.get(key)
        if found and found[1]:
            found[1].pop()

    async def remember(self, key: str, rate: Rate, age_s: float) -> None:
        now = self._clock()
        self._log(key, rate, now).append(now - age_s)

    def _log(self, key: str, rate: Rate, now: float) -> deque[float]:
        found = self._logs.get(key)
        log = found[1] if found else deque()
        self._logs[key] = (now + rate.window_s, log)
        self._logs.move_to_end(key)
        while log and log[0] <= now - rate.window_s:
            log.popleft()
        self._sweep(now)
        return log

    def _sweep(self, now: float) -> None:
        self._until_sweep -= 1
        if self._until_sweep:
            return
        self._until_sweep = SWEEP_EVERY
        while self._logs:
            key, (idle_at, _) = next(iter(self._logs.items()))
            if idle_at > now:
                return
            del self._logs[key]
