"""What becomes of a group of awards, given what the ledger knows: pure, in group order."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from scoreboard.core.award import Award, Outcome, Recorded, Refused, Repeated
from scoreboard.core.incident import Incident
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.rule import Hit, Past
from scoreboard.core.rules import NO_RULES, Rules, Subject
from scoreboard.core.score import Score, in_range
from scoreboard.core.user import Status
from scoreboard.core.window import Period
from scoreboard.errors import (
    AwardConflict,
    PeriodMoved,
    RateLimited,
    ScoreLimit,
    SuspiciousActivity,
    UserSuspended,
)

BANNED = Status.BANNED

ScoreKey = tuple[str, str, str]
"""Board, period and user of a score."""


class Knowledge(Struct):
    """What the ledger knows, read under its lock.

    ``known`` are postings by award id; ``users`` are (user_ref, status) by user id; ``scores`` are
    those of the users of the group in its periods; ``past`` is what its rules look back at.
    Judging a group grows the last two and ``known``.
    """

    epoch: int
    seq: int
    at: int
    known: dict[str, Posting]
    users: Mapping[str, tuple[int, str]]
    scores: dict[ScoreKey, Score]
    past: dict[Subject, Past]


class Judgement(Struct):
    """The outcomes in group order, and what there is to write for them."""

    outcomes: list[Outcome]
    postings: list[Posting]
    changed: set[ScoreKey]
    incidents: list[Incident] = []


def ensure_current(periods: Mapping[str, Sequence[Period]], at_ms: int) -> None:
    """Refuse a group that was prepared for periods which the ledger's clock has left.

    Raises:
        PeriodMoved: some period does not contain the moment.
    """
    for current in periods.values():
        for period in current:
            if not period.contains(at_ms):
                raise PeriodMoved(at_ms)


def judge(
    awards: Sequence[Award],
    periods: Mapping[str, Sequence[Period]],
    knowledge: Knowledge,
    rules: Rules = NO_RULES,
) -> Judgement:
    """Judge each award on its own, those before it in the group being recorded already."""
    judgement = Judgement([], [], set())
    for award in awards:
        ruled = rules if rules.apply_to(award) else None
        judgement.outcomes.append(_outcome(award, periods, knowledge, judgement, ruled))
    return judgement


def _outcome(
    award: Award,
    periods: Mapping[str, Sequence[Period]],
    knowledge: Knowledge,
    judgement: Judgement,
    rules: Rules | None,
) -> Outcome:
    earlier = knowledge.known.get(award.award_id)
    if earlier is not None:
        return _repeated(award, earlier)
    user_ref, status = knowledge.users[award.user_id]
    if status == BANNED:
        return Refused(UserSuspended())
    ruled = () if rules is None else _ruled(award, rules, user_ref, knowledge, judgement)
    if isinstance(ruled, Refused):
        return ruled
    after = _scores_after(award, periods[award.action.board], knowledge)
    if after is None:
        return Refused(ScoreLimit())
    posting = _posting(award, user_ref, after, knowledge)
    _record(award, posting, after, knowledge, judgement)
    if rules is None:
        return Recorded(posting)
    rules.remember(award, knowledge.past, knowledge.at)
    for hit in ruled:
        judgement.incidents.append(_incident(award, user_ref, knowledge.at, hit, shadow=True))
    return Recorded(posting, tuple(hit.rule for hit in ruled))


def _ruled(
    award: Award, rules: Rules, user_ref: int, knowledge: Knowledge, judgement: Judgement
) -> Refused | tuple[Hit, ...]:
    """The refusal by a rule, or the hits in the shadow."""
    broken, shadows = rules.broken(award, knowledge.past, knowledge.at)
    if broken is not None:
        incident = _incident(award, user_ref, knowledge.at, broken, shadow=False)
        judgement.incidents.append(incident)
        return Refused(SuspiciousActivity(broken.rule))
    return Refused(RateLimited()) if award.over_rate else shadows


def _incident(award: Award, user_ref: int, at_ms: int, hit: Hit, *, shadow: bool) -> Incident:
    return Incident(
        at=at_ms,
        last_at=at_ms,
        hit=hit,
        shadow=shadow,
        user_ref=user_ref,
        user_id=award.user_id,
        action_id=award.action.action_id,
        board=award.action.board,
        caller=award.caller,
        key=award.key,
    )


def _repeated(award: Award, earlier: Posting) -> Outcome:
    same = earlier.user_id == award.user_id and earlier.action_id == award.action.action_id
    return Repeated(earlier) if same else Refused(AwardConflict())


def _scores_after(
    award: Award, periods: Sequence[Period], knowledge: Knowledge
) -> list[tuple[ScoreKey, Score]] | None:
    action, seq, at = award.action, knowledge.seq + 1, knowledge.at
    after = []
    for period in periods:
        key = (action.board, period.name, award.user_id)
        before = knowledge.scores.get(key)
        if before is None:
            score = Score(award.user_id, action.points, seq, at)
        else:
            score = before.plus(action.points, seq, at)
        if not in_range(score.score):
            return None
        after.append((key, score))
    return after


def _posting(
    award: Award, user_ref: int, after: list[tuple[ScoreKey, Score]], knowledge: Knowledge
) -> Posting:
    # The first period of every board is `all`.
    return Posting(
        seq=knowledge.seq + 1,
        epoch=knowledge.epoch,
        award_id=award.award_id,
        kind=Kind.AWARD,
        board=award.action.board,
        at=knowledge.at,
        counts_at=knowledge.at,
        user_ref=user_ref,
        user_id=award.user_id,
        action_id=award.action.action_id,
        points=award.action.points,
        score_after=after[0][1].score,
        caller=award.caller,
        key=award.key,
    )


def _record(
    award: Award,
    posting: Posting,
    after: list[tuple[ScoreKey, Score]],
    knowledge: Knowledge,
    judgement: Judgement,
) -> None:
    knowledge.seq = posting.seq
    if award.named:
        knowledge.known[award.award_id] = posting
    for key, score in after:
        knowledge.scores[key] = score
        judgement.changed.add(key)
    judgement.postings.append(posting)
