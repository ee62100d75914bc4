"""What becomes of a group: each award on its own, those before it being recorded already."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Recorded, Refused, Repeated
from scoreboard.core.judgement import BANNED, Knowledge, ensure_current, judge
from scoreboard.core.posting import Kind
from scoreboard.core.rule import Caps, Past, Rule
from scoreboard.core.rules import past_with_action
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.window import ALL, Window, period_at
from scoreboard.errors import (
    AwardConflict,
    PeriodMoved,
    ScoreLimit,
    SuspiciousActivity,
    UserSuspended,
)

NOW = 1_795_435_200_000
DAY = period_at(Window.DAY, NOW, "UTC")
PERIODS = {"default": (ALL, DAY)}
QUIZ = Action(action_id="quiz", points=5)


def award(
    award_id: str = "a1", user_id: str = "u1", action: Action = QUIZ, *, named: bool = True
) -> Award:
    return Award(award_id=award_id, user_id=user_id, action=action, named=named)


def knowledge(**known: object) -> Knowledge:
    facts = {
        "epoch": 7,
        "seq": 100,
        "at": NOW,
        "known": {},
        "users": {"u1": (1, "active"), "u2": (2, "active"), "u3": (3, BANNED)},
        "scores": {},
        "past": {},
    }
    return Knowledge(**(facts | known))


def test_an_award_becomes_the_next_posting() -> None:
    facts = knowledge(scores={("default", "all", "u1"): Score("u1", 10, 50, 1)})
    judgement = judge([award()], PERIODS, facts)
    [outcome] = judgement.outcomes
    assert isinstance(outcome, Recorded)
    posting = outcome.posting
    assert (posting.seq, posting.epoch, posting.kind) == (101, 7, Kind.AWARD)
    assert (posting.user_ref, posting.user_id, posting.action_id) == (1, "u1", "quiz")
    assert (posting.points, posting.score_after, posting.at, posting.counts_at) == (5, 15, NOW, NOW)
    assert judgement.postings == [posting]
    assert facts.scores["default", "all", "u1"] == Score("u1", 15, 101, NOW)
    assert facts.scores["default", DAY.name, "u1"] == Score("u1", 5, 101, NOW)
    assert judgement.changed == {("default", "all", "u1"), ("default", DAY.name, "u1")}


def test_a_known_award_gets_its_first_posting_again() -> None:
    facts = knowledge()
    first, again = judge([award(), award()], PERIODS, facts).outcomes
    assert isinstance(first, Recorded)
    assert again == Repeated(first.posting)
    assert judge([award()], PERIODS, facts).outcomes == [Repeated(first.posting)]
    assert facts.seq == 101


@pytest.mark.parametrize(
    "other", [award(user_id="u2"), award(action=Action(action_id="other", points=5))]
)
def test_an_id_used_for_something_else_is_a_conflict(other: Award) -> None:
    first, second, again = judge([award(), other, award()], PERIODS, knowledge()).outcomes
    assert isinstance(second, Refused)
    assert isinstance(second.error, AwardConflict)
    assert isinstance(first, Recorded)
    assert again == Repeated(first.posting)


def test_an_award_without_a_name_is_never_a_repeat() -> None:
    awards = [award(f"a{index}", named=False) for index in range(3)]
    judgement = judge(awards, PERIODS, knowledge())
    assert [posting.seq for posting in judgement.postings] == [101, 102, 103]
    assert [posting.score_after for posting in judgement.postings] == [5, 10, 15]


def test_a_banned_user_collects_nothing_but_still_gets_old_answers() -> None:
    facts = knowledge(users={"u1": (1, "active")})
    [first] = judge([award()], PERIODS, facts).outcomes
    facts.users = {"u1": (1, BANNED)}
    again, fresh = judge([award(), award("a2")], PERIODS, facts).outcomes
    assert isinstance(first, Recorded)
    assert again == Repeated(first.posting)
    assert isinstance(fresh, Refused)
    assert isinstance(fresh.error, UserSuspended)


def test_rules_see_those_before_in_the_group_and_a_refusal_leaves_no_trace() -> None:
    twice = Action(action_id="quiz", points=5, caps=Caps(day=2))
    awards = [award(f"a{index}", action=twice) for index in range(4)]
    facts = knowledge(past={past_with_action("u1", "quiz"): Past(day=1)})
    outcomes = judge([*awards, award("b", "u2", twice)], PERIODS, facts).outcomes
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Recorded, Refused, Refused, Refused, Recorded]
    refused = outcomes[1]
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, SuspiciousActivity)
    assert refused.error.rule == Rule.CAP_DAY
    assert facts.seq == 102


def test_a_score_at_its_limit_refuses_and_the_next_user_goes_on() -> None:
    facts = knowledge(scores={("default", "all", "u1"): Score("u1", SCORE_MAX - 4, 50, 1)})
    one, other = judge([award("a1"), award("a2", "u2")], PERIODS, facts).outcomes
    assert isinstance(one, Refused)
    assert isinstance(one.error, ScoreLimit)
    assert isinstance(other, Recorded)
    assert facts.scores.keys() & {("default", DAY.name, "u1")} == set()


def test_a_group_is_judged_only_within_its_periods() -> None:
    ensure_current(PERIODS, DAY.start_ms)
    ensure_current(PERIODS, DAY.end_ms - 1)
    for outside in (DAY.start_ms - 1, DAY.end_ms):
        with pytest.raises(PeriodMoved):
            ensure_current(PERIODS, outside)


groups = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "u3"]),
        st.sampled_from(["a1", "a2", "a3", "a4"]),
        st.sampled_from(
            [QUIZ, Action(action_id="fall", points=-3), Action(action_id="nil", points=0)]
        ),
    ),
    max_size=12,
)


@given(groups, st.integers(0, 12))
def test_where_a_group_is_cut_makes_no_difference(
    asked: list[tuple[str, str, Action]], cut: int
) -> None:
    awards = [award(award_id, user_id, action) for user_id, award_id, action in asked]
    whole, parts = knowledge(), knowledge()
    together = judge(awards, PERIODS, whole)
    before, after = judge(awards[:cut], PERIODS, parts), judge(awards[cut:], PERIODS, parts)
    assert together.postings == before.postings + after.postings
    assert whole.scores == parts.scores
    assert [repr(each) for each in together.outcomes] == [
        repr(each) for each in before.outcomes + after.outcomes
    ]


@given(groups)
def test_scores_are_the_sums_of_postings(asked: list[tuple[str, str, Action]]) -> None:
    facts = knowledge()
    awards = [award(award_id, user_id, action) for user_id, award_id, action in asked]
    postings = judge(awards, PERIODS, facts).postings
    assert [posting.seq for posting in postings] == list(range(101, 101 + len(postings)))
    for (_, _, user_id), score in facts.scores.items():
        assert score.score == sum(each.points for each in postings if each.user_id == user_id)
