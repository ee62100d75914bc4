"""A history that does not add up, breaks off or comes too late changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from scoreboard.core.history import Person
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.errors import HistoryRefused, Misconfigured, Unavailable
from scoreboard.ports import Ledger, Opening, Part
from tests.contracts.material import (
    NOON,
    QUIZ,
    Clock,
    all_scores,
    append,
    award,
    ensure_sums,
    posting_of,
    put,
)
from tests.servers.postgres import PostgresServer

from .conftest import ADA, DEFAULT, LITTLE, TEN, crafted, line, paged, parts_of

WRONG: dict[str, tuple[list[Part], str]] = {
    "too few points": (
        crafted(DEFAULT, ADA, {("default", "all"): [Score("ada", 9, 3, NOON)]}, LITTLE),
        "board default, period all",
    ),
    "another user's points": (
        crafted(DEFAULT, ADA, {("default", "all"): [Score("eve", 10, 3, NOON)]}, LITTLE),
        "board default, period all",
    ),
    "another place": (
        crafted(DEFAULT, ADA, {("default", "all"): [Score("ada", 10, 2, NOON)]}, LITTLE),
        "board default, period all",
    ),
    "an award twice": (
        crafted(DEFAULT, ADA, TEN, [*LITTLE[:2], line(3, board="default", award_id="award-2")]),
        "award id twice",
    ),
    "an unknown user": (
        crafted(DEFAULT, [Person(2, "ada", b"salt", "active")], TEN, LITTLE),
        "user",
    ),
    "a gap": (crafted(DEFAULT, ADA, TEN, [LITTLE[0], LITTLE[2]]), "rule of the ledger"),
    "a number too great": (
        crafted(DEFAULT, ADA, TEN, [*LITTLE[:2], line(3, points=2**63, board="default")]),
        "rule of the ledger",
    ),
    "a score too great": (
        crafted(
            DEFAULT,
            ADA,
            TEN,
            [LITTLE[0], *(line(n, points=SCORE_MAX, user_ref=1, board="default") for n in (2, 3))],
        ),
        "rule of the ledger",
    ),
    "nothing at all": ([], "no history"),
}


@pytest.mark.parametrize(("parts", "says"), WRONG.values(), ids=WRONG.keys())
async def test_what_does_not_add_up_changes_nothing(
    ledger: Ledger, parts: list[Part], says: str
) -> None:
    before = await parts_of(ledger)
    with pytest.raises(HistoryRefused, match=says):
        await ledger.restore(paged(parts))
    assert await parts_of(ledger) == before
    await ledger.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
    assert await all_scores(ledger, ("default", "all")) == TEN["default", "all"]


class Torn(Exception):
    """The file ends in the middle."""


async def torn() -> AsyncIterator[Sequence[Part]]:
    async for page in paged(crafted(DEFAULT, ADA, TEN, LITTLE)):
        yield page
    raise Torn


async def test_a_history_that_breaks_off_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    before = await parts_of(ledger)
    with pytest.raises(Torn):
        await ledger.restore(torn())
    assert await parts_of(ledger) == before
    await put(ledger, QUIZ)
    posting_of((await append(ledger, clock, award("first")))[0])
    await ensure_sums(ledger)


async def test_a_restore_given_up_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[Sequence[Part]]:
        async for page in paged(crafted(DEFAULT, ADA, TEN, LITTLE)):
            yield page
        reached.set()
        await asyncio.Event().wait()

    before = await parts_of(ledger)
    task = asyncio.create_task(ledger.restore(endless()))
    async with asyncio.timeout(30):
        await reached.wait()
    assert await parts_of(ledger) == before
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await put(ledger, QUIZ)
    posting_of((await append(ledger, clock, award("first")))[0])


async def test_awards_are_refused_while_a_history_is_restored(ledger: Ledger, clock: Clock) -> None:
    async def slowly() -> AsyncIterator[Sequence[Part]]:
        async for page in paged(crafted(DEFAULT, ADA, TEN, LITTLE)):
            yield page
        with pytest.raises(Unavailable):
            await ledger.open_periods([Opening("default", "2026-11-23")])

    await ledger.restore(slowly())
    assert len(await ensure_sums(ledger)) == len(LITTLE)


async def test_a_ledger_with_a_history_keeps_it(ledger: Ledger, clock: Clock) -> None:
    changes: list[Callable[[], Any]] = [
        lambda: ledger.new_epoch("tester", "nothing but an audit entry"),
        lambda: put(ledger, QUIZ),
        lambda: append(ledger, clock, award("first")),
    ]
    for change in changes:
        await change()
        before = await parts_of(ledger)
        with pytest.raises(HistoryRefused, match="history already"):
            await ledger.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
        assert await parts_of(ledger) == before


async def test_a_role_that_may_not_rewrite_may_not_restore(
    postgres: PostgresServer, tmp_path: Path, clock: Clock
) -> None:
    from scoreboard.adapters.postgres import PostgresLedger  # noqa: PLC0415 - its driver may be missing

    role = f"keeper_{abs(hash(tmp_path)):x}"
    url = postgres.database_of(tmp_path)
    postgres.psql(f"CREATE ROLE {role} LOGIN")
    owned = await PostgresLedger.open(url, clock_ms=clock)
    await owned.grant(role)
    await owned.close()
    ledger = await PostgresLedger.open(postgres.url(url.rpartition("/")[2], role), clock_ms=clock)
    try:
        before = await parts_of(ledger)
        with pytest.raises(Misconfigured, match="name the owner"):
            await ledger.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
        with pytest.raises(Misconfigured, match="name the owner"):
            await ledger.new_epoch("tester", "why not")
        assert await parts_of(ledger) == before
    finally:
        await ledger.close()
        postgres.drop_databases()
        postgres.psql(f"DROP ROLE {role}")
