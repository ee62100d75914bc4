"""It is promised that a frozen board is what stood at the freeze, less those who are not shown."""

import random
from collections.abc import Sequence

import msgspec
import pytest

from scoreboard.adapters.memory import MemoryRanking
from scoreboard.core.action import Action
from scoreboard.core.board import Board, Freeze, Tie
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.reversal import AwardsOf, OneAward
from scoreboard.core.score import Score
from scoreboard.core.standing import placed_by_sorting
from scoreboard.core.user import Status
from scoreboard.core.window import ALL, Period
from scoreboard.errors import NotFound, OutOfPlace
from scoreboard.ports import Ledger, Moderation, Opening, Reversal
from scoreboard.service.frozen import FrozenBoard

from .material import (
    DAY_MS,
    DEFAULT,
    FOUL,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOON,
    NOTHING,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    append,
    award,
    put,
    sums,
    turn,
)

NULL = Action(action_id="null", points=0, board="league")
EARLY = [f"u{number}" for number in range(8)]
LATE = [*EARLY, "late1", "late2"]
KINDS = ("award",) * 9 + ("reverse", "reverse", "hide", "ban", "release", "release", "erase")


async def happen(ledger: Ledger, clock: Clock, rng: random.Random, users: Sequence[str]) -> None:
    what, user_id = rng.choice(KINDS), rng.choice(users)
    clock.now_ms += rng.choice([0, 1, 1, HOUR_MS])
    if what == "award":
        action = rng.choice([GOAL, GOAL, FOUL, NULL])
        await append(ledger, clock, award(f"award-{rng.random()}", user_id, action))
    elif await ledger.user(user_id):
        if what == "reverse":
            since = AwardsOf(user_id, clock.now_ms - 12 * HOUR_MS)
            await ledger.reverse(Reversal(since, "tester", "for a test"), limit=2)
        else:
            await moderate(ledger, user_id, Kind(what))


async def moderate(ledger: Ledger, user_id: str, kind: Kind) -> Posting | None:
    return await ledger.moderate(Moderation(user_id, kind, "tester", "for a test"))


async def freeze_of(ledger: Ledger) -> Freeze:
    head = await ledger.head()
    return Freeze(seq=head.seq, at=head.at, users=0)


async def frozen_board(ledger: Ledger, board: Board, freeze: Freeze) -> FrozenBoard:
    made = FrozenBoard(ledger, MemoryRanking(), board, freeze)
    await made.load()
    return made


async def stood(ledger: Ledger, seq: int) -> dict[tuple[str, str], dict[str, Score]]:
    """By adding up the postings of then."""
    postings = [each for each in await all_postings(ledger) if each.seq <= seq]
    return sums(postings, {"default": DEFAULT, "league": LEAGUE})


async def scores_at(ledger: Ledger, period: Period, seq: int, page: int) -> list[Score]:
    found: list[Score] = []
    while True:
        after = found[-1].user_id if found else None
        more = await ledger.scores_at("league", period, seq, after, page)
        found += more
        if len(more) < page:
            return found


@pytest.mark.parametrize("seed", range(3))
async def test_scores_are_told_as_of_any_seq(ledger: Ledger, clock: Clock, seed: int) -> None:
    rng = random.Random(seed)
    await put(ledger, LEAGUE, GOAL, FOUL, NULL)
    seen: list[tuple[int, Sequence[Period]]] = []
    for _ in range(70):
        await happen(ledger, clock, rng, LATE)
        seen.append(((await ledger.head()).seq, LEAGUE.periods_at(clock.now_ms)))
    for seq, periods in rng.sample(seen, 12):
        expected = await stood(ledger, seq)
        for period in periods:
            told = await scores_at(ledger, period, seq, rng.choice([1, 2, 50]))
            users = expected.get(("league", period.name), {})
            assert told == [users[user_id] for user_id in sorted(users)], (seq, period)


@pytest.mark.parametrize("tie", Tie)
async def test_a_frozen_board_is_what_stood_less_who_is_not_shown(
    ledger: Ledger, clock: Clock, tie: Tie
) -> None:
    rng = random.Random(tie)
    await put(ledger, LEAGUE, GOAL, FOUL, NULL)
    for _ in range(40):
        await happen(ledger, clock, rng, EARLY)
    freeze = await freeze_of(ledger)
    board = Board(board="league", tie=tie, windows=LEAGUE.windows, time_zone=LEAGUE.time_zone)
    followed = await frozen_board(ledger, board, freeze)
    for _ in range(40):
        await happen(ledger, clock, rng, LATE)
        await followed.follow()
    fresh = await frozen_board(ledger, board, freeze)
    before = await stood(ledger, freeze.seq)
    for period in board.periods_at(freeze.at):
        users = before[board.board, period.name]
        active = [each for each in users.values() if await is_active(ledger, each.user_id)]
        rows = placed_by_sorting(active, tie)
        for kept in (followed, fresh):
            page = await kept.ranking.page(board, period.name, None, 50)
            assert page is not None
            assert page.rows == rows
            for late in ("late1", "late2"):
                with pytest.raises(NotFound):
                    await kept.ranking.standing(board, period.name, late, own=True)
        await ensure_labels(ledger, (followed, fresh), board, period)


async def is_active(ledger: Ledger, user_id: str) -> bool:
    return await ledger.status_of(user_id) is Status.ACTIVE


