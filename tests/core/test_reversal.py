"""Awards taken back: their scores go back through values that they have had."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.board import Board
from scoreboard.core.judgement import ScoreKey
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.reversal import (
    Awards,
    AwardsBy,
    AwardsFor,
    AwardsOf,
    Base,
    OneAward,
    record,
    reversal_id,
    score_keys,
    take_back,
)
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.window import Window
from scoreboard.errors import ScoreLimit

NOON = 1_795_435_200_000  # 2026-11-23T12:00:00Z
DAY_MS = 86_400_000
BOARDS = {"default": Board(board="default", windows=(Window.ALL, Window.DAY))}
ALL: ScoreKey = ("default", "all", "ada")
DAY: ScoreKey = ("default", "2026-11-23", "ada")


def award(seq: int, points: int, at: int = NOON) -> Posting:
    return Posting(
        seq=seq,
        epoch=1,
        award_id=f"a{seq}",
        kind=Kind.AWARD,
        board="default",
        at=at,
        counts_at=at,
        user_ref=7,
        user_id="ada",
        action_id="quiz",
        points=points,
        key="acme.one",
    )


def base(**scores: int) -> Base:
    keys = {"all": ALL, "day": DAY}
    known = {keys[name]: Score("ada", score, 9, NOON) for name, score in scores.items()}
    return Base(1, 20, NOON + DAY_MS, known)


def test_a_reversal_is_the_award_with_its_points_negated() -> None:
    taken = take_back([award(5, 8)], BOARDS, base(all=10, day=8), "mo")
    [posting] = taken.postings
    assert posting == Posting(
        seq=21,
        epoch=1,
        award_id=reversal_id("a5"),
        kind=Kind.REVERSE,
        board="default",
        at=NOON + DAY_MS,
        counts_at=NOON,
        user_ref=7,
        user_id="ada",
        action_id="quiz",
        points=-8,
        score_after=2,
        caller="mo",
        reverses=5,
    )
    after = {key: score.score for key, score in taken.scores.items()}
    assert after == {ALL: 2, DAY: 0}
    assert {score.seq for score in taken.scores.values()} == {21}
    assert taken.fallen == {ALL[:2]: posting, DAY[:2]: posting}


def test_a_period_without_a_score_gets_none() -> None:
    taken = take_back([award(5, 8)], BOARDS, base(all=10), "mo")
    assert set(taken.scores) == {ALL}
    assert take_back([award(5, 8)], BOARDS, base(), "mo").postings[0].score_after is None


def test_tops_are_marked_by_the_last_fall_only() -> None:
    awards = [award(7, 2), award(6, 2), award(5, -3), award(4, 0)]
    taken = take_back(awards, BOARDS, base(all=1, day=1), "mo")
    assert [posting.score_after for posting in taken.postings] == [-1, -3, 0, 0]
    assert taken.fallen[ALL[:2]].seq == 22
    assert taken.scores[ALL].seq == 23
    assert take_back([award(5, -3)], BOARDS, base(all=1), "mo").fallen == {}


@given(st.lists(st.integers(-SCORE_MAX, SCORE_MAX), min_size=1, max_size=8))
def test_backwards_every_score_is_one_that_there_was(points: Sequence[int]) -> None:
    scores, awards, score = [], [], 0
    for seq, each in enumerate(points, 2):
        if abs(score + each) <= SCORE_MAX:
            scores.append(score)
            score += each
            awards.append(award(seq, each))
    if not awards:
        return
    taken = take_back(awards[::-1], BOARDS, base(all=score), "mo")
    assert [posting.score_after for posting in taken.postings] == scores[::-1]


def test_no_score_leaves_its_range() -> None:
    with pytest.raises(ScoreLimit):
        take_back([award(5, 2)], BOARDS, base(all=5, day=1 - SCORE_MAX), "mo")


def test_the_scores_that_may_change_are_those_of_the_awards_periods() -> None:
    assert score_keys([award(5, 1), award(6, 1)], BOARDS) == [DAY, ALL]


@pytest.mark.parametrize(
    ("awards", "subject", "award_id", "since"),
    [
        (OneAward("a5"), "user:7", "a5", None),
        (AwardsOf("ada", NOON), "user:7", None, "2026-11-23T12:00:00.000Z"),
        (AwardsBy("acme.one", NOON), "acme.one", None, "2026-11-23T12:00:00.000Z"),
        (AwardsFor("quiz", NOON), "quiz", None, "2026-11-23T12:00:00.000Z"),
    ],
)
def test_the_record_never_has_a_users_name(
    awards: Awards, subject: str, award_id: str | None, since: str | None
) -> None:
    taken = take_back([award(6, 2), award(5, 8)], BOARDS, base(all=10), "mo")
    told, numbers = record(awards, taken.postings)
    assert (told, numbers.award_id, numbers.since) == (subject, award_id, since)
    assert (numbers.awards, numbers.points) == (2, -10)
    assert (numbers.first_seq, numbers.last_seq) == (21, 22)
