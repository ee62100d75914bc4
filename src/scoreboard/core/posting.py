"""A posting: anything that can change a board, as the ledger recorded it."""

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a posting is; only the first two carry points."""

    AWARD = "award"
    REVERSE = "reverse"
    HOLD = "hold"
    HIDE = "hide"
    BAN = "ban"
    RELEASE = "release"
    ERASE = "erase"
    FREEZE = "freeze"
    REVEAL = "reveal"
    BOARD = "board"
    PERIOD = "period"


class Posting(Struct, frozen=True, kw_only=True, gc=False):
    """One line of the ledger.

    ``seq`` is gap-free in commit order. ``at`` (milliseconds) is the ledger's clock and never
    runs back; ``counts_at`` is the moment whose periods it counts in: its own, or that of the
    award it reverses. ``user_ref`` stands for the user inside the ledger; ``user_id`` is None
    once the user is erased, and for postings without one. ``caller`` is who asked, when that was
    not the user.
    """

    seq: int
    epoch: int
    award_id: str
    kind: Kind
    board: str
    at: int
    counts_at: int
    user_ref: int | None = None
    user_id: str | None = None
    action_id: str | None = None
    points: int = 0
    score_after: int | None = None
    caller: str | None = None
    key: str | None = None
    reverses: int | None = None
    detail: str | None = None
