"""What taking awards back does to postings and scores: pure, in the order given."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from scoreboard.core.award import derived_id
from scoreboard.core.board import Board
from scoreboard.core.judgement import ScoreKey
from scoreboard.core.moment import rfc3339
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.score import Score, in_range
from scoreboard.core.user import record_subject
from scoreboard.core.window import ALL, Period
from scoreboard.errors import ScoreLimit


class OneAward(Struct, frozen=True):
    """One award, by its id."""

    award_id: str


class AwardsOf(Struct, frozen=True):
    """Awards of a user since a moment (milliseconds)."""

    user_id: str
    since_ms: int


class AwardsBy(Struct, frozen=True):
    """Awards that a key signed since a moment (milliseconds)."""

    key: str
    since_ms: int


class AwardsFor(Struct, frozen=True):
    """Awards for an action since a moment (milliseconds): an import's too, which is one."""

    action_id: str
    since_ms: int


Awards = OneAward | AwardsOf | AwardsBy | AwardsFor
"""Which awards to reverse."""


class Base(Struct, frozen=True):
    """Where the ledger stands, under its lock, and the scores that may change.

    A period that the board did not have yet when the award was made has no score in it, and gets
    none.
    """

    epoch: int
    seq: int
    at: int
    scores: Mapping[ScoreKey, Score]


class TakenBack(Struct):
    """What there is to write: postings, scores as they are then, and the tops that fell."""

    postings: list[Posting]
    scores: dict[ScoreKey, Score]
    fallen: dict[tuple[str, str], Posting]


class ReversalRecord(Struct, frozen=True, omit_defaults=True):
    """What the record of changes keeps of a reversal."""

    awards: int
    points: int
    first_seq: int
    last_seq: int
    award_id: str | None = None
    since: str | None = None


def score_keys(awards: Sequence[Posting], boards: Mapping[str, Board]) -> list[ScoreKey]:
    """The scores in which awards count, as far as there are any; sorted."""
    calendar = _Calendar(boards)
    keys = {
        (award.board, name, str(award.user_id))
        for award in awards
        for name in calendar.names(award)
    }
    return sorted(keys)


def take_back(
    awards: Sequence[Posting], boards: Mapping[str, Board], base: Base, caller: str
) -> TakenBack:
    """Reverse awards that were not reversed yet.

    The newest come first: so a user's scores go back through values that they have had.

    Raises:
        ScoreLimit: a score would leave its range.
    """
    taken, calendar = TakenBack([], {}, {}), _Calendar(boards)
    for award in awards:
        _take_back(award, calendar.names(award), base, caller, taken)
    return taken


def reversal_id(award_id: str) -> str:
    """The id of the one posting that reverses an award."""
    return derived_id("reverse", "award", award_id)


def record(awards: Awards, taken: Sequence[Posting]) -> tuple[str, ReversalRecord]:
    """What is recorded of the reversals of one call: the subject and the numbers."""
    first = taken[0]
    match awards:
        case AwardsBy():
            subject = awards.key
        case AwardsFor():
            subject = awards.action_id
        case _:
            subject = record_subject(first.user_ref or 0)
    return subject, ReversalRecord(
        awards=len(taken),
        points=sum(posting.points for posting in taken),
        first_seq=first.seq,
        last_seq=taken[-1].seq,
        award_id=awards.award_id if isinstance(awards, OneAward) else None,
        since=None if isinstance(awards, OneAward) else rfc3339(awards.since_ms),
    )


class _Calendar:
    """The periods in which awards count: neighbours in time mostly share theirs."""

    def __init__(self, boards: Mapping[str, Board]) -> None:
        self._boards = boards
        self._last: dict[str, tuple[Period, ...]] = {}

    def names(self, award: Posting) -> list[str]:
        periods = self._last.get(award.board, ())
        if not periods or not all(period.contains(award.counts_at) for period in periods):
            periods = self._boards[award.board].periods_at(award.counts_at)
            self._last[award.board] = periods
        return [period.name for period in periods]


def _take_back(
    award: Posting, periods: Sequence[str], base: Base, caller: str, taken: TakenBack
) -> None:
    seq = base.seq + len(taken.postings) + 1
    after: dict[ScoreKey, Score] = {}
    for period in periods:
        key = (award.board, period, str(award.user_id))
        before = taken.scores.get(key) or base.scores.get(key)
        if before is not None:
            after[key] = before.plus(-award.points, seq, base.at)
    if not all(in_range(score.score) for score in after.values()):
        raise ScoreLimit
    total = after.get((award.board, ALL.name, str(award.user_id)))
    posting = Posting(
        seq=seq,
        epoch=base.epoch,
        award_id=reversal_id(award.award_id),
        kind=Kind.REVERSE,
        board=award.board,
        at=base.at,
        counts_at=award.counts_at,
        user_ref=award.user_ref,
        user_id=award.user_id,
        action_id=award.action_id,
        points=-award.points,
        score_after=None if total is None else total.score,
        caller=caller,
        reverses=award.seq,
    )
    taken.postings.append(posting)
    taken.scores |= after
    if posting.points < 0:
        taken.fallen |= {key[:2]: posting for key in after}
