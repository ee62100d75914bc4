"""It is promised that an audit finds what does not add up and who is irregular, twice the same."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from scoreboard.adapters.keys import is_signature
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.action import Action
from scoreboard.core.activity import HOUR_MS
from scoreboard.core.board import Board
from scoreboard.core.finding import Finding, Irregularity, Noted
from scoreboard.core.posting import Kind
from scoreboard.core.rule import Caps
from scoreboard.core.user import Status
from scoreboard.errors import Unavailable
from scoreboard.ports import Change, Moderation, Queue
from scoreboard.service.auditor import Auditor
from scoreboard.service.irregularities import Irregularities
from scoreboard.service.seal_check import SealCheck
from tests.contracts.material import QUIZ, Clock, append, award, put

START = 1_793_491_200_000  # 2026-11-01T00:00:00Z


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest_asyncio.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteLedger]:
    opened = await SqliteLedger.open(tmp_path / "scoreboard.db", clock_ms=clock)
    await put(opened, QUIZ)
    yield opened
    await opened.close()


async def lived(
    ledger: SqliteLedger, clock: Clock, counts: Sequence[int], user: str = "u1"
) -> None:
    """Two hours apart, so many awards each, within a minute."""
    for count in counts:
        clock.now_ms += 2 * HOUR_MS
        names = (f"{user}-{clock.now_ms}-{number}" for number in range(count))
        await append(ledger, clock, *(award(name, user) for name in names))


async def spiked(ledger: SqliteLedger, clock: Clock) -> None:
    await lived(ledger, clock, [2, 3] * 15 + [90])
    clock.now_ms += 2 * HOUR_MS


async def tampered(ledger: SqliteLedger, statement: str) -> None:
    with sqlite3.connect(ledger._path) as db:
        db.execute(statement)
    db.close()


def auditor_of(ledger: SqliteLedger, *, holds: bool = False) -> Auditor:
    return Auditor(ledger, None, SealCheck(ledger, None, is_signature), holds=holds)


def irregular(findings: Sequence[Finding]) -> list[Irregularity]:
    return [finding.irregularity for finding in findings]


async def test_an_audit_that_is_run_twice_finds_the_same_and_stores_it_once(
    ledger: SqliteLedger, clock: Clock
) -> None:
    await spiked(ledger, clock)
    await lived(ledger, clock, [1], "u2")
    first, second = await auditor_of(ledger).audit(), await auditor_of(ledger).audit()
    assert irregular(first.findings) == [Irregularity.SPIKE]
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    (noted,) = await ledger.findings(None, 10)
    assert (noted.user_id, noted.is_open, noted.finding) == ("u1", True, first.findings[0])
    assert "90 awards in an hour" in noted.finding.says
    assert first.right
    assert first.ranking is None


async def test_a_summary_that_was_kept_is_what_a_new_one_would_be(
    ledger: SqliteLedger, clock: Clock
) -> None:
    whole = Action(action_id="quiz", points=5, caps=Caps(hour=50))
    caps = {"quiz": whole.caps}
    irregularities = Irregularities(ledger)
    for counts in ([2, 3] * 9, [2, 3, 1], [2, 90, 60, 1]):
        await lived(ledger, clock, counts)
        await irregularities.summarise(await ledger.head(), caps, lambda _, __: None)
    kept = list(await ledger.activities((0, 0), 0, 1_000))
    await ledger.forget_activities(2**30)
    # Other caps, another bookmark: everything is told again.
    other = {**caps, "other": Caps(hour=9)}
    await irregularities.summarise(await ledger.head(), other, lambda _, __: None)
    assert list(await ledger.activities((0, 0), 0, 1_000)) == kept
    assert sum(row.awards for row in kept) == 45 + 6 + 152
    assert sum(row.capped for row in kept) == 2


async def test_the_hour_under_way_is_not_judged(ledger: SqliteLedger, clock: Clock) -> None:
    await lived(ledger, clock, [2, 3] * 15 + [90])
    assert (await auditor_of(ledger).audit()).findings == ()
    clock.now_ms += HOUR_MS
    await append(ledger, clock, award("later", "u2"))
    assert len((await auditor_of(ledger).audit()).findings) == 1


async def test_nobody_is_held_unless_it_is_configured(ledger: SqliteLedger, clock: Clock) -> None:
    await spiked(ledger, clock)
    await lived(ledger, clock, [1], "u2")
    await auditor_of(ledger).audit()
    assert await ledger.status_of("u1") is Status.ACTIVE


async def test_a_held_user_stays_in_the_queue_until_somebody_has_looked(
    ledger: SqliteLedger, clock: Clock
) -> None:
    await spiked(ledger, clock)
    await lived(ledger, clock, [1], "u2")
    auditor = auditor_of(ledger, holds=True)
    await auditor.audit()
    assert await ledger.status_of("u1") is Status.HELD
    queue = await ledger.review()
    assert (queue.held, queue.open[Irregularity.SPIKE]) == (1, 1)
    (entry,) = await ledger.record_of("u1", None, 10)
    assert "90 awards in an hour" in entry.reason
    await ledger.moderate(Moderation("u1", Kind.RELEASE, "mo", "it was a tournament"))
    await auditor.audit()
    assert await ledger.status_of("u1") is Status.ACTIVE
    queue = await ledger.review()
    assert (queue.held, queue.open[Irregularity.SPIKE]) == (0, 0)
    assert [noted.is_open for noted in await ledger.findings(None, 10)] == [False]


async def test_a_hold_that_failed_is_made_by_the_next_audit(
    ledger: SqliteLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await spiked(ledger, clock)
    await lived(ledger, clock, [1], "u2")

    async def lost(_: Moderation) -> None:
        raise Unavailable

    monkeypatch.setattr(ledger, "moderate", lost)
    with pytest.raises(Unavailable):
        await auditor_of(ledger, holds=True).audit()
    monkeypatch.undo()
    await auditor_of(ledger, holds=True).audit()
    assert await ledger.status_of("u1") is Status.HELD


@pytest.mark.parametrize("decision", [Kind.BAN, Kind.ERASE])
async def test_a_hold_undoes_no_decision_that_was_taken_meanwhile(
    ledger: SqliteLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch, decision: Kind
) -> None:
    """Whoever is held gets points, and a banned user does not."""
    await spiked(ledger, clock)
    await lived(ledger, clock, [1], "u2")
    findings = ledger.findings

    async def then_somebody_decides(before: int | None, limit: int) -> Sequence[Noted]:
        found = await findings(before, limit)
        monkeypatch.undo()
        await ledger.moderate(Moderation("u1", decision, "mo", "a robot"))
        return found

    monkeypatch.setattr(ledger, "findings", then_somebody_decides)
    await auditor_of(ledger, holds=True).audit()
    assert await ledger.review() == Queue(dict.fromkeys(Irregularity, 0), 0)
    known = await ledger.user("u1")
    assert known is None if decision is Kind.ERASE else known.status is Status.BANNED


async def test_a_board_that_is_made_during_an_audit_is_not_strange(
    ledger: SqliteLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(ledger, clock, award("one"))
    spans = ledger.spans

    async def after_a_new_one() -> Sequence[tuple[str, str]]:
        await put(ledger, Board(board="cup"))
        return await spans()

    monkeypatch.setattr(ledger, "spans", after_a_new_one)
    audit = await auditor_of(ledger).audit()
    assert audit.right
    assert audit.sums.strange == ()


async def test_an_erased_user_has_no_name_in_a_finding(ledger: SqliteLedger, clock: Clock) -> None:
    await spiked(ledger, clock)
    await lived(ledger, clock, [1], "u2")
    await auditor_of(ledger).audit()
    await ledger.moderate(Moderation("u1", Kind.ERASE, "mo", "asked for it"))
    (noted,) = await ledger.findings(None, 10)
    assert (noted.user_id, noted.is_open) == (None, False)
    assert "u1" not in noted.finding.says


@pytest.mark.parametrize(
    ("statement", "score", "total"),
    [
        ("UPDATE scores SET score = score + 1 WHERE user_id = 'u1'", 11, 10),
        ("DELETE FROM scores WHERE user_id = 'u1'", None, 10),
    ],
)
async def test_a_score_that_is_not_the_sum_is_named(
    ledger: SqliteLedger, clock: Clock, statement: str, score: int | None, total: int
) -> None:
    await lived(ledger, clock, [2])
    await lived(ledger, clock, [3], "u2")
    await tampered(ledger, statement)
    audit = await auditor_of(ledger).audit()
    (wrong,) = audit.sums.differences
    assert (wrong.user_id, wrong.period, wrong.score, wrong.sum) == ("u1", "all", score, total)
    assert not audit.right


async def test_scores_without_postings_are_named(ledger: SqliteLedger, clock: Clock) -> None:
    await lived(ledger, clock, [2])
    await tampered(ledger, "INSERT INTO scores VALUES ('default', 'all', 'ghost', 7, 1, 1)")
    await tampered(ledger, "INSERT INTO scores VALUES ('default', '2026-11-01', 'u1', 7, 1, 1)")
    await tampered(ledger, "INSERT INTO scores VALUES ('none', 'all', 'u1', 7, 1, 1)")
    sums = (await auditor_of(ledger).audit()).sums
    assert [(wrong.user_id, wrong.score, wrong.sum) for wrong in sums.differences] == [
        ("ghost", 7, None)
    ]
    assert set(sums.strange) == {("default", "2026-11-01"), ("none", "all")}
    assert not sums.right


async def test_a_period_whose_scores_are_all_gone_is_missed(
    ledger: SqliteLedger, clock: Clock
) -> None:
    board = (await ledger.catalogue()).boards["default"]
    await ledger.change(Change(msgspec.structs.replace(board, windows=("all", "day")), "mo", "why"))
    for _ in range(3):
        await lived(ledger, clock, [1] * 12)
    await tampered(ledger, "DELETE FROM scores WHERE period = '2026-11-02'")
    await tampered(ledger, "DELETE FROM periods WHERE period = '2026-11-02'")
    (wrong,) = (await auditor_of(ledger).audit()).sums.differences
    assert (wrong.period, wrong.score, wrong.sum) == ("2026-11-02", None, 60)
