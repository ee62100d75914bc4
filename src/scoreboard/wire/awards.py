"""Awards asked for, and what the ledger recorded of them."""

from typing import Literal

from msgspec import Struct

from scoreboard.core.identifier import ActionId, BoardId, UserId
from scoreboard.core.moment import rfc3339
from scoreboard.core.posting import Kind
from scoreboard.core.posting import Posting as LedgerPosting
from scoreboard.wire.fields import Time


class Finished(Struct, frozen=True, forbid_unknown_fields=True):
    """A user finished an action."""

    user_id: UserId
    action_id: ActionId


class Awarded(Struct, frozen=True):
    """The award is recorded for ever; ``new_score`` is the user's all-time score."""

    success: Literal[True]
    new_score: int


class Posting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the ledger."""

    award_id: str
    seq: int
    epoch: int
    kind: str
    board: BoardId
    at: Time
    user_id: UserId | None = None
    action_id: ActionId | None = None
    points: int = 0
    score_after: int | None = None
    caller: str | None = None
    key: str | None = None
    reverses: int | None = None


class Postings(Struct, frozen=True):
    """Postings of a user, newest first; ``next`` is the next ``before``."""

    postings: tuple[Posting, ...]
    next: int | None


class LedgerHead(Struct, frozen=True):
    """How far the ledger has come."""

    epoch: int
    seq: int


def posting(recorded: LedgerPosting) -> Posting:
    """What is told of a posting; of one that erased a user, not the name."""
    return Posting(
        award_id=recorded.award_id,
        seq=recorded.seq,
        epoch=recorded.epoch,
        kind=recorded.kind.value,
        board=recorded.board,
        at=rfc3339(recorded.at),
        user_id=None if recorded.kind is Kind.ERASE else recorded.user_id,
        action_id=recorded.action_id,
        points=recorded.points,
        score_after=recorded.score_after,
        caller=recorded.caller,
        key=recorded.key,
        reverses=recorded.reverses,
    )
