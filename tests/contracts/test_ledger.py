"""What every ledger promises."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.adapters.migrations import migrations
from scoreboard.core.action import Action
from scoreboard.core.award import Award, Outcome, Recorded, Refused, Repeated
from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind
from scoreboard.core.rule import Caps
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.standing import Next, placed_by_sorting
from scoreboard.core.window import Window
from scoreboard.errors import (
    AwardConflict,
    CatalogueMoved,
    InvalidPayload,
    NotFound,
    PeriodMoved,
    ScoreLimit,
    SuspiciousActivity,
    Unavailable,
)
from scoreboard.ports import Change, Ledger, Opening, Prepared

from .material import (
    DAY_MS,
    DEFAULT,
    FALL,
    FOUL,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOON,
    NOTHING,
    PRIZE,
    QUIZ,
    WITHOUT_SHRINKING,
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

OpenLedger = Callable[[Path, Clock], AbstractAsyncContextManager[Ledger]]

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


# --- rules


@pytest.mark.parametrize(
    ("action", "span_ms"),
    [
        (Action(action_id="slow", points=1, cooldown_s=7), 7_000),
        (Action(action_id="minute", points=1, caps=Caps(minute=1)), 60_000),
        (Action(action_id="hour", points=1, caps=Caps(hour=1)), HOUR_MS),
        (Action(action_id="day", points=1, caps=Caps(day=1)), DAY_MS),
    ],
    ids=["cooldown", "cap-minute", "cap-hour", "cap-day"],
)
async def test_a_rule_ends_exactly_with_its_span(
    ledger: Ledger, clock: Clock, action: Action, span_ms: int
) -> None:
    await append(ledger, clock, award("a1", action=action))
    clock.now_ms = NOON + span_ms - 1
    [early] = await append(ledger, clock, award("a2", action=action))
    assert isinstance(error_of(early), SuspiciousActivity)
    clock.now_ms = NOON + span_ms
    [due] = await append(ledger, clock, award("a3", action=action))
    assert isinstance(due, Recorded)


async def test_caps_are_counted_in_group_order(ledger: Ledger, clock: Clock) -> None:
    capped = Action(action_id="capped", points=1, caps=Caps(minute=3))
    awards = [award(f"a{index}", action=capped) for index in range(5)]
    outcomes = await append(ledger, clock, awards[0], award("b", "u2", capped), *awards[1:])
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Recorded, Recorded, Recorded, Recorded, Refused, Refused]


async def test_a_repeat_takes_nothing_of_a_cap(ledger: Ledger, clock: Clock) -> None:
    capped = Action(action_id="capped", points=1, caps=Caps(day=2))
    group = [award(name, action=capped) for name in ("a1", "a1", "a1", "a2", "a3")]
    outcomes = await append(ledger, clock, *group)
    assert [type(outcome) for outcome in outcomes] == [
        Recorded, Repeated, Repeated, Recorded, Refused,
    ]  # fmt: skip


async def test_rules_are_about_one_user_and_one_action(ledger: Ledger, clock: Clock) -> None:
    slow = Action(action_id="slow", points=1, cooldown_s=60)
    other = Action(action_id="other", points=1, cooldown_s=60)
    await append(ledger, clock, award("a1", action=slow))
    clock.now_ms += 1
    outcomes = await append(
        ledger, clock, award("a2", action=other), award("a3", "u2", slow), award("a4", action=slow)
    )
    assert [type(outcome) for outcome in outcomes] == [Recorded, Recorded, Refused]


async def test_rules_hold_on_another_node_and_when_the_clock_runs_back(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    slow = Action(action_id="slow", points=1, cooldown_s=60)
    await append(ledger, clock, award("a1", action=slow))
    behind = Clock(NOON - DAY_MS)
    async with open_ledger(tmp_path, behind) as other:
        [refused] = await append(other, behind, award("a2", action=slow))
        assert isinstance(error_of(refused), SuspiciousActivity)


# --- time and periods


async def test_time_never_runs_back_when_the_clock_does(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    clock.now_ms -= HOUR_MS
    await append(ledger, clock, award("a2"))
    clock.now_ms += 2 * HOUR_MS
    await append(ledger, clock, award("a3"))
    moments = [posting.at for posting in await all_postings(ledger)]
    assert moments == [NOON, NOON, NOON, NOON + HOUR_MS]
    assert (await ledger.head()).at == NOON + HOUR_MS


async def test_points_count_in_each_current_period(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, LEAGUE, GOAL)
    await append(ledger, clock, award("a1", action=GOAL))
    clock.now_ms += DAY_MS
    await append(ledger, clock, award("a2", action=GOAL), award("a3", action=QUIZ))
    expected = {
        "all": 6, "2026-11-23": 3, "2026-11-24": 3, "2026-W48": 6, "2026-11": 6,
    }  # fmt: skip
    for period, score in expected.items():
        [found] = await all_scores(ledger, ("league", period))
        assert found.score == score, period
    [only] = await all_scores(ledger, ("default", "all"))
    assert only.score == 5
    await ensure_sums(ledger)


async def test_a_group_of_a_period_that_ended_is_refused_whole(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL)
    before = await ledger.head()
    periods = {
        "league": LEAGUE.periods_at(clock()),
        "default": DEFAULT.periods_at(clock()),
    }
    stale = Prepared((await ledger.catalogue()).version, periods)
    clock.now_ms = periods["league"][1].end_ms
    with pytest.raises(PeriodMoved):
        await ledger.append([award("a1"), award("a2", action=GOAL)], stale)
    assert await ledger.head() == before
    assert await ledger.posting("a1") is None
    clock.now_ms -= 1
    outcomes = await ledger.append([award("a2", action=GOAL)], stale)
    assert isinstance(outcomes[0], Recorded)


async def test_a_group_of_a_period_still_to_come_is_refused_whole(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL)
    version = (await ledger.catalogue()).version
    early = Prepared(version, {"league": LEAGUE.periods_at(clock() + DAY_MS)})
    with pytest.raises(PeriodMoved):
        await ledger.append([award("a1", action=GOAL)], early)
    assert await ledger.posting("a1") is None


async def test_a_period_is_opened_once_for_ever(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    await put(ledger, LEAGUE)
    openings = [Opening("league", "2026-11-24"), Opening("league", "2026-W48")]
    opened = await ledger.open_periods(openings)
    assert [(posting.kind, posting.detail) for posting in opened] == [
        (Kind.PERIOD, "2026-11-24"),
        (Kind.PERIOD, "2026-W48"),
    ]
    assert await ledger.marked("league", "2026-11-24") == (opened[0].seq, NOON)
    async with open_ledger(tmp_path, clock) as other:
        more = [*openings, Opening("league", "2026-11-25"), Opening("league", "2026-11-25")]
        assert [posting.detail for posting in await other.open_periods(more)] == ["2026-11-25"]
    assert await ledger.open_periods(openings) == []
    await ensure_sums(ledger)


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


# --- the catalogue


async def test_the_catalogue_is_changed_with_a_record_of_who_and_why(
    ledger: Ledger, clock: Clock
) -> None:
    clock.now_ms += 5
    await ledger.change(Change(QUIZ, "alice", "a new quiz"))
    dearer = Action(action_id="quiz", points=6)
    await ledger.change(Change(dearer, "bob", "it was too cheap"))
    assert (await ledger.catalogue()).actions == {"quiz": dearer}
    newest, oldest = await ledger.audit(None, 10)
    assert (newest.caller, newest.reason, newest.subject) == ("bob", "it was too cheap", "quiz")
    assert (oldest.caller, oldest.reason, oldest.at) == ("alice", "a new quiz", NOON + 5)
    assert oldest.before is None
    assert newest.before == oldest.after
    assert newest.before != newest.after
    assert list(await ledger.audit(newest.entry, 10)) == [oldest]
    assert list(await ledger.audit(None, 1)) == [newest]


async def test_a_group_prepared_with_an_older_catalogue_is_refused_whole(
    ledger: Ledger, clock: Clock
) -> None:
    periods = {"default": DEFAULT.periods_at(clock())}
    before = (await ledger.catalogue()).version
    await put(ledger, QUIZ)
    after = (await ledger.catalogue()).version
    assert after > before
    with pytest.raises(CatalogueMoved):
        await ledger.append([award("a1")], Prepared(before, periods))
    assert await ledger.posting("a1") is None
    (outcome,) = await ledger.append([award("a1")], Prepared(after, periods))
    assert isinstance(outcome, Recorded)


async def test_putting_what_is_there_changes_and_records_nothing(ledger: Ledger) -> None:
    await put(ledger, QUIZ, LEAGUE)
    before = await ledger.catalogue(), await ledger.head(), await ledger.audit(None, 10)
    await put(ledger, QUIZ, LEAGUE, DEFAULT)
    assert (await ledger.catalogue(), await ledger.head(), await ledger.audit(None, 10)) == before


async def test_settings_come_back_as_they_were_put(ledger: Ledger) -> None:
    strict = Action(
        action_id="strict",
        points=-SCORE_MAX,
        board="league",
        cooldown_s=31_536_000,
        caps=Caps(minute=1, hour=2, day=3),
        requires_signature=True,
    )
    board = Board(
        board="league",
        title="Ligue des œufs 🥚 'quoted' \"twice\"",
        tie=Tie.SHARED,
        windows=(Window.MONTH, Window.ALL),
        time_zone="Europe/Berlin",
    )
    await put(ledger, board, strict)
    catalogue = await ledger.catalogue()
    assert catalogue.actions["strict"] == strict
    assert catalogue.boards["league"] == board


async def test_an_action_needs_a_board_that_exists(ledger: Ledger) -> None:
    before = await ledger.catalogue()
    with pytest.raises(InvalidPayload) as refused:
        await put(ledger, GOAL)
    assert refused.value.pointer == "/board"
    assert await ledger.catalogue() == before


async def test_a_board_keeps_its_windows_and_its_time_zone(ledger: Ledger) -> None:
    await put(ledger, LEAGUE)
    before = await ledger.catalogue(), await ledger.head()
    fewer = Board(board="league", windows=(Window.ALL, Window.DAY), time_zone="America/New_York")
    with pytest.raises(InvalidPayload) as refused:
        await put(ledger, fewer)
    assert refused.value.pointer == "/windows"
    elsewhere = Board(board="league", windows=tuple(Window), time_zone="Europe/Berlin")
    with pytest.raises(InvalidPayload) as refused:
        await put(ledger, elsewhere)
    assert refused.value.pointer == "/time_zone"
    assert (await ledger.catalogue(), await ledger.head()) == before


async def test_a_board_without_resets_may_still_choose_its_time_zone(ledger: Ledger) -> None:
    moved = Board(board="default", windows=(Window.ALL, Window.DAY), time_zone="Asia/Tokyo")
    await put(ledger, moved)
    assert (await ledger.catalogue()).boards["default"] == moved


async def test_a_new_window_is_filled_from_the_ledger(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2", PRIZE))
    clock.now_ms += 7 * DAY_MS
    await append(ledger, clock, award("a3", "u1", PRIZE), award("a4", "u3", NOTHING))
    later = clock.now_ms + HOUR_MS
    clock.now_ms = later
    await append(ledger, clock, award("a5", "u1", NOTHING), award("a6", "u3", FALL))
    await put(ledger, Board(board="default", windows=tuple(Window)))
    day = await all_scores(ledger, ("default", "2026-11-30"))
    assert day == [Score("u1", 12, 4, later - HOUR_MS), Score("u3", -7, 7, later)]
    assert await all_scores(ledger, ("default", "2026-W49")) == day
    assert await all_scores(ledger, ("default", "2026-W48")) == []
    assert {score.user_id for score in await all_scores(ledger, ("default", "2026-11"))} == {
        "u1", "u2", "u3",
    }  # fmt: skip
    await append(ledger, clock, award("a7"))
    assert (await all_scores(ledger, ("default", "2026-11-30")))[0].score == 17


async def test_a_changed_board_marks_its_tops(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    clock.now_ms += 7
    await put(ledger, Board(board="default", tie=Tie.SHARED))
    head = await ledger.head()
    assert await ledger.marked("default", "all") == (head.seq, NOON + 7)
    newest = (await all_postings(ledger))[-1]
    assert (newest.kind, newest.board) == (Kind.BOARD, "default")


async def test_a_fall_marks_the_tops_it_may_have_changed(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, LEAGUE, GOAL, FOUL)
    await append(ledger, clock, award("a1", action=GOAL), award("a2", action=QUIZ))
    before = await ledger.marked("default", "all")
    [fallen] = await append(ledger, clock, award("a3", action=FOUL))
    for period in ("all", "2026-11-23", "2026-W48", "2026-11"):
        assert await ledger.marked("league", period) == (posting_of(fallen).seq, NOON)
    assert await ledger.marked("default", "all") == before


async def test_a_ledger_stays_with_its_first_secret(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    assert await ledger.bound() is None
    assert await ledger.bind("one") == "one"
    assert await ledger.bound() == "one"
    assert await ledger.bind("other") == "one"
    async with open_ledger(tmp_path, clock) as later:
        assert await later.bind("other") == "one"


# --- scores in their order


async def test_scores_are_read_by_user_in_pages(ledger: Ledger, clock: Clock) -> None:
    users = ["b", "a", "Z", "u10", "u9", "u@x", "u|x"]
    await append(ledger, clock, *[award(f"a-{user}", user) for user in users])
    whole = await all_scores(ledger, ("default", "all"))
    assert [score.user_id for score in whole] == sorted(users)
    for page in (1, 2, 3, 7, 8):
        assert await all_scores(ledger, ("default", "all"), page) == whole
    assert await all_scores(ledger, ("default", "2026-11-23")) == []


async def test_the_fallback_shows_what_a_plain_sort_shows(ledger: Ledger, clock: Clock) -> None:
    actions = [QUIZ, PRIZE, FALL, NOTHING]
    for index in range(60):
        clock.now_ms += 1
        chosen = actions[index * 7 % 4]
        await append(ledger, clock, award(f"a{index}", f"u{index * 11 % 17}", chosen))
    scores = await all_scores(ledger, ("default", "all"))
    for tie in Tie:
        board = Board(board="default", tie=tie)
        rows = placed_by_sorting(scores, tie)
        snapshot = await ledger.snapshot(board, "all")
        assert snapshot is not None
        assert snapshot.rows == rows[:10]
        assert (snapshot.epoch, await ledger.total(board, "all")) == (NOON, 17)
        seen, after = [], None
        for _ in range(20):
            page = await ledger.page(board, "all", after, 4)
            assert page is not None
            seen += page.rows
            after = page.end
            if after is None:
                break
        assert tuple(seen) == rows
        for index, row in enumerate(rows):
            standing = await ledger.standing(board, "all", row.user_id)
            assert standing is not None
            assert (standing.rank, standing.score, standing.total_users) == (
                row.rank,
                row.score,
                17,
            )
            around = await ledger.around(board, "all", row.user_id, 2)
            assert tuple(around or ()) == rows[max(0, index - 2) : index + 3]
        with pytest.raises(NotFound):
            await ledger.standing(board, "all", "nobody")
        with pytest.raises(NotFound):
            await ledger.around(board, "all", "nobody", 2)


async def test_a_ledger_tells_its_schema_and_its_clock(ledger: Ledger, clock: Clock) -> None:
    condition = await ledger.condition()
    assert condition.schema == max(step.version for step in migrations("sqlite"))
    assert condition.clock_ms >= (await ledger.head()).at


async def test_to_next_counts_ties(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1", "z"), award("a2", "a"), award("a3", "m", PRIZE))
    first = await ledger.standing(DEFAULT, "all", "a")
    shared = await ledger.standing(Board(board="default", tie=Tie.SHARED), "all", "a")
    assert first is not None
    assert shared is not None
    assert (first.rank, first.to_next) == (3, Next(2, 1))
    assert (shared.rank, shared.to_next) == (2, Next(1, 7))


async def test_an_empty_period_has_an_empty_top(ledger: Ledger) -> None:
    await put(ledger, LEAGUE)
    snapshot = await ledger.snapshot(LEAGUE, "2026-11-23")
    assert snapshot is not None
    assert (snapshot.rows, snapshot.seq) == ((), 2)
    assert await ledger.total(LEAGUE, "2026-11-23") == 0


# --- histories

actions = st.sampled_from(
    [
        QUIZ, PRIZE, FALL, NOTHING, GOAL, FOUL,
        Action(action_id="slow", points=2, cooldown_s=60),
        Action(action_id="capped", points=4, board="league", caps=Caps(minute=2, day=5)),
        Action(action_id="vast", points=SCORE_MAX // 2),
    ]
)  # fmt: skip
awards = st.builds(
    award,
    st.sampled_from([f"a{index}" for index in range(25)]),
    st.sampled_from(["u1", "u2", "u3", "u4"]),
    actions,
)
steps = st.tuples(
    st.sampled_from([0, 1, 30_000, 60_000, 5 * HOUR_MS, DAY_MS, -HOUR_MS]),
    st.lists(awards, max_size=8),
)


@settings(max_examples=40, phases=WITHOUT_SHRINKING)
@given(st.lists(steps, max_size=8))
def test_scores_are_the_sums_of_postings_after_any_history(
    open_ledger: OpenLedger, history: list[tuple[int, list[Award]]]
) -> None:
    async def live() -> None:
        clock = Clock()
        with tempfile.TemporaryDirectory() as home:
            async with open_ledger(Path(home), clock) as ledger:
                await put(ledger, LEAGUE)
                recorded: dict[str, Outcome] = {}
                for later_ms, group in history:
                    clock.now_ms += later_ms
                    for asked, outcome in zip(
                        group, await append(ledger, clock, *group), strict=True
                    ):
                        ensure_answer(asked, outcome, recorded)
                await ensure_sums(ledger)
                for award_id, outcome in recorded.items():
                    assert await ledger.posting(award_id) == posting_of(outcome)

    asyncio.run(live())


def ensure_answer(asked: Award, outcome: Outcome, recorded: dict[str, Outcome]) -> None:
    """An award is recorded once; later it is repeated, or a conflict, and nothing else."""
    first = recorded.get(asked.award_id)
    if first is None:
        assert not isinstance(outcome, Repeated)
        if isinstance(outcome, Recorded):
            assert outcome.posting.user_id == asked.user_id
            assert outcome.posting.action_id == asked.action.action_id
            recorded[asked.award_id] = outcome
        return
    posting = posting_of(first)
    same = (posting.user_id, posting.action_id) == (asked.user_id, asked.action.action_id)
    if same:
        assert outcome == Repeated(posting)
    else:
        assert isinstance(error_of(outcome), AwardConflict)


async def test_two_nodes_write_one_ledger_without_gaps_and_count_each_award_once(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path
) -> None:
    def node(name: str) -> list[Outcome]:
        return asyncio.run(write_groups(open_ledger, tmp_path, name))

    one, two = await asyncio.gather(asyncio.to_thread(node, "one"), asyncio.to_thread(node, "two"))
    postings = await ensure_sums(ledger)
    shared = [posting for posting in postings if posting.award_id.startswith("shared")]
    assert len(shared) == len({posting.award_id for posting in shared}) == 30
    answers = [*one, *two]
    assert sum(isinstance(answer, Recorded) for answer in answers) == len(postings) - 1 == 90
    assert sum(isinstance(answer, Repeated) for answer in answers) == 30


async def write_groups(open_ledger: OpenLedger, home: Path, name: str) -> list[Outcome]:
    clock, answers = Clock(), []
    async with open_ledger(home, clock) as own:
        for index in range(30):
            group = [award(f"shared{index}", "u1"), award(f"{name}{index}", "u2", PRIZE)]
            answers += await until_available(own, clock, group)
    return answers


async def until_available(ledger: Ledger, clock: Clock, group: list[Award]) -> tuple[Outcome, ...]:
    for _ in range(20):
        try:
            return await append(ledger, clock, *group)
        except Unavailable:
            continue
    pytest.fail("the ledger was never available")
