"""What every ledger lets moderators do: statuses, erasures and reversals."""

import asyncio
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Repeated
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.reversal import Awards, AwardsBy, AwardsOf, OneAward
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.user import Status
from scoreboard.errors import NotFound, ScoreLimit, UserSuspended
from scoreboard.ports import Ledger, Moderation, Reversal

from .conftest import OpenLedger
from .material import (
    DAY_MS,
    FALL,
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
    all_scores,
    append,
    award,
    ensure_sums,
    error_of,
    posting_of,
    put,
)

ALL = ("default", "all")
LEAGUE_SPANS = (
    ("league", "2026-11"),
    ("league", "2026-11-23"),
    ("league", "2026-W48"),
    ("league", "all"),
)


@pytest_asyncio.fixture(autouse=True)
async def catalogue(ledger: Ledger) -> None:
    await put(ledger, LEAGUE, QUIZ, PRIZE, FALL, NOTHING, GOAL, FOUL)


async def moderate(ledger: Ledger, kind: Kind, user_id: str = "u1") -> Posting | None:
    return await ledger.moderate(Moderation(user_id, kind, "mo", f"why {kind}"))


async def take_back(ledger: Ledger, awards: Awards, limit: int = 1_000) -> list[Posting]:
    postings: list[Posting] = []
    before: int | None = None
    while True:
        taken = await ledger.reverse(Reversal(awards, "mo", "why reverse"), before, limit)
        postings += taken.postings
        before = taken.before
        if before is None:
            return postings


async def score_of(ledger: Ledger, user_id: str, span: tuple[str, str] = ALL) -> Score | None:
    found = await ledger.scores_of(*span, [user_id])
    return found[0] if found else None


def signed(award_id: str, user_id: str, key: str, action: Action = QUIZ) -> Award:
    return Award(award_id=award_id, user_id=user_id, action=action, named=True, key=key)


# --- statuses


@pytest.mark.parametrize(
    ("kind", "status"),
    [(Kind.HOLD, Status.HELD), (Kind.HIDE, Status.HIDDEN), (Kind.BAN, Status.BANNED)],
)
async def test_a_status_is_a_posting_about_the_user(
    ledger: Ledger, clock: Clock, kind: Kind, status: Status
) -> None:
    [first] = map(posting_of, await append(ledger, clock, award("a1")))
    clock.now_ms += 7
    posting = await moderate(ledger, kind)
    assert posting is not None
    assert (posting.seq, posting.at, posting.kind) == (first.seq + 1, clock.now_ms, kind)
    assert (posting.board, posting.caller, posting.points) == ("default", "mo", 0)
    assert (posting.user_id, posting.user_ref) == ("u1", first.user_ref)
    assert await ledger.postings(first.seq, 10) == [posting]
    assert await ledger.posting(posting.award_id) == posting
    assert await ledger.status_of("u1") is status
    released = await moderate(ledger, Kind.RELEASE)
    assert released is not None
    assert await ledger.status_of("u1") is Status.ACTIVE
    assert await score_of(ledger, "u1") == Score("u1", 5, first.seq, first.at)


async def test_asking_for_what_is_records_nothing(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    await moderate(ledger, Kind.HIDE)
    head, record = await ledger.head(), await ledger.audit(None, 100)
    assert await moderate(ledger, Kind.HIDE) is None
    assert await ledger.head() == head
    assert await ledger.audit(None, 100) == record


async def test_of_many_who_ask_at_once_one_is_recorded(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    asked = await asyncio.gather(*(moderate(ledger, Kind.BAN) for _ in range(5)))
    assert len([posting for posting in asked if posting]) == 1
    assert len(await ledger.record_of("u1", None, 10)) == 1


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.RELEASE, Kind.ERASE])
async def test_nobody_is_moderated_who_is_not_known(ledger: Ledger, kind: Kind) -> None:
    head = await ledger.head()
    with pytest.raises(NotFound):
        await moderate(ledger, kind, "nobody")
    assert await ledger.head() == head
    assert await ledger.status_of("nobody") is Status.ACTIVE
    assert await ledger.user("nobody") is None


