"""What every ledger promises to nodes that share it: one leads, and followers find their place."""

import asyncio
from pathlib import Path

from scoreboard.ports import Ledger

from .conftest import OpenLedger
from .material import NOTHING, PRIZE, QUIZ, Clock, append, award, put

LEASE_MS = 5_000


async def lead(ledger: Ledger, holder: str) -> int:
    term = await ledger.lead(holder, LEASE_MS)
    assert term is not None
    return term


async def test_one_leads_until_its_lease_has_run_out(ledger: Ledger, clock: Clock) -> None:
    first = await lead(ledger, "one")
    assert first >= clock.now_ms
    assert await ledger.lead("two", LEASE_MS) is None
    clock.now_ms += LEASE_MS
    assert await ledger.lead("two", LEASE_MS) is None
    clock.now_ms += 1
    assert await lead(ledger, "two") > first
    assert await ledger.lead("one", LEASE_MS) is None


async def test_a_lease_renewed_in_time_keeps_its_term(ledger: Ledger, clock: Clock) -> None:
    terms = set()
    for _ in range(4):
        terms.add(await lead(ledger, "one"))
        clock.now_ms += LEASE_MS
    assert len(terms) == 1


async def test_whoever_slept_past_the_lease_leads_with_a_new_term(
    ledger: Ledger, clock: Clock
) -> None:
    first = await lead(ledger, "one")
    clock.now_ms += LEASE_MS + 1
    assert await lead(ledger, "one") > first


async def test_a_lease_given_up_is_free_at_once(ledger: Ledger) -> None:
    first = await lead(ledger, "one")
    await ledger.resign("two")
    assert await ledger.lead("two", LEASE_MS) is None
    await ledger.resign("one")
    assert await lead(ledger, "two") > first


async def test_of_many_who_ask_at_once_one_leads(
    open_ledger: OpenLedger, tmp_path: Path, clock: Clock
) -> None:
    async with open_ledger(tmp_path, clock) as here, open_ledger(tmp_path, clock) as there:
        asked = [
            node.lead(f"{name}{number}", LEASE_MS)
            for number in range(8)
            for name, node in (("here", here), ("there", there))
        ]
        terms = await asyncio.gather(*asked)
        assert len([term for term in terms if term is not None]) == 1


async def test_a_bookmark_only_moves_on(
    open_ledger: OpenLedger, tmp_path: Path, clock: Clock
) -> None:
    async with open_ledger(tmp_path, clock) as ledger:
        assert await ledger.bookmark("feed") == 0
        await ledger.move_bookmark("feed", 7)
        await ledger.move_bookmark("feed", 3)
        await ledger.move_bookmark("other", 1)
    async with open_ledger(tmp_path, clock) as again:
        assert await again.bookmark("feed") == 7
        assert await again.bookmark("other") == 1


async def test_the_scores_of_some_users_leave_out_who_has_none(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, QUIZ, PRIZE, NOTHING)
    await append(ledger, clock, award("1", "ada"), award("2", "ben", PRIZE), award("3", "cy"))
    await append(ledger, clock, award("4", "ada", PRIZE), award("5", "ben", NOTHING))
    found = await ledger.scores_of("default", "all", ["ben", "nobody", "ada"])
    assert sorted((each.user_id, each.score) for each in found) == [("ada", 17), ("ben", 12)]
    every = await ledger.scores("default", "all", None, 10)
    assert set(found) <= set(every)
    assert await ledger.scores_of("default", "2026-11-23", ["ada"]) == []
    assert await ledger.scores_of("default", "all", []) == []
