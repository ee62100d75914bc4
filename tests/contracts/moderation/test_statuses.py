"""What every ledger promises of users who are held, hidden, banned and released."""

import asyncio

import pytest

from scoreboard.core.action import Action
from scoreboard.core.award import Repeated
from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.core.user import Status
from scoreboard.errors import NotFound, UserSuspended
from scoreboard.ports import Ledger, Moderation
from tests.contracts.material import (
    DAY_MS,
    FALL,
    GOAL,
    PRIZE,
    QUIZ,
    Clock,
    append,
    award,
    ensure_sums,
    error_of,
    posting_of,
    put,
)

from .conftest import ALL, LEAGUE_SPANS, moderate, score_of


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


async def test_what_is_meant_for_active_users_undoes_no_decision(
    ledger: Ledger, clock: Clock
) -> None:
    hold = Moderation("u1", Kind.HOLD, "mo", "irregular", only_from=Status.ACTIVE)
    await append(ledger, clock, award("a1"))
    await moderate(ledger, Kind.BAN)
    head, record = await ledger.head(), await ledger.audit(None, 100)
    assert await ledger.moderate(hold) is None
    assert await ledger.status_of("u1") is Status.BANNED
    assert (await ledger.head(), await ledger.audit(None, 100)) == (head, record)
    await moderate(ledger, Kind.RELEASE)
    assert await ledger.moderate(hold) is not None
    assert await ledger.status_of("u1") is Status.HELD


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