async def test_a_banned_user_gets_no_points_and_the_others_of_the_group_do(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1", "u1"), award("a2", "u2"))
    await moderate(ledger, Kind.BAN, "u1")
    refused, recorded = await append(ledger, clock, award("a3", "u1"), award("a4", "u2"))
    assert isinstance(error_of(refused), UserSuspended)
    assert posting_of(recorded).score_after == 10
    # A group without an ordinary award is judged another way.
    capped = Action(action_id="capped", points=1, cooldown_s=1)
    await put(ledger, capped)
    refused, recorded = await append(
        ledger, clock, award("a5", "u1", capped), award("a6", "u2", capped)
    )
    assert isinstance(error_of(refused), UserSuspended)
    assert posting_of(recorded).score_after == 11
    [repeated] = await append(ledger, clock, award("a1", "u1"))
    assert isinstance(repeated, Repeated)
    await moderate(ledger, Kind.RELEASE, "u1")
    [again] = await append(ledger, clock, award("a3", "u1"))
    assert posting_of(again).score_after == 10
    await ensure_sums(ledger)


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.HIDE])
async def test_scores_of_the_held_and_hidden_go_on_growing(
    ledger: Ledger, clock: Clock, kind: Kind
) -> None:
    await append(ledger, clock, award("a1"))
    await moderate(ledger, kind)
    [grown] = await append(ledger, clock, award("a2"))
    assert posting_of(grown).score_after == 10
    await ensure_sums(ledger)


async def test_who_is_not_active_is_listed_by_name_in_pages(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, *(award(f"a{n}", f"u{n}") for n in range(6)))
    for n, kind in enumerate([Kind.HOLD, Kind.HIDE, Kind.BAN, Kind.HOLD]):
        await moderate(ledger, kind, f"u{n}")
    await moderate(ledger, Kind.RELEASE, "u3")
    head = await ledger.head()
    first = await ledger.statuses(None, 2)
    assert (first.epoch, first.seq) == (head.epoch, head.seq)
    second = await ledger.statuses(first.users[-1].user_id, 2)
    listed = [(user.user_id, user.status) for page in (first, second) for user in page.users]
    assert listed == [("u0", Status.HELD), ("u1", Status.HIDDEN), ("u2", Status.BANNED)]
    assert await ledger.user("u0") == first.users[0]


