"""It is promised that what is irregular is found, and that busy evenings and events are not."""

from collections.abc import Iterable, Sequence

import pytest

from scoreboard.core.activity import Activity, KeyActivity
from scoreboard.core.finding import Finding, Irregularity
from scoreboard.core.irregular_key import Asked, judge_keys, refused_keys
from scoreboard.core.irregular_user import Judge
from scoreboard.core.thresholds import STANDARD, Thresholds
from scoreboard.core.usual import Crowd

TODAY = 20_000
HOUR = TODAY * 24
USUAL = [2, 3, 1, 4] * 6


def row(awards: int, hour: int, user: int = 1, points: int = 0, **more: int) -> Activity:
    told = {"minutes": 1, "gaps": 0, "steady": 0, "capped": 0} | more
    return Activity(user, hour, awards, points or awards * 5, **told)


def life(today: Sequence[int], before: Sequence[int] = USUAL, user: int = 1) -> list[Activity]:
    past = [row(count, HOUR - 24 * 20 + 3 * place, user) for place, count in enumerate(before)]
    return past + [row(count, HOUR + place, user) for place, count in enumerate(today)]


def judged(user: Sequence[Activity], others: Iterable[Sequence[Activity]] = ()) -> list[Finding]:
    crowd = Crowd(TODAY)
    for hours in [user, *others]:
        crowd.add(hours)
    return Judge(crowd, TODAY).judge(user)


def kinds(findings: Sequence[Finding]) -> list[Irregularity]:
    return [finding.irregularity for finding in findings]


def test_a_spike_is_found_and_explained() -> None:
    (finding,) = judged(life([3, 90, 80]))
    assert finding.irregularity is Irregularity.SPIKE
    assert finding.identity == f"spike/{finding.date}/user-1"
    assert "170 awards in 2 hours" in finding.says
    assert finding.numbers["z"] > STANDARD.z
    assert finding.numbers["tail"] < STANDARD.tail
    assert finding.numbers["samples"] == len(USUAL)


def test_a_busy_evening_is_none() -> None:
    assert judged(life([9, 12, 14])) == []
    assert judged(life([30])) == []


def test_somebody_who_always_did_the_same_may_do_more() -> None:
    assert judged(life([12, 12], [2] * 40)) == []


def test_days_before_are_not_judged_again() -> None:
    assert judged(life([3], [*USUAL, 200, 2])) == []


def test_what_is_older_than_four_weeks_is_not_usual_any_more() -> None:
    old = [row(200, HOUR - 24 * 40 + place) for place in range(30)]
    assert kinds(judged([*old, *life([90, 80])])) == [Irregularity.SPIKE]


def test_an_event_lifts_everybody() -> None:
    crowd = [life([40, 45], user=user) for user in range(2, 40)]
    assert judged(life([60, 70])) != []
    assert judged(life([60, 70]), crowd) == []


def test_somebody_new_is_compared_with_everybody() -> None:
    crowd = [life([3], user=user) for user in range(2, 200)]
    assert kinds(judged(life([300], []), crowd)) == [Irregularity.SPIKE]
    assert "anybody's" in judged(life([300], []), crowd)[0].says
    assert judged(life([15], []), crowd) == []


def test_nobody_is_compared_with_nothing() -> None:
    assert judged(life([400], [])) == []


def beats(gaps: int, steady: int) -> list[Activity]:
    return [row(5, HOUR, gaps=gaps, steady=steady)]


@pytest.mark.parametrize(
    ("gaps", "steady", "found"),
    [(60, 58, True), (60, 41, False), (29, 29, False), (30, 21, False), (34, 24, False)],
)
def test_clockwork_is_found(gaps: int, steady: int, *, found: bool) -> None:
    findings = judged(beats(gaps, steady), [[row(5, HOUR, 2, gaps=5_000, steady=100)]])
    assert kinds(findings) == [Irregularity.INTERVAL] * found


@pytest.mark.parametrize(
    ("capped", "hours", "found"), [(10, 10, True), (5, 5, False), (9, 20, False), (6, 7, False)]
)
def test_hugging_a_cap_is_found(capped: int, hours: int, *, found: bool) -> None:
    user = [row(5, HOUR + place, capped=int(place < capped)) for place in range(hours)]
    others = [life([3], user=user) for user in range(2, 40)]
    assert kinds(judged(user, others)) == [Irregularity.CAP] * found


