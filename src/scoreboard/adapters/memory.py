"""Ranking, bus and limiter in the memory of one process: the embedded mode."""

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from scoreboard.adapters.memory_index import Index, SortedOrder, Span
from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import (
    Beside,
    Order,
    Page,
    Row,
    Snapshot,
    Standing,
    around_in,
    own_standing_in,
    page_in,
    standing_in,
    top_in,
)
from scoreboard.errors import Deposed, OutOfPlace
from scoreboard.ports import NOTHING_FROZEN, Group, Key, Mark, News, Place, Rate, Verdict


class MemoryRanking:
    """``ports.Ranking`` on sorted lists; every call is one step of the event loop."""

    def __init__(self) -> None:
        self._read: Index | None = None
        self._rebuilt: Index | None = None
        self._term = 0

    @property
    def frozen(self) -> Mapping[str, int]:
        return self._read.frozen if self._read else NOTHING_FROZEN

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

    async def rebuild(
        self, place: Place, unseen: Collection[str] = (), frozen: Mapping[str, int] = NOTHING_FROZEN
    ) -> None:
        self._rebuilt = Index(place, unseen, frozen)

    async def load(self, mark: Mark, scores: Sequence[Score]) -> None:
        assert self._rebuilt is not None, "load comes after rebuild"
        self._rebuilt.load(mark, scores)

    async def switch(self) -> None:
        assert self._rebuilt is not None, "switch comes after rebuild"
        self._rebuilt.loaded()
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
        order = self._read.orders[board, period]
        known = (order.scores.get(user_id) or order.unseen.get(user_id) for user_id in user_ids)
        return self._read.place, [score for score in known if score is not None]

    async def unseen(self) -> tuple[Place, Collection[str]] | None:
        return (self._read.place, frozenset(self._read.unseen)) if self._read else None

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

    async def standing(
        self, board: Board, period: str, user_id: str, *, own: bool = False
    ) -> Standing | None:
        order = self._order(board, period)
        return standing_in(_seen_by(order, user_id, own=own), board.tie, user_id) if order else None

    async def own_standing(
        self, board: Board, period: str, user_id: str
    ) -> tuple[Place, Standing | None] | None:
        order = self._order(board, period)
        if order is None or self._read is None:
            return None
        return self._read.place, own_standing_in(
            _seen_by(order, user_id, own=True), board.tie, user_id
        )

    async def around(
        self, board: Board, period: str, user_id: str, radius: int, *, own: bool = False
    ) -> Sequence[Row] | None:
        order = self._order(board, period)
        if order is None:
            return None
        return around_in(_seen_by(order, user_id, own=own), board.tie, user_id, radius)

    async def total(self, board: Board, period: str) -> int | None:
        order = self._order(board, period)
        return order.total() if order else None

    def _order(self, board: Board, period: str) -> SortedOrder | None:
        return self._read.orders.get((board.board, period)) if self._read else None


def _seen_by(order: SortedOrder, user_id: str, *, own: bool) -> Order:
    score = order.unseen.get(user_id) if own else None
    return order if score is None else Beside(order, score)


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
