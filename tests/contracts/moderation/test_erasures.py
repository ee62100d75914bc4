"""What every ledger promises of users who are forgotten."""

from pathlib import Path

import msgspec
import pytest

from scoreboard.core.posting import Kind
from scoreboard.core.reversal import AwardsBy, OneAward
from scoreboard.core.user import Status
from scoreboard.errors import NotFound
from scoreboard.ports import Ledger
from tests.contracts.conftest import OpenLedger
from tests.contracts.material import (
    GOAL,
    NOON,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    error_of,
    posting_of,
)

from .conftest import ALL, LEAGUE_SPANS, moderate, signed, take_back


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
