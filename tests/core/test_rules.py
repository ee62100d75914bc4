"""Rules of boards and keys beside those of actions, in the shadow and out of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Recorded, Refused
from scoreboard.core.board import Board
from scoreboard.core.incident import Incident, together
from scoreboard.core.judgement import Judgement, Knowledge, judge
from scoreboard.core.rule import Caps, Hit, Past, Rule
from scoreboard.core.rules import (
    NO_RULES,
    Needs,
    Rules,
    past_of_key,
    past_on_board,
    past_with_action,
)
from scoreboard.core.score import SCORE_MAX
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.core.window import ALL
from scoreboard.errors import InvalidPayload, RateLimited, SuspiciousActivity

NOW = 1_795_435_200_000
QUIZ = Action(action_id="quiz", points=5)
CAPPED = Action(action_id="capped", points=5, cooldown_s=7, caps=Caps(minute=3, day=9))
DEFAULT = Board(board="default")
HOURLY = Board(board="default", points_per_hour=10)
KEY = SigningKey(key="game.k1", algorithm=SigningAlgorithm.ED25519, material=b"k" * 32)
BOUND = msgspec.structs.replace(KEY, caps=Caps(hour=2))


def award(
    award_id: str = "a1",
    user_id: str = "u1",
    action: Action = QUIZ,
    *,
    key: str | None = None,
    over_rate: bool = False,
) -> Award:
    return Award(
        award_id=award_id,
        user_id=user_id,
        action=action,
        named=False,
        key=key,
        caller="game" if key else None,
        over_rate=over_rate,
    )


def judged(awards: list[Award], rules: Rules, past: dict | None = None) -> Judgement:
    users = {f"u{ref}": (ref, "active") for ref in range(1, 6)}
    facts = Knowledge(7, 100, NOW, {}, users, {}, {} if past is None else past)
    return judge(awards, {"default": (ALL,)}, facts, rules)


def refusals(judgement: Judgement) -> list[str | None]:
    rules: list[str | None] = []
    for outcome in judgement.outcomes:
        error = outcome.error if isinstance(outcome, Refused) else None
        rules.append(error.rule if isinstance(error, SuspiciousActivity) else error and error.code)
    return rules


def rules_of(*subjects: Board | SigningKey) -> Rules:
    boards = [subject for subject in subjects if isinstance(subject, Board)]
    keys = [subject for subject in subjects if isinstance(subject, SigningKey)]
    return Rules.of(boards, keys)


# --- whom rules are about


def test_only_boards_and_keys_with_a_rule_are_in_the_rules() -> None:
    assert rules_of(DEFAULT, KEY) == NO_RULES
    assert rules_of(HOURLY, BOUND) == Rules({"default": HOURLY}, {"game.k1": BOUND})


@pytest.mark.parametrize(
    ("subject", "rules", "applies"),
    [
        (award(), NO_RULES, False),
        (award(key="game.k1"), NO_RULES, False),
        (award(action=CAPPED), NO_RULES, True),
        (award(), rules_of(HOURLY), True),
        (award(), rules_of(BOUND), False),
        (award(key="game.k1"), rules_of(BOUND), True),
        (award(over_rate=True), NO_RULES, True),
        (award(action=Action(action_id="other", points=1, board="other")), rules_of(HOURLY), False),
        (award(action=Action(action_id="quiz", points=1, active_from=1)), NO_RULES, True),
        (award(action=Action(action_id="quiz", points=1, active_until=1)), NO_RULES, True),
    ],
)
def test_what_has_no_rule_need_not_be_judged(subject: Award, rules: Rules, applies: bool) -> None:
    assert rules.apply_to(subject) is applies


def test_a_group_asks_once_for_each_user_action_board_and_key() -> None:
    awards = [
        award("a1", action=CAPPED, key="game.k1"),
        award("a2", action=CAPPED),
        award("a3", "u2", CAPPED, key="game.k1"),
        award("a4", key="other.k9"),
    ]
    needs = rules_of(HOURLY, BOUND).needs(awards)
    assert list(needs.counts) == [
        ("u1", "capped", "minute", 3),
        ("u1", "capped", "day", 9),
        ("u2", "capped", "minute", 3),
        ("u2", "capped", "day", 9),
    ]
    assert list(needs.lasts) == [("u1", "capped", 7_000), ("u2", "capped", 7_000)]
    assert list(needs.points) == [("u1", "default"), ("u2", "default")]
    assert list(needs.key_counts) == [("game.k1", "hour", 2)]
    assert needs
    assert not NO_RULES.needs([award(), award(key="game.k1")])


def test_answers_become_the_past_of_whom_they_are_of() -> None:
    needs = Needs(
        [("u1", "quiz", "minute", 3), ("u1", "quiz", "day", 9)],
        [("u1", "quiz", 7_000), ("u2", "quiz", 7_000)],
        [("u1", "default")],
        [("game.k1", "hour", 2)],
    )
    assert needs.past([2, 4], [NOW - 5, None], [30], [1]) == {
        past_with_action("u1", "quiz"): Past(minute=2, day=4, last_ms=NOW - 5),
        past_with_action("u2", "quiz"): Past(),
        past_on_board("u1", "default"): Past(points=30),
        past_of_key("game.k1"): Past(hour=1),
    }


# --- what they refuse


def test_a_span_holds_its_first_moment_and_not_its_end() -> None:
    event = Action(action_id="quiz", points=5, active_from=NOW, active_until=NOW + 10)
    assert event.broken_rule(Past(), NOW - 1) == Hit(Rule.TIME_SPAN, NOW, NOW - 1, 0)
    assert event.broken_rule(Past(), NOW) is None
    assert event.broken_rule(Past(), NOW + 9) is None
    assert event.broken_rule(Past(), NOW + 10) == Hit(Rule.TIME_SPAN, NOW + 10, NOW + 10, 0)


def test_a_span_without_a_moment_is_refused() -> None:
    for span in ({"active_from": 5, "active_until": 5}, {"active_until": 0}):
        with pytest.raises(InvalidPayload) as refused:
            Action(action_id="quiz", points=5, **span)
        assert refused.value.pointer == "/active_until"


def test_a_cap_of_points_counts_what_was_gained_over_all_actions() -> None:
    awards = [award("a1"), award("a2", action=Action(action_id="prize", points=4)), award("a3")]
    judgement = judged(awards, rules_of(HOURLY), {past_on_board("u1", "default"): Past(points=1)})
    assert refusals(judgement) == [None, None, "points-hour"]
    [incident] = judgement.incidents
    assert incident.hit == Hit(Rule.POINTS_HOUR, 10, 15, 3_600)
    assert (incident.subject, incident.who) == ("default", 1)


def test_what_is_taken_away_makes_no_room_and_is_never_refused() -> None:
    fall = Action(action_id="fall", points=-8)
    awards = [award("a1"), award("a2"), award("a3", action=fall), award("a4")]
    assert refusals(judged(awards, rules_of(HOURLY))) == [None, None, None, "points-hour"]


def test_an_award_of_more_than_the_cap_is_never_given() -> None:
    prize = award(action=Action(action_id="prize", points=11))
    assert refusals(judged([prize], rules_of(HOURLY))) == ["points-hour"]


def test_a_key_is_capped_over_all_users() -> None:
    awards = [award(f"a{place}", f"u{place}", key="game.k1") for place in range(1, 5)]
    judgement = judged([*awards, award("b")], rules_of(BOUND))
    assert refusals(judgement) == [None, None, "key-hour", "key-hour", None]
    first, second = judgement.incidents
    assert first.hit == Hit(Rule.KEY_HOUR, 2, 3, 3_600)
    assert (first.subject, first.who, first.user_id, first.caller) == ("game.k1", 0, "u3", "game")
    assert (second.who, second.user_ref) == (0, 4)


def test_rules_are_judged_action_first_then_key_then_board() -> None:
    strict = Action(action_id="quiz", points=5, caps=Caps(day=1))
    everything = rules_of(
        msgspec.structs.replace(HOURLY, points_per_hour=1),
        msgspec.structs.replace(KEY, caps=Caps(day=1)),
    )
    past = {past_with_action("u1", "quiz"): Past(day=1), past_of_key("game.k1"): Past(day=1)}
    asked = award(action=strict, key="game.k1")
    assert refusals(judged([asked], everything, past)) == ["cap-day"]
    del past[past_with_action("u1", "quiz")]
    assert refusals(judged([asked], everything, past)) == ["key-day"]
    assert refusals(judged([asked], everything)) == ["points-hour"]


# --- in the shadow


def test_a_rule_in_the_shadow_refuses_nothing_and_is_an_incident() -> None:
    once = Action(action_id="quiz", points=5, caps=Caps(day=1), shadow=True)
    rules = rules_of(
        msgspec.structs.replace(HOURLY, points_per_hour=5, shadow=True),
        msgspec.structs.replace(KEY, caps=Caps(minute=1), shadow=True),
    )
    awards = [award("a1", action=once, key="game.k1"), award("a2", action=once, key="game.k1")]
    judgement = judged(awards, rules)
    first, second = judgement.outcomes
    assert isinstance(first, Recorded)
    assert isinstance(second, Recorded)
    assert first.shadows == ()
    assert second.shadows == (Rule.CAP_DAY, Rule.KEY_MINUTE, Rule.POINTS_HOUR)
    assert [each.hit.rule for each in judgement.incidents] == list(second.shadows)
    assert all(each.shadow for each in judgement.incidents)


def test_what_is_refused_leaves_nothing_in_the_shadow() -> None:
    shadowed = Action(action_id="quiz", points=5, caps=Caps(day=1), shadow=True)
    rules = rules_of(msgspec.structs.replace(HOURLY, points_per_hour=5))
    judgement = judged([award("a1", action=shadowed), award("a2", action=shadowed)], rules)
    assert refusals(judgement) == [None, "points-hour"]
    assert [each.shadow for each in judgement.incidents] == [False]


def test_an_award_out_of_range_leaves_nothing_in_the_shadow() -> None:
    most = Action(action_id="quiz", points=SCORE_MAX, caps=Caps(day=1), shadow=True)
    judgement = judged([award("a1", action=most), award("a2", action=most)], NO_RULES)
    assert refusals(judgement) == [None, "score-limit"]
    assert judgement.incidents == []


# --- over the rate


def test_what_is_over_the_rate_gets_the_answer_of_a_rule_or_of_the_rate() -> None:
    once = Action(action_id="quiz", points=5, caps=Caps(day=1))
    over = [award("a1", action=once, over_rate=True), award("a2", over_rate=True)]
    judgement = judged(over, NO_RULES)
    assert refusals(judgement) == [RateLimited.code, RateLimited.code]
    assert judgement.postings == judgement.incidents == []
    judgement = judged([award("a0", action=once), *over], NO_RULES)
    assert refusals(judgement) == [None, "cap-day", RateLimited.code]
    assert [each.hit.rule for each in judgement.incidents] == [Rule.CAP_DAY]


# --- incidents


def hit(rule: Rule, user_ref: int = 1, **more: object) -> Incident:
    facts = {"user_id": f"u{user_ref}", "action_id": "quiz", "board": "default", "shadow": False}
    return Incident(at=NOW, hit=Hit(rule, 1, 2, 60), user_ref=user_ref, **(facts | more))


def test_hits_of_one_kind_are_one_incident_with_a_count() -> None:
    hits = [
        hit(Rule.CAP_MINUTE),
        hit(Rule.CAP_MINUTE, 2),
        hit(Rule.CAP_MINUTE, caller="game"),
        hit(Rule.CAP_MINUTE, shadow=True),
        hit(Rule.CAP_DAY),
        hit(Rule.CAP_MINUTE, action_id="other"),
    ]
    found = together(hits)
    assert [count for _, count in found] == [2, 1, 1, 1, 1]
    assert found[0][0].caller == "game"
    assert hits[0].minute == NOW // 60_000


def test_hits_of_a_key_are_one_whoever_the_user_and_those_of_a_board_whatever_the_action() -> None:
    by_key = [hit(Rule.KEY_DAY, ref, key="game.k1") for ref in (1, 2, 3)]
    by_board = [hit(Rule.POINTS_HOUR, action_id=name) for name in ("quiz", "prize")]
    assert [count for _, count in together([*by_key, *by_board])] == [3, 2]
    assert (by_key[0].subject, by_board[0].subject) == ("game.k1", "default")


# --- the law


steps = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2"]),
        st.sampled_from([QUIZ, CAPPED, Action(action_id="fall", points=-3)]),
        st.sampled_from([None, "game.k1"]),
    ),
    max_size=14,
)


@given(steps, st.integers(0, 14))
def test_where_a_group_is_cut_makes_no_difference_to_rules(
    asked: list[tuple[str, Action, str | None]], cut: int
) -> None:
    rules = rules_of(msgspec.structs.replace(HOURLY, points_per_hour=17), BOUND)
    awards = [
        award(f"a{place}", user_id, action, key=key)
        for place, (user_id, action, key) in enumerate(asked)
    ]
    past: dict = {}
    parts = [*refusals(judged(awards[:cut], rules, past))]
    parts += refusals(judged(awards[cut:], rules, past))
    assert refusals(judged(awards, rules)) == parts
