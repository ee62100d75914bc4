"""What every ledger promises of a posting, and of reading them."""

from pathlib import Path

import msgspec
import pytest

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Recorded, Refused, Repeated
from scoreboard.core.posting import Kind
from scoreboard.core.score import SCORE_MAX
from scoreboard.errors import AwardConflict, ScoreLimit, SuspiciousActivity
from scoreboard.ports import Ledger, Opening

from .conftest import OpenLedger
from .material import (
    DAY_MS,
    DEFAULT,
    LEAGUE,
    NOON,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    ensure_sums,
    error_of,
    posting_of,
    put,
)

# --- a posting


async def test_a_new_ledger_begins_with_the_default_board(ledger: Ledger) -> None:
    catalogue = await ledger.catalogue()
    assert catalogue.boards == {"default": DEFAULT}
    assert catalogue.actions == {}
    [first] = await all_postings(ledger)
    assert (first.seq, first.kind, first.board) == (1, Kind.BOARD, "default")
    head = await ledger.head()
    assert (head.seq, head.epoch, head.at) == (1, NOON, NOON)


async def test_an_award_is_recorded_with_its_place_and_its_score(
    ledger: Ledger, clock: Clock
) -> None:
    clock.now_ms += 10
    first, second = await append(ledger, clock, award("a1"), award("a2"))
    posting = posting_of(second)
    assert (posting_of(first).seq, posting.seq) == (2, 3)
    assert (posting_of(first).score_after, posting.score_after) == (5, 10)
    assert (posting.user_id, posting.action_id, posting.board) == ("u1", "quiz", "default")
    assert (posting.points, posting.at, posting.counts_at) == (5, NOON + 10, NOON + 10)
    assert await ledger.posting("a2") == posting
    assert (await all_postings(ledger))[2] == posting


async def test_postings_are_numbered_without_gaps_in_group_order(
    ledger: Ledger, clock: Clock
) -> None:
    seqs: list[int] = []
    for group in range(5):
        awards = [award(f"a{group}-{index}", f"u{9 - index}") for index in range(group + 1)]
        seqs += [posting_of(outcome).seq for outcome in await append(ledger, clock, *awards)]
    assert seqs == list(range(2, 17))
    await ensure_sums(ledger)