def crowd_of(number: int) -> list[list[Activity]]:
    return [life([3], user=user) for user in range(2, number + 2)]


def test_somebody_new_past_everybody_is_found() -> None:
    user = [row(8, HOUR + place, points=2_000) for place in range(3)]
    assert kinds(judged(user, crowd_of(250))) == [Irregularity.JUMP]
    assert judged(user, crowd_of(100)) == []
    assert judged(user[:2], crowd_of(250)) == []
    assert judged([row(8, HOUR + place) for place in range(3)], crowd_of(250)) == []


def test_debts_are_no_jump() -> None:
    crowd = Crowd(TODAY)
    for _ in range(250):
        crowd.add([row(3, HOUR - 99, points=-5)])
    assert crowd.jump_points() == 1.0


def test_an_empty_crowd_has_no_habits() -> None:
    crowd = Crowd(TODAY)
    assert (crowd.usual(), crowd.jump_points(), crowd.effects()) == (None, None, {})
    assert (crowd.steady_share(), crowd.capped_share()) == (0.0, 0.0)


# --- keys


def signing(key: str, today: int, before: int = 0) -> list[KeyActivity]:
    past = [KeyActivity(key, HOUR - 200 + place, 20, before) for place in range(100)]
    return [*past, KeyActivity(key, HOUR, 100, today)]


def test_a_key_that_suddenly_brings_new_users_is_found() -> None:
    keys = {"a.1": signing("a.1", 40), "a.2": signing("a.2", 0)}
    (finding,) = judge_keys(keys, TODAY)
    assert (finding.irregularity, finding.key) == (Irregularity.KEY, "a.1")
    assert "40 new users" in finding.says
    assert finding.identity == f"key/{finding.date}/key-a.1"


def test_a_campaign_reaches_all_keys() -> None:
    keys = {name: signing(name, 40) for name in ("a.1", "a.2", "a.3")}
    assert judge_keys(keys, TODAY) == []


def test_few_new_users_or_few_samples_are_no_finding() -> None:
    assert judge_keys({"a.1": signing("a.1", 9)}, TODAY) == []
    assert judge_keys({"a.1": signing("a.1", 40)[-5:]}, TODAY) == []
    assert judge_keys({"a.1": signing("a.1", 40, before=20)}, TODAY) == []
    assert judge_keys({}, TODAY) == []


@pytest.mark.parametrize(
    ("recorded", "refused", "found"),
    [(100, 60, True), (1_000, 60, False), (5, 15, False), (30, 40, True)],
)
def test_a_key_that_is_refused_much_more_than_others_is_found(
    recorded: int, refused: int, *, found: bool
) -> None:
    asked = [Asked("a.1", TODAY, recorded, refused), Asked("a.2", TODAY, 900, 3)]
    assert kinds(refused_keys(asked)) == [Irregularity.REFUSALS] * found


def test_keys_of_which_all_are_refused_alike_are_none() -> None:
    asked = [Asked(name, TODAY, 100, 60) for name in ("a.1", "a.2")]
    assert refused_keys(asked) == []
    assert kinds(refused_keys(asked[:1])) == [Irregularity.REFUSALS]


def test_a_share_that_chance_may_make_is_none() -> None:
    asked = [Asked("a.1", TODAY, 78, 22), Asked("a.2", TODAY, 960, 40)]
    assert len(refused_keys(asked)) == 1
    assert refused_keys([Asked("a.1", TODAY, 0, 0)]) == []


def test_a_few_refusals_that_chance_may_make_are_none() -> None:
    asked = [Asked("a.1", TODAY, 8, 2), Asked("a.2", TODAY, 960, 40)]
    assert refused_keys(asked, Thresholds(refusals=2)) == []
    assert kinds(refused_keys(asked, Thresholds(refusals=2, tail=0.5))) == [Irregularity.REFUSALS]


def test_both_a_distance_and_a_chance_are_asked_for() -> None:
    user = life([3, 90, 80])
    crowd = Crowd(TODAY)
    crowd.add(user)
    assert len(Judge(crowd, TODAY).judge(user)) == 1
    assert Judge(crowd, TODAY, Thresholds(z=99.0)).judge(user) == []
    assert Judge(crowd, TODAY, Thresholds(tail=1e-300)).judge(user) == []
