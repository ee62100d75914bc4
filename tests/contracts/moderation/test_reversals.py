"""What every ledger promises of awards that are taken back."""

import asyncio

import msgspec
import pytest

from scoreboard.core.action import Action
from scoreboard.core.award import Repeated
from scoreboard.core.posting import Kind
from scoreboard.core.reversal import AwardsBy, AwardsFor, AwardsOf, OneAward
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.errors import NotFound, ScoreLimit
from scoreboard.ports import Ledger, Reversal
from tests.contracts.material import (
    DAY_MS,
    FALL,
    GOAL,
    HOUR_MS,
    NOON,
    NOTHING,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    append,
    award,
    ensure_sums,
    posting_of,
    put,
)

from .conftest import LEAGUE_SPANS, moderate, score_of, signed, take_back


async def test_an_award_is_reversed_by_a_posting_with_its_points_negated(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1", "u1", GOAL))
    [made] = map(posting_of, await append(ledger, clock, award("a2", "u1", GOAL)))
    clock.now_ms += 40 * DAY_MS
    [posting] = await take_back(ledger, OneAward("a2"))
    assert (posting.kind, posting.points, posting.reverses) == (Kind.REVERSE, -3, made.seq)
    assert (posting.at, posting.counts_at) == (clock.now_ms, made.at)
    assert (posting.user_id, posting.board, posting.action_id) == ("u1", "league", "goal")
    assert (posting.score_after, posting.caller, posting.key) == (3, "mo", None)
    assert (await all_postings(ledger))[-1] == posting
    assert await ledger.posting(posting.award_id) == posting
    for span in LEAGUE_SPANS:
        assert await score_of(ledger, "u1", span) == Score("u1", 3, posting.seq, posting.at)
        assert await ledger.marked(*span) == (posting.seq, posting.at)
    assert await score_of(ledger, "u1", ("league", "2027-01")) is None
    await ensure_sums(ledger)


async def test_an_award_is_reversed_once_however_often_it_is_asked(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1"), award("a2"))
    asked = await asyncio.gather(*(take_back(ledger, OneAward("a1")) for _ in range(5)))
    assert len([postings for postings in asked if postings]) == 1
    assert await take_back(ledger, AwardsOf("u1", NOON)) != []
    head, record = await ledger.head(), await ledger.audit(None, 100)
    assert await take_back(ledger, AwardsOf("u1", NOON)) == []
    assert await take_back(ledger, OneAward("a2")) == []
    assert (await ledger.head(), await ledger.audit(None, 100)) == (head, record)
    [repeated] = await append(ledger, clock, award("a1"))
    assert isinstance(repeated, Repeated)
    assert repeated.posting.score_after == 5
    await ensure_sums(ledger)


async def test_what_is_no_award_is_not_reversed(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    [reversal] = await take_back(ledger, OneAward("a1"))
    hidden = await moderate(ledger, Kind.HIDE)
    assert hidden is not None
    for award_id in ("nothing", reversal.award_id, hidden.award_id):
        with pytest.raises(NotFound):
            await take_back(ledger, OneAward(award_id))
    with pytest.raises(NotFound):
        await take_back(ledger, AwardsOf("nobody", NOON))
    assert await take_back(ledger, AwardsBy("acme.unused", NOON)) == []


async def test_a_users_awards_since_a_moment_are_reversed_the_newest_first(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1"), award("b1", "u2"))
    clock.now_ms += HOUR_MS
    since = clock.now_ms
    await append(ledger, clock, award("a2", "u1", PRIZE), award("b2", "u2"))
    await append(ledger, clock, award("a3", "u1", FALL), award("a4", "u1", NOTHING))
    clock.now_ms += 1
    awards = await ledger.reversible(AwardsOf("u1", since))
    assert [posting.award_id for posting in awards] == ["a4", "a3", "a2"]
    taken = await take_back(ledger, AwardsOf("u1", since))
    assert [posting.points for posting in taken] == [0, 7, -12]
    assert [posting.score_after for posting in taken] == [10, 17, 5]
    assert await score_of(ledger, "u1") == Score("u1", 5, taken[-1].seq, clock.now_ms)
    assert await ledger.reversible(AwardsOf("u1", since)) == []
    await ensure_sums(ledger)


async def test_all_that_a_key_signed_is_reversed_in_several_calls(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, signed("old", "u1", "acme.one"))
    clock.now_ms += 1
    since = clock.now_ms
    for n in range(20):
        action = (QUIZ, GOAL, FALL)[n % 3]
        awards = (
            signed(f"s{n}", f"u{n % 4}", "acme.one", action),
            signed(f"t{n}", f"u{n % 4}", "acme.two", action),
            award(f"n{n}", f"u{n % 4}", action),
        )
        await append(ledger, clock, *awards)
    stolen = Reversal(AwardsBy("acme.one", since), "mo", "stolen")
    first = await ledger.reverse(stolen, None, 7)
    assert len(first.postings) == 7
    assert first.before is not None
    rest = await take_back(ledger, AwardsBy("acme.one", since), 7)
    assert len(rest) == 13
    postings = await ensure_sums(ledger)
    signed_by = {posting.seq: posting.key for posting in postings}
    reversed_ = [posting.reverses for posting in postings if posting.reverses is not None]
    assert len(reversed_) == len(set(reversed_)) == 20
    assert {signed_by[seq] for seq in reversed_} == {"acme.one"}
    [entry] = [entry for entry in await ledger.audit(None, 3) if entry.reason == "stolen"]
    assert (entry.operation, entry.subject, entry.caller) == ("award.reverse", "acme.one", "mo")
    assert msgspec.json.decode(entry.after or "")["awards"] == 7


async def test_all_of_an_action_is_reversed_in_several_calls(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("old"))
    clock.now_ms += 1
    since = clock.now_ms
    for n in range(12):
        await append(ledger, clock, award(f"q{n}", f"u{n % 4}"), award(f"g{n}", f"u{n % 4}", GOAL))
    await moderate(ledger, Kind.ERASE, "u3")
    quiz = AwardsFor("quiz", since)
    assert [each.award_id for each in await ledger.reversible(quiz, None, 3)] == ["q10", "q9", "q8"]
    taken = await take_back(ledger, quiz, 4)
    assert len(taken) == 9
    assert {posting.action_id for posting in taken} == {"quiz"}
    assert await take_back(ledger, quiz) == []
    assert await score_of(ledger, "u1") == Score("u1", 5, taken[-1].seq - 1, clock.now_ms)
    assert await take_back(ledger, AwardsFor("unknown", 0)) == []
    await ensure_sums(ledger)
    entry = (await ledger.audit(None, 1))[0]
    assert (entry.operation, entry.subject) == ("award.reverse", "quiz")


async def test_a_score_keeps_its_range(ledger: Ledger, clock: Clock) -> None:
    most = Action(action_id="most", points=SCORE_MAX)
    least = Action(action_id="least", points=-SCORE_MAX)
    await put(ledger, most, least)
    for name, action in (("a1", most), ("a2", least), ("a3", least)):
        await append(ledger, clock, award(name, "u1", action))
    head = await ledger.head()
    with pytest.raises(ScoreLimit):
        await take_back(ledger, OneAward("a1"))
    assert await ledger.head() == head
    taken = await take_back(ledger, AwardsOf("u1", NOON))
    assert [posting.score_after for posting in taken] == [0, SCORE_MAX, 0]
    await ensure_sums(ledger)