async def test_every_top_in_which_the_user_has_a_score_is_marked(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1", "u1", GOAL), award("a2", "u2"))
    clock.now_ms += DAY_MS
    await append(ledger, clock, award("a3", "u1", GOAL))
    before = await ledger.marked(*ALL)
    posting = await moderate(ledger, Kind.HIDE)
    assert posting is not None
    for span in (*LEAGUE_SPANS, ("league", "2026-11-24")):
        assert await ledger.marked(*span) == (posting.seq, posting.at), span
    assert await ledger.marked(*ALL) == before


async def test_what_was_done_to_a_user_is_on_the_record(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2"))
    await moderate(ledger, Kind.HOLD)
    await moderate(ledger, Kind.BAN, "u2")
    await moderate(ledger, Kind.RELEASE)
    released, held = await ledger.record_of("u1", None, 10)
    assert (held.operation, held.subject, held.caller) == ("user.hold", "u1", "mo")
    assert (held.reason, held.before, held.after) == (
        "why hold",
        '{"status":"active"}',
        '{"status":"held"}',
    )
    assert released.operation == "user.release"
    assert await ledger.record_of("u1", released.entry, 10) == [held]
    newest = await ledger.audit(None, 3)
    assert [entry.subject for entry in newest] == ["u1", "u2", "u1"]
    assert await ledger.record_of("nobody", None, 10) == []


# --- scores in order


async def test_only_the_active_stand_in_order(ledger: Ledger, clock: Clock) -> None:
    for n, action in enumerate([QUIZ, PRIZE, QUIZ, QUIZ, FALL, PRIZE]):
        await append(ledger, clock, award(f"a{n}", f"u{n}", action))
    await moderate(ledger, Kind.HIDE, "u2")
    await moderate(ledger, Kind.BAN, "u5")
    names: list[str] = []
    after = None
    while page := await ledger.in_order(*ALL, after, 2):
        names += [score.user_id for score in page]
        after = page[-1].key()
    assert names == ["u1", "u0", "u3", "u4"]


# --- reversals


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


# --- erasures


async def test_an_erased_user_is_gone_and_the_ledger_stands(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u1", GOAL), award("b1", "u2"))
    await moderate(ledger, Kind.HIDE)
    before = await all_postings(ledger)
    clock.now_ms += 5
    posting = await moderate(ledger, Kind.ERASE)
    assert posting is not None
    assert (posting.kind, posting.user_id) == (Kind.ERASE, "u1")
    assert await ledger.user("u1") is None
    assert await ledger.postings_of("u1", None, 10) == []
    for span in (ALL, *LEAGUE_SPANS):
        assert "u1" not in {score.user_id for score in await all_scores(ledger, span)}
        assert await ledger.marked(*span) == (posting.seq, posting.at)
    after = await all_postings(ledger)
    nameless = [
        msgspec.structs.replace(each, user_id=None) if each.user_id == "u1" else each
        for each in before
    ]
    assert [each for each in after if each.kind is not Kind.BOARD][-1] == posting
    fresh = [await ledger.posting(each.award_id) for each in before]
    assert fresh == nameless
    with pytest.raises(NotFound):
        await moderate(ledger, Kind.ERASE)


async def test_a_node_tells_no_name_from_memory_that_another_node_erased(
    open_ledger: OpenLedger, ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    first, _ = await append(ledger, clock, award("a1"), award("a2", "u2"))
    before = posting_of(first).seq - 1
    assert [each.user_id for each in await ledger.postings(before, 10)] == ["u1", "u2"]
    async with open_ledger(tmp_path, clock) as another:
        erased = await moderate(another, Kind.ERASE)
    assert erased is not None
    # As whoever follows the ledger reads it.
    assert await ledger.postings(erased.seq - 1, 10) == [erased]
    assert [each.user_id for each in await ledger.postings(before, 2)] == [None, "u2"]


async def test_what_was_sealed_about_the_erased_stays_true(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2"))
    await moderate(ledger, Kind.HOLD)
    [taken] = await take_back(ledger, OneAward("a1"))
    before = await ledger.leaves(0, taken.seq)
    await moderate(ledger, Kind.ERASE)
    after = await ledger.leaves(0, 100)
    assert after[: taken.seq] == before
    assert len(after) == taken.seq + 1
    assert await ledger.salt(taken.user_ref or 0) is None


async def test_a_name_that_comes_again_is_somebody_new(ledger: Ledger, clock: Clock) -> None:
    [first] = map(posting_of, await append(ledger, clock, award("a1")))
    await moderate(ledger, Kind.BAN)
    await moderate(ledger, Kind.ERASE)
    [second] = map(posting_of, await append(ledger, clock, award("a2")))
    assert second.user_ref != first.user_ref
    assert second.score_after == 5
    assert await ledger.status_of("u1") is Status.ACTIVE
    assert [each.award_id for each in await ledger.postings_of("u1", None, 10)] == ["a2"]
    [refused] = await append(ledger, clock, award("a1"))
    error_of(refused)  # somebody else's award
    assert await ledger.record_of("u1", None, 10) == []
    told = [entry.subject for entry in await ledger.audit(None, 2)]
    assert told == [f"user:{first.user_ref}"] * 2


async def test_awards_of_the_erased_are_not_reversed(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, signed("a1", "u1", "acme.one"), signed("b1", "u2", "acme.one"))
    await moderate(ledger, Kind.ERASE)
    with pytest.raises(NotFound):
        await take_back(ledger, OneAward("a1"))
    [posting] = await take_back(ledger, AwardsBy("acme.one", NOON))
    assert posting.user_id == "u2"


async def test_the_name_is_told_until_rankings_have_removed_it(
    open_ledger: OpenLedger, ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2"))
    first, second = await moderate(ledger, Kind.ERASE), await moderate(ledger, Kind.ERASE, "u2")
    assert first is not None
    assert second is not None
    async with open_ledger(tmp_path, clock) as another:
        assert await another.postings(first.seq - 1, 10) == [first, second]
        await another.forget_erased(first.seq)
        await another.forget_erased(first.seq)
        told = await another.postings(first.seq - 1, 10)
        assert [posting.user_id for posting in told] == [None, "u2"]
        await another.forget_erased(second.seq)
        told = await another.postings(first.seq - 1, 10)
        assert [posting.user_id for posting in told] == [None, None]