async def ensure_labels(
    ledger: Ledger, kept: Sequence[FrozenBoard], board: Board, period: Period
) -> None:
    """A label is that of the freeze or of somebody's coming and going, never one of an award."""
    turns = {each.seq for each in await ledger.turns(0, (await ledger.head()).seq)}
    places = []
    for each in kept:
        top = await each.ranking.snapshot(board, period.name)
        page = await each.ranking.page(board, period.name, None, 2)
        assert top is not None
        assert page is not None
        assert {top.seq, page.seq} <= turns | {each.freeze.seq}
        assert min(top.seq, page.seq) >= each.freeze.seq
        places.append(top.seq)
    assert places[1] >= places[0]  # whoever loads it later knows of as much at least


async def test_the_name_of_who_was_erased_is_not_to_be_had_from_what_is_loaded_later(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, QUIZ, PRIZE)
    await append(ledger, clock, award("one", "u1"), award("two", "u2", PRIZE))
    freeze = await freeze_of(ledger)
    kept = await frozen_board(ledger, DEFAULT, freeze)
    erased = await moderate(ledger, "u2", Kind.ERASE)
    assert erased is not None
    assert [each.user_id for each in await ledger.turns(freeze.seq, erased.seq)] == ["u2"]
    await kept.follow()
    await ledger.forget_erased(erased.seq)
    late = await frozen_board(ledger, DEFAULT, freeze)
    assert [each.user_id for each in await ledger.turns(freeze.seq, erased.seq)] == [None]
    tops = [await each.ranking.snapshot(DEFAULT, "all") for each in (kept, late)]
    assert tops[0] == tops[1]
    assert tops[1] is not None
    assert (tops[1].seq, [row.user_id for row in tops[1].rows]) == (erased.seq, ["u1"])


async def test_who_missed_an_erasure_has_to_load_anew(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, QUIZ)
    await append(ledger, clock, award("one", "u1"), award("two", "u2"))
    kept = await frozen_board(ledger, DEFAULT, await freeze_of(ledger))
    erased = await moderate(ledger, "u2", Kind.ERASE)
    assert erased is not None
    await ledger.forget_erased(erased.seq)
    with pytest.raises(OutOfPlace):
        await kept.follow()


async def test_an_award_that_is_taken_back_later_still_counts(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, QUIZ, NOTHING)
    await append(ledger, clock, award("one", "u1"), award("none", "u2", NOTHING))
    freeze = await freeze_of(ledger)
    await ledger.reverse(Reversal(OneAward("one"), "tester", "for a test"))
    await append(ledger, clock, award("two", "u2"))
    assert await ledger.scores_at("default", ALL, freeze.seq, None, 5) == [
        Score("u1", 5, freeze.seq - 1, NOON),
        Score("u2", 0, freeze.seq, NOON),
    ]


async def test_a_period_that_begins_later_is_empty_once_it_was_opened(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL)
    await append(ledger, clock, award("one", "u1", GOAL))
    kept = await frozen_board(ledger, LEAGUE, await freeze_of(ledger))
    clock.now_ms += DAY_MS
    _, day, *_ = LEAGUE.periods_at(clock.now_ms)
    await append(ledger, clock, award("two", "u1", GOAL))
    with pytest.raises(NotFound):
        await kept.open(day)
    (opening,) = await ledger.open_periods([Opening("league", day.name)])
    for _ in range(2):
        await kept.open(day)
        top = await kept.ranking.snapshot(LEAGUE, day.name)
        assert top is not None
        assert (top.seq, top.rows) == (opening.seq, ())
        page = await kept.ranking.page(LEAGUE, day.name, None, 5)
        assert page is not None
        assert (page.seq, page.rows) == (opening.seq, ())
    await kept.follow()
    assert kept.place[1] == opening.seq


async def test_to_reveal_marks_what_has_ended_since_the_freeze(
    ledger: Ledger, clock: Clock
) -> None:
    """Else it would be told under a label that it had with other rows."""
    await put(ledger, LEAGUE, GOAL)
    days = [LEAGUE.periods_at(clock.now_ms + number * DAY_MS)[1].name for number in range(4)]
    for number in range(4):
        await append(ledger, clock, award(f"a{number}", "u1", GOAL))
        if number == 1:
            await turn(ledger, "league", frozen=True)
        if number < 3:
            clock.now_ms += DAY_MS
    await turn(ledger, "league", frozen=False)
    head = await ledger.head()
    marked = [(await ledger.marked("league", day))[0] == head.seq for day in days]
    assert marked == [False, True, True, True]


async def test_other_settings_behind_a_freeze_give_its_top_another_label(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL)
    await append(ledger, clock, award("a", "u1", GOAL))
    freeze = await turn(ledger, "league", frozen=True)
    assert freeze is not None
    board = (await ledger.catalogue()).boards["league"]
    kept = await frozen_board(ledger, board, freeze)
    await put(ledger, msgspec.structs.replace(board, tie=Tie.FIRST_REACHED))
    await put(ledger, msgspec.structs.replace(DEFAULT, title="another"))
    await kept.follow()
    for each in (kept, await frozen_board(ledger, board, freeze)):
        top = await each.ranking.snapshot(board, "all")
        assert top is not None
        assert top.seq == freeze.seq + 1
