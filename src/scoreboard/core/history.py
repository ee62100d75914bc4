"""A whole ledger as values, so that it can be kept in a file and moved to another database."""

import hashlib
from collections.abc import Iterable

from msgspec import Struct

from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.errors import HistoryRefused


class Counts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of everything a history has; ``periods`` counts its tallies."""

    boards: int
    actions: int
    keys: int = 0
    audit: int
    users: int
    periods: int
    postings: int
    tiles: int = 0
    checkpoints: int = 0


class Origin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ledger a history is of, and up to where: its head and its catalogue's version."""

    epoch: int
    seq: int
    at: int
    catalogue: int
    counts: Counts


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """The link between a user and the ledger.

    Once the user is erased, ``user_id`` and ``salt`` are None, and ``commitment`` is theirs.
    """

    user_ref: int
    user_id: str | None
    salt: bytes | None
    status: str
    commitment: bytes | None = None


class Line(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A posting as the ledger keeps it, without what follows from other rows."""

    seq: int
    epoch: int
    award_id: str
    kind: Kind
    board: str
    at: int
    points: int = 0
    user_ref: int | None = None
    action_id: str | None = None
    score_after: int | None = None
    key: str | None = None
    caller: str | None = None
    reverses: int | None = None
    detail: str | None = None


class Tally(Struct, frozen=True, forbid_unknown_fields=True):
    """What all scores of a period come to, and what last changed its top without leaving a row.

    ``sha256`` is that of the lines ``user_id score seq`` in the order of user ids.
    """

    board: str
    period: str
    scores: int
    sum: int
    sha256: str
    marked: int
    marked_at: int


class Count:
    """Counts the scores of one period, which are given in the order of user ids."""

    def __init__(self) -> None:
        self._scores = 0
        self._sum = 0
        self._sha256 = hashlib.sha256()

    def add(self, scores: Iterable[Score]) -> None:
        lines = []
        for score in scores:
            self._scores += 1
            self._sum += score.score
            lines.append(f"{score.user_id} {score.score} {score.seq}\n")
        self._sha256.update("".join(lines).encode())

    def tally(self, board: str, period: str, marked: tuple[int, int]) -> Tally:
        digest = self._sha256.hexdigest()
        return Tally(board, period, self._scores, self._sum, digest, *marked)


def restored_epoch(exported: int, own: int) -> int:
    """The epoch of a ledger that takes over a history.

    It is the same history, but not the same identity if this ledger was begun later: whoever has
    seen its own beginning keeps what has a greater (epoch, seq) than that.
    """
    return exported if exported > own else own + 1


def ensure_same(expected: Tally, found: Tally) -> None:
    """Refuse scores that are not those of the ledger which the history is of.

    Raises:
        HistoryRefused: with the board and the period.
    """
    if expected == found:
        return
    raise HistoryRefused(
        f"The scores of board {expected.board}, period {expected.period} are not what its postings "
        f"add up to: {expected.scores:,} scores with {expected.sum:,} points were exported, the "
        f"postings make {found.scores:,} with {found.sum:,}. Look at the old database with "
        "`scoreboard rebuild`."
    )
