"""The ranking on Redis: every change and every batch of reads is one step of the server."""

import contextlib
import secrets
from collections.abc import Callable, Sequence

import msgspec

from scoreboard.adapters.redis.connection import Connection, Script, WrongData, connect, script
from scoreboard.adapters.redis.facts import Facts, FetchedOrder
from scoreboard.adapters.redis.reads import Read, Reads
from scoreboard.core.board import Board
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
)
from scoreboard.errors import Deposed, OutOfPlace, Unavailable
from scoreboard.ports import Group, Key, Mark, Place

Span = tuple[str, str]
"""Board and period."""

LOAD_CHUNK = 1_000
"""Scores in one step: some 5 ms in which the server does nothing else."""

LOOKED_AT = 16
"""Periods that are looked at, by chance, each time the place is asked for."""

SCAN_CHUNK = 1_000


class RedisRanking:
    """``ports.Ranking`` on a server that all nodes share.

    Every key is derived from one, the head, which alone is declared to a script: all of them hash
    to one slot, as Redis Cluster requires.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._head = connection.key("ranking")
        self._reads = Reads(connection, self._head)
        self._term = 0
        self._rebuilt: str | None = None

    @classmethod
    async def open(
        cls, url: str, *, observe: Callable[[bool], None] = lambda _: None
    ) -> "RedisRanking":
        """On the server at ``url``, which may come up later.

        Raises:
            Misconfigured: the address, the password or the server's settings are not right.
        """
        connection = connect(url, observe=observe)
        try:
            await connection.verify()
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    async def close(self) -> None:
        """End all connections; reads under way fail."""
        await self._reads.close()
        await self._connection.close()

    # --- changes

    async def lead(self, term: int) -> None:
        self._term = term
        self._rebuilt = None
        await self._change("lead")

    async def apply(self, group: Group) -> Sequence[Span]:
        slot = "build" if self._rebuilt else "read"
        touched = _touched(group)
        words = (group.epoch, group.after, group.upto, TOP_SIZE, list(touched.values()))
        changed = await self._change("apply", slot, self._rebuilt or "", *words)
        spans = list(touched)
        return [spans[index] for index in changed]

    async def rebuild(self, place: Place) -> None:
        generation = secrets.token_hex(6)
        await self._change("rebuild", generation, *place)
        self._rebuilt = generation
        await self._clean()

    async def load(self, mark: Mark, scores: Sequence[Score]) -> None:
        for first in range(0, max(1, len(scores)), LOAD_CHUNK):
            words: list[str | int] = []
            for score in scores[first : first + LOAD_CHUNK]:
                words += (score.user_id, score.score, score.seq, score.at)
            name = _name(mark.board, mark.period)
            await self._change("load", self._rebuilt or "", name, mark.seq, mark.at, words)

    async def switch(self) -> None:
        await self._change("switch", self._rebuilt or "", TOP_SIZE)
        self._rebuilt = None
        with contextlib.suppress(Unavailable):  # the next rebuild does it
            await self._clean()

    async def forget(self, board: str, period: str) -> None:
        await self._change("forget", _name(board, period))

    async def _change(self, step: str, *words: object) -> Sequence[int]:
        """One step of the leader.

        Raises:
            Deposed, OutOfPlace, Unavailable: as the port says.
        """
        change = script("ranking", "ranking_change", f"ranking_{step}")
        try:
            status, *rest = await self._run(change, (self._term, *words))
        except WrongData:
            raise OutOfPlace(0) from None
        match status:
            case "deposed":
                raise Deposed
            case "out-of-place":
                raise OutOfPlace(rest[0])
        return rest[0] if rest and isinstance(rest[0], list) else ()

    async def _clean(self) -> None:
        """Delete what earlier generations left, a few keys at a time."""
        cursor = b"0"
        while True:
            cursor, keys = await self._connection.command(
                "SCAN", cursor, "MATCH", f"{self._head}:*", "COUNT", SCAN_CHUNK
            )
            if keys:
                await self._change("clean", [key.decode() for key in keys])
            if cursor in {b"0", 0}:
                return

    # --- reads

    async def place(self) -> Place | None:
        slot = "build" if self._rebuilt else "read"
        found = await self._place(slot, self._rebuilt or "", LOOKED_AT, False)
        return (found[0], found[1]) if found else None

    async def periods(self) -> Sequence[Span]:
        found = await self._place("read", "", 0, True)
        return [_span(name) for name in found[2]] if found else []

    async def _place(self, *words: object) -> list:
        try:
            return await self._run(script("ranking", "ranking_place", reads=True), words)
        except WrongData:
            return []

    async def scores_of(
        self, board: str, period: str, user_ids: Sequence[str]
    ) -> tuple[Place, Sequence[Score]] | None:
        words = ("some", _name(board, period), tuple(user_ids))
        found = await self._reads.ask(Read(words, len(user_ids)))
        if found is None:
            return None
        place, facts = found
        return place, [entry.value() for entry in facts.entries]

    async def snapshot(self, board: Board, period: str) -> Snapshot | None:
        found = await self._after(board, period, None, TOP_SIZE)
        if found is None:
            return None
        (epoch, _), facts = found
        rows, end = page_in(FetchedOrder(facts), board.tie, None, TOP_SIZE)
        seq, at = facts.changed_seq, facts.changed_at
        return Snapshot(board.board, period, epoch, seq, at, rows, end)

    async def page(self, board: Board, period: str, after: Key | None, limit: int) -> Page | None:
        found = await self._after(board, period, after, limit)
        if found is None:
            return None
        (epoch, _), facts = found
        rows, end = page_in(FetchedOrder(facts), board.tie, after, limit)
        last = max((facts.last_seq, facts.last_at), (facts.changed_seq, facts.changed_at))
        return Page(rows, epoch, *last, end)

    async def standing(self, board: Board, period: str, user_id: str) -> Standing | None:
        order = await self._near(board, period, user_id, 1, 0)
        return standing_in(order, board.tie, user_id) if order else None

    async def around(
        self, board: Board, period: str, user_id: str, radius: int
    ) -> Sequence[Row] | None:
        order = await self._near(board, period, user_id, radius, radius)
        return around_in(order, board.tie, user_id, radius) if order else None

    async def total(self, board: Board, period: str) -> int | None:
        found = await self._reads.ask(Read(("some", _name(board.board, period), ())))
        return found[1].total if found else None

    async def _after(
        self, board: Board, period: str, key: Key | None, limit: int
    ) -> tuple[Place, Facts] | None:
        minus_score, seq = (str(key[0]), str(key[1])) if key else ("", "")
        words = ("page", _name(board.board, period), minus_score, seq, limit + 1)
        return await self._reads.ask(Read(words, limit + 1))

    async def _near(
        self, board: Board, period: str, user_id: str, before: int, after: int
    ) -> FetchedOrder | None:
        words = ("user", _name(board.board, period), user_id, before, after)
        found = await self._reads.ask(Read(words, before + after + 2))
        return FetchedOrder(found[1]) if found else None

    async def _run(self, step: Script, words: object) -> list:
        packed = msgspec.msgpack.encode(words)
        return msgspec.msgpack.decode(await self._connection.run(step, [self._head], [packed]))


def _name(board: str, period: str) -> str:
    return f"{board}:{period}"


def _span(name: str) -> Span:
    # No identifier of a board has a colon.
    board, _, period = name.partition(":")
    return board, period


def _touched(group: Group) -> dict[Span, tuple[str, bool, int, int, list[str | int]]]:
    """The group by span, as the script takes it: name, opens, mark, moves of four words each."""
    marks = {(mark.board, mark.period): mark for mark in group.marks}
    touched: dict[Span, tuple[str, bool, int, int, list[str | int]]] = {
        span: (_name(*span), True, mark.seq, mark.at, []) for span, mark in marks.items()
    }
    for move in group.moves:
        span = (move.board, move.period)
        found = touched.get(span)
        if found is None:
            found = touched[span] = (_name(*span), False, 0, 0, [])
        found[4].extend((move.user_id, move.points, move.seq, move.at))
    return touched