async def test_the_same_is_read_by_another_node_and_after_a_restart(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2"))
    async with open_ledger(tmp_path, Clock(NOON + DAY_MS)) as other:
        assert await all_postings(other) == await all_postings(ledger)
        assert await other.head() == await ledger.head()
        assert await all_scores(other, ("default", "all")) == await all_scores(
            ledger, ("default", "all")
        )


async def test_who_asked_is_recorded_when_it_was_not_the_user(ledger: Ledger, clock: Clock) -> None:
    asked = Award(award_id="a1", user_id="u1", action=QUIZ, named=True, caller="game-eu")
    await append(ledger, clock, asked, award("a2"))
    first, second = await ledger.posting("a1"), await ledger.posting("a2")
    assert first is not None
    assert second is not None
    assert (first.caller, second.caller) == ("game-eu", None)


async def test_an_award_nobody_made_has_no_posting(ledger: Ledger) -> None:
    for award_id in ("a1", "", 'a"1', "a'1", "\\", "\x00", "é"):
        assert await ledger.posting(award_id) is None


async def test_an_empty_group_records_nothing(ledger: Ledger, clock: Clock) -> None:
    assert await append(ledger, clock) == ()
    assert (await ledger.head()).seq == 1


# --- repeats


async def test_a_repeat_in_the_same_group_gets_the_first_posting(
    ledger: Ledger, clock: Clock
) -> None:
    first, again, other, last = await append(
        ledger, clock, award("a1"), award("a1"), award("a2"), award("a1")
    )
    assert again == last == Repeated(posting_of(first))
    assert posting_of(other).score_after == 10
    assert (await ledger.head()).seq == 3


async def test_a_repeat_in_a_later_group_gets_the_first_posting(
    ledger: Ledger, clock: Clock
) -> None:
    [first] = await append(ledger, clock, award("a1"))
    await append(ledger, clock, award("a2"))
    clock.now_ms += DAY_MS
    [again] = await append(ledger, clock, award("a1"))
    assert isinstance(again, Repeated)
    assert again.posting == posting_of(first)
    assert again.posting.score_after == 5
    await ensure_sums(ledger)


async def test_a_repeat_is_known_after_a_restart(
    open_ledger: OpenLedger, tmp_path: Path, clock: Clock
) -> None:
    async with open_ledger(tmp_path, clock) as before:
        [first] = await append(before, clock, award("a1"))
    async with open_ledger(tmp_path, clock) as after:
        assert await append(after, clock, award("a1")) == (Repeated(posting_of(first)),)


async def test_a_repeat_is_answered_even_when_the_actions_points_have_changed(
    ledger: Ledger, clock: Clock
) -> None:
    [first] = await append(ledger, clock, award("a1"))
    worth_more = Action(action_id="quiz", points=500)
    [again] = await append(ledger, clock, award("a1", action=worth_more))
    assert again == Repeated(posting_of(first))


@pytest.mark.parametrize(
    "other", [award("a1", "u2"), award("a1", action=PRIZE)], ids=["user", "action"]
)
@pytest.mark.parametrize("together", [True, False])
async def test_an_id_used_for_something_else_is_a_conflict(
    ledger: Ledger, clock: Clock, other: Award, together: bool
) -> None:
    if together:
        first, second = await append(ledger, clock, award("a1"), other)
    else:
        [first], [second] = (
            await append(ledger, clock, award("a1")),
            await append(ledger, clock, other),
        )
    assert isinstance(first, Recorded)
    assert isinstance(error_of(second), AwardConflict)
    assert (await ledger.head()).seq == 2
    await ensure_sums(ledger)


async def test_awards_without_a_name_are_each_new(ledger: Ledger, clock: Clock) -> None:
    awards = [award(f"a{index}", named=False) for index in range(3)]
    outcomes = await append(ledger, clock, *awards)
    assert [posting_of(outcome).score_after for outcome in outcomes] == [5, 10, 15]


# --- one award never fails another


async def test_a_refused_award_leaves_the_others_of_its_group_alone(
    ledger: Ledger, clock: Clock
) -> None:
    huge = Action(action_id="huge", points=SCORE_MAX)
    once = Action(action_id="once", points=1, cooldown_s=10)
    outcomes = await append(
        ledger,
        clock,
        award("a1"),
        award("a2", action=huge),
        award("a3", action=once),
        award("a4", action=once),
        award("a1", "u9"),
        award("a5", "u2"),
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Recorded, Refused, Recorded, Refused, Refused, Recorded]
    assert isinstance(error_of(outcomes[1]), ScoreLimit)
    assert isinstance(error_of(outcomes[3]), SuspiciousActivity)
    assert isinstance(error_of(outcomes[4]), AwardConflict)
    assert len(await ensure_sums(ledger)) == 4


@pytest.mark.parametrize("sign", [1, -1])
async def test_scores_reach_their_limit_exactly_and_no_further(
    ledger: Ledger, clock: Clock, sign: int
) -> None:
    huge = Action(action_id="huge", points=sign * SCORE_MAX)
    one = Action(action_id="one", points=sign)
    back = Action(action_id="back", points=-sign)
    first, over, down, up = await append(
        ledger,
        clock,
        award("a1", action=huge),
        award("a2", action=one),
        award("a3", action=back),
        award("a4", action=one),
    )
    assert posting_of(first).score_after == sign * SCORE_MAX
    assert isinstance(error_of(over), ScoreLimit)
    assert posting_of(down).score_after == sign * (SCORE_MAX - 1)
    assert posting_of(up).score_after == sign * SCORE_MAX
    [score] = await all_scores(ledger, ("default", "all"))
    assert score.score == sign * SCORE_MAX
    await ensure_sums(ledger)


async def test_an_award_refused_once_may_be_asked_again_under_its_name(
    ledger: Ledger, clock: Clock
) -> None:
    rare = Action(action_id="rare", points=5, cooldown_s=60)
    await append(ledger, clock, award("a1", action=rare))
    [refused] = await append(ledger, clock, award("a2", action=rare))
    assert isinstance(refused, Refused)
    clock.now_ms += 60_000
    [recorded] = await append(ledger, clock, award("a2", action=rare))
    assert posting_of(recorded).score_after == 10


# --- reading postings


async def test_postings_come_in_pages_in_order(ledger: Ledger, clock: Clock) -> None:
    for index in range(7):
        clock.now_ms += 1
        await append(ledger, clock, award(f"a{index}", f"u{index % 2}"))
    whole = await ledger.postings(0, 100)
    for page in (1, 2, 3, 8, 9):
        assert await all_postings(ledger, page) == list(whole)
    assert await ledger.postings(8, 10) == []
    assert await ledger.postings(1_000, 10) == []


async def test_a_follower_misses_no_posting_of_another_node(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    async with open_ledger(tmp_path, clock) as other:
        for index in range(4):
            await append(ledger, clock, award(f"own{index}a"), award(f"own{index}b"))
            await append(other, clock, award(f"other{index}"))
        await append(ledger, clock, award("last"))
        for node in (ledger, other):
            for start in range(14):
                seqs = [start]
                while more := await node.postings(seqs[-1], 100):
                    seqs += [posting.seq for posting in more]
                assert seqs == list(range(start, 15))


async def test_own_awards_since_a_moment_are_those_at_it_and_later(
    ledger: Ledger, clock: Clock
) -> None:
    for index in range(6):
        clock.now_ms = NOON + 100 * (index // 2)
        await append(ledger, clock, award(f"a{index}"))
    by_a_service = msgspec.structs.replace(award("a6"), caller="backend")
    await append(ledger, clock, by_a_service)
    whole = await all_postings(ledger)
    for at_ms in (0, NOON, NOON + 1, NOON + 100, NOON + 101, NOON + 200, NOON + 201):
        expected = [
            (posting.user_id, posting.at)
            for posting in whole
            if posting.at >= at_ms and posting.kind is Kind.AWARD and posting.caller is None
        ]
        assert list(await ledger.own_awards_since(at_ms)) == expected


async def test_a_users_postings_come_newest_first(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, *[award(f"a{index}", f"u{index % 2}") for index in range(10)])
    own = [posting for posting in await all_postings(ledger) if posting.user_id == "u1"][::-1]
    first = await ledger.postings_of("u1", None, 2)
    assert list(first) == own[:2]
    assert list(await ledger.postings_of("u1", first[-1].seq, 100)) == own[2:]
    assert list(await ledger.postings_of("u1", own[-1].seq, 100)) == []
    assert list(await ledger.postings_of("nobody", None, 100)) == []


async def test_a_commit_wakes_and_a_refusal_need_not(ledger: Ledger, clock: Clock) -> None:
    woken: list[int] = []
    ledger.on_commit(lambda: woken.append(1))
    await append(ledger, clock, award("a1"))
    assert len(woken) == 1
    await put(ledger, LEAGUE)
    await ledger.open_periods([Opening("league", "2026-11-24")])
    assert len(woken) == 3
