"""It is promised that the ledger tells what was shown at any of its places, and why a score is."""

import random

import pytest

from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind
from scoreboard.core.reversal import AwardsOf, OneAward
from scoreboard.core.score import Score
from scoreboard.core.standing import Row, Standing, ranked
from scoreboard.core.window import ALL, Period
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import Ledger, Moderation, Reversal

from .material import DEFAULT, FOUL, GOAL, HOUR_MS, LEAGUE, QUIZ, Clock, append, award, put

USERS = [f"u{number}" for number in range(7)]
KINDS = ("award",) * 8 + ("reverse", "hide", "ban", "release", "release")

Shown = tuple[tuple[Row, ...], dict[str, Standing]]


async def shown(ledger: Ledger, board: Board, period: Period) -> Shown:
    """What the ledger shows now."""
    page = await ledger.page(board, period.name, None, 50)
    assert page is not None
    standings = {}
    for row in page.rows:
        standing = await ledger.standing(board, period.name, row.user_id)
        assert standing is not None
        standings[row.user_id] = standing
    return page.rows, standings


async def moderate(ledger: Ledger, user_id: str, kind: Kind) -> None:
    await ledger.moderate(Moderation(user_id, kind, "tester", "for a test"))


async def happen(ledger: Ledger, clock: Clock, rng: random.Random, number: int) -> None:
    what, user_id = rng.choice(KINDS), rng.choice(USERS)
    clock.now_ms += rng.choice([0, 1, HOUR_MS, 5 * HOUR_MS])
    if what == "award":
        action = rng.choice([GOAL, GOAL, FOUL])
        await append(ledger, clock, award(f"award-{number}", user_id, action))
    elif await ledger.user(user_id):
        if what == "reverse":
            since = AwardsOf(user_id, clock.now_ms - 12 * HOUR_MS)
            await ledger.reverse(Reversal(since, "tester", "for a test"))
        else:
            await moderate(ledger, user_id, Kind(what))


@pytest.mark.parametrize("seed", range(2))
async def test_the_past_is_what_was_shown_then(ledger: Ledger, clock: Clock, seed: int) -> None:
    rng = random.Random(seed)
    boards = [Board(board="league", tie=tie, windows=LEAGUE.windows) for tie in Tie]
    await put(ledger, boards[0], GOAL, FOUL)
    was: dict[tuple[Tie, Period, int], Shown] = {}
    for number in range(60):
        await happen(ledger, clock, rng, number)
        head = await ledger.head()
        for board in boards:
            for period in board.periods_at(clock.now_ms)[:2]:
                was[board.tie, period, head.seq] = await shown(ledger, board, period)
    for board in boards:
        for (tie, period, seq), then in was.items():
            if tie is board.tie:
                await ensure_was(ledger, board, (period, seq), then)


async def ensure_was(ledger: Ledger, board: Board, where: tuple[Period, int], then: Shown) -> None:
    period, seq = where
    rows, standings = then
    scores = await ledger.top_at(board, period, seq, 50)
    assert ranked(scores, 0, board.tie, 0) == rows, seq
    assert await ledger.top_at(board, period, seq, 2) == scores[:2]
    for user_id in USERS:
        if user_id in standings:
            told = await ledger.standing_at(board, period, seq, user_id)
            assert told == standings[user_id], seq
        else:
            with pytest.raises(NotFound):
                await ledger.standing_at(board, period, seq, user_id)


async def test_a_moment_is_the_last_posting_up_to_it(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, QUIZ)
    began = (await ledger.head()).seq
    clock.now_ms += 10
    await append(ledger, clock, award("one"), award("two"))
    assert (await ledger.posting_at(clock.now_ms)).seq == began + 2
    assert (await ledger.posting_at(clock.now_ms + HOUR_MS)).seq == began + 2
    assert (await ledger.posting_at(clock.now_ms - 1)).seq == began
    with pytest.raises(NotFound):
        await ledger.posting_at(5)


async def test_what_would_take_too_many_postings_is_not_begun(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(ledger, QUIZ)
    await append(ledger, clock, award("one"), award("two"))
    head = await ledger.head()
    name = type(ledger).__module__.rsplit(".", 1)[0] + ".past"
    monkeypatch.setattr(f"{name}.PAST_MAX", 2)
    with pytest.raises(Unavailable):
        await ledger.top_at(DEFAULT, ALL, head.seq, 5)
    with pytest.raises(Unavailable):
        await ledger.standing_at(DEFAULT, ALL, head.seq, "u1")
    assert len(await ledger.top_at(DEFAULT, ALL, 2, 5)) == 1


async def test_an_account_adds_up_to_the_score_in_every_period(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL, FOUL, QUIZ)
    await append(ledger, clock, award("one", "u1", GOAL))
    clock.now_ms += 24 * HOUR_MS
    more = [award("two", "u1", GOAL), award("three", "u1", FOUL), award("four", "u2", GOAL)]
    await append(ledger, clock, *more, award("five"))
    await ledger.reverse(Reversal(OneAward("two"), "tester", "for a test"))
    await moderate(ledger, "u1", Kind.HIDE)
    every, today = LEAGUE.periods_at(clock.now_ms)[:2]
    whole = await ledger.account_of("league", every, "u1")
    assert whole.complete
    assert whole.score.score == 3 + 3 - 2 - 3
    head = await ledger.head()
    assert (whole.epoch, whole.seq) == (head.epoch, head.seq)
    goals, fouls = whole.actions
    assert (goals.action_id, goals.awards, goals.reversed, goals.points) == ("goal", 2, 1, 3)
    assert (fouls.action_id, fouls.awards, fouls.reversed, fouls.points) == ("foul", 1, 0, -2)
    assert (goals.first_at, goals.last_at) == (clock.now_ms - 24 * HOUR_MS, clock.now_ms)
    lately = await ledger.account_of("league", today, "u1")
    assert lately.complete
    assert [each.points for each in lately.actions] == [0, -2]
    assert isinstance(lately.score, Score)
    for nobody in ("u3", "nobody"):
        with pytest.raises(NotFound):
            await ledger.account_of("league", every, nobody)


async def test_an_account_of_too_many_postings_says_so(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(ledger, QUIZ)
    await append(ledger, clock, award("one"), award("two"), award("three"))
    name = type(ledger).__module__.rsplit(".", 1)[0] + ".past"
    monkeypatch.setattr(f"{name}.ACCOUNT_MAX", 2)
    account = await ledger.account_of("default", ALL, "u1")
    assert [each.awards for each in account.actions] == [2]
    assert not account.complete
