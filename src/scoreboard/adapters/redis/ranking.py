"""The ranking on Redis: every change and every batch of reads is one step of the server."""

import contextlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from scoreboard.adapters.redis.connection import Connection, Script, WrongData, connect, script
from scoreboard.adapters.redis.facts import seq_text
from scoreboard.adapters.redis.reads import Found, Read, Reads
from scoreboard.core.board import Board
from scoreboard.core.score import Score
from scoreboard.core.standing import (
    TOP_SIZE,
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
from scoreboard.errors import Deposed, OutOfPlace, Unavailable
from scoreboard.ports import NOTHING_FROZEN, Exit, Group, Key, Mark, Place, Return, Turn

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

    @property
    def frozen(self) -> Mapping[str, int]:
        return self._reads.frozen

    # --- changes

    async def lead(self, term: int) -> None:
        self._term = term
        self._rebuilt = None
        await self._change("lead")

    async def apply(self, group: Group) -> Sequence[Span]:
        slot = "build" if self._rebuilt else "read"
        whither = (slot, self._rebuilt or "", group.epoch, group.after, group.upto, TOP_SIZE)
        if group.turns:
            turns = [word for turn in group.turns for word in _turned(turn)]
            return [_span(name) for name in await self._change("turn", *whither, turns)]
        touched = _touched(group)
        frozen = "" if group.frozen is None else _frozen(group.frozen)
        changed = await self._change("apply", *whither, list(touched.values()), frozen)
        spans = list(touched)
        return [spans[index] for index in changed]

    async def rebuild(
        self, place: Place, unseen: Collection[str] = (), frozen: Mapping[str, int] = NOTHING_FROZEN
    ) -> None:
        generation = secrets.token_hex(6)
        words = (list(dict.fromkeys(unseen)), _frozen(frozen))
        await self._change("rebuild", generation, *place, *words)
        self._rebuilt = generation
        await self._clean()

    async def load(self, mark: Mark, scores: Sequence[Score]) -> None:
        generation = self._rebuilt or ""
        for first in range(0, max(1, len(scores)), LOAD_CHUNK):
            page = scores[first : first + LOAD_CHUNK]
            last = max(((score.seq, score.at) for score in page), default=(0, 0))
            words = (_name(mark.board, mark.period), mark.seq, mark.at, *last, *_packed(page))
            await self._change("load", generation, *words)

    async def switch(self) -> None:
        await self._change("switch", self._rebuilt or "", TOP_SIZE)
        self._rebuilt = None
        with contextlib.suppress(Unavailable):  # the next rebuild does it
            await self._clean()

    async def forget(self, board: str, period: str) -> None:
        await self._change("forget", _name(board, period))

    async def _change(self, step: str, *words: object) -> Sequence[Any]:
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
        found = await self._place(slot, self._rebuilt or "", LOOKED_AT)
        return (found[0], found[1]) if found else None

    async def periods(self) -> Sequence[Span]:
        found = await self._place("read", "", 0)
        return [_span(name) for name in found[2]] if found else []

    async def _place(self, *words: object) -> list[Any]:
        try:
            return await self._run(script("ranking", "ranking_place", reads=True), words)
        except WrongData:
            return []

    async def scores_of(
        self, board: str, period: str, user_ids: Sequence[str]
    ) -> tuple[Place, Sequence[Score]] | None:
        words = ("some", _name(board, period), tuple(user_ids))
        found = await self._reads.ask(Read(words, len(user_ids)))
        return (found.place, found.facts.scores()) if found else None

    async def unseen(self) -> tuple[Place, Collection[str]] | None:
        try:
            found = await self._run(script("ranking", "ranking_unseen", reads=True), ())
        except WrongData:
            return None
        return ((found[0], found[1]), frozenset(found[2])) if found else None

    async def snapshot(self, board: Board, period: str) -> Snapshot | None:
        found = await self._after(board, period, None, TOP_SIZE)
        if found is None:
            return None
        rows, end = top_in(found.order, board.tie)
        seq, at = found.facts.changed_seq, found.facts.changed_at
        return Snapshot(board.board, period, found.place[0], seq, at, rows, end)

    async def page(self, board: Board, period: str, after: Key | None, limit: int) -> Page | None:
        found = await self._after(board, period, after, limit)
        if found is None:
            return None
        rows, end = page_in(found.order, board.tie, after, limit)
        facts = found.facts
        last = max((facts.last_seq, facts.last_at), (facts.changed_seq, facts.changed_at))
        return Page(rows, found.place[0], *last, end)

    async def standing(
        self, board: Board, period: str, user_id: str, *, own: bool = False
    ) -> Standing | None:
        found = await self._near(board, period, (user_id, 1, 0, int(own)))
        return standing_in(found.order, board.tie, user_id) if found else None

    async def own_standing(
        self, board: Board, period: str, user_id: str
    ) -> tuple[Place, Standing | None] | None:
        found = await self._near(board, period, (user_id, 1, 0, 1))
        return (found.place, own_standing_in(found.order, board.tie, user_id)) if found else None

    async def around(
        self, board: Board, period: str, user_id: str, radius: int, *, own: bool = False
    ) -> Sequence[Row] | None:
        found = await self._near(board, period, (user_id, radius, radius, int(own)))
        return around_in(found.order, board.tie, user_id, radius) if found else None

    async def total(self, board: Board, period: str) -> int | None:
        found = await self._reads.ask(Read(("some", _name(board.board, period), ())))
        return found.facts.total if found else None

    async def _after(self, board: Board, period: str, key: Key | None, limit: int) -> Found | None:
        minus_score, seq = (str(key[0]), str(key[1])) if key else ("", "")
        words = ("page", _name(board.board, period), minus_score, seq, limit + 1)
        return await self._reads.ask(Read(words, limit + 1))

    async def _near(
        self, board: Board, period: str, asked: tuple[str, int, int, int]
    ) -> Found | None:
        """A user, with so many rows before and after it; 1 for one that asks for itself."""
        _, before, after, _ = asked
        words = ("user", _name(board.board, period), *asked)
        return await self._reads.ask(Read(words, before + after + 2))

    async def _run(self, step: Script, words: object) -> list[Any]:
        packed = msgspec.msgpack.encode(words)
        answer = await self._connection.run(step, [self._head], [packed])
        return msgspec.msgpack.decode(answer, type=list[Any])


def _name(board: str, period: str) -> str:
    return f"{board}:{period}"


def _span(name: str) -> Span:
    # No identifier of a board has a colon.
    board, _, period = name.partition(":")
    return board, period


def _frozen(seqs: Mapping[str, int]) -> str:
    """As the server keeps and tells it: nothing that a script looks into."""
    return msgspec.json.encode(dict(seqs)).decode()


def _packed(scores: Sequence[Score]) -> tuple[list[str], list[str | int], list[str]]:
    """Users, what they are in the order, and in the hash of users, two words each."""
    placed: list[str | int] = []
    lines: list[str] = []
    for score in scores:
        seq = seq_text(score.seq)
        placed += (-score.score, seq + score.user_id)
        lines += (score.user_id, f"{score.score} {seq} {score.at}")
    return lines[::2], placed, lines


def _turned(turn: Turn) -> tuple[str, str, int, int]:
    gone = isinstance(turn, Exit) and turn.forever
    what = "back" if isinstance(turn, Return) else "gone" if gone else "out"
    return turn.user_id, what, turn.seq, turn.at


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
        found[4].extend((move.user_id, move.points, seq_text(move.seq), str(move.at)))
    return touched
