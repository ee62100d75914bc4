"""It is promised that the node that leads audits by itself, tells what it found, and goes on."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from scoreboard.adapters.keys import is_signature
from scoreboard.core.finding import Finding, Irregularity
from scoreboard.core.posting import Kind
from scoreboard.errors import Unavailable
from scoreboard.ports import Moderation
from scoreboard.service import auditor as module
from scoreboard.service.auditor import Auditor, PeriodicAudit
from scoreboard.service.leadership import Alone
from scoreboard.service.seal_check import SealCheck
from tests.contracts.material import QUIZ, append, award, put

SOON_S = 0.01


class Follower:
    """A node that does not lead, until it is told so; counts how often it was asked."""

    def __init__(self) -> None:
        self.now: int | None = None
        self.asked = 0

    @property
    def term(self) -> int | None:
        self.asked += 1
        return self.now


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REVIEW_EVERY_S", SOON_S)


@pytest.fixture
async def played(world: Any) -> Any:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("a1", "ada"), award("a2", "bob"))
    return world


@contextlib.asynccontextmanager
async def auditing(
    world: Any, leadership: Any = None, every_s: float = SOON_S
) -> AsyncIterator[None]:
    seals = SealCheck(world.ledger, None, is_signature)
    periodic = PeriodicAudit(
        Auditor(world.ledger, None, seals),
        world.ledger,
        leadership or Alone(),
        every_s=every_s,
        telemetry=world.telemetry,
    )
    task = asyncio.ensure_future(periodic.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def spike(user_ref: int) -> Finding:
    return Finding(
        irregularity=Irregularity.SPIKE, day=20_000, user_ref=user_ref, says="Much.", numbers={}
    )


def told(logs: list[Any], *events: str) -> Callable[[], bool]:
    return lambda: set(events) <= {entry["event"] for entry in logs}


async def test_what_adds_up_is_told_with_how_long_it_took(played: Any, until: Any) -> None:
    with capture_logs() as logs:
        async with auditing(played):
            await until(told(logs, "audit.finished"))
    entry = next(entry for entry in logs if entry["event"] == "audit.finished")
    assert (entry["seq"], entry["findings"]) == (3, 0)
    assert played.metric("scoreboard_audit_last_timestamp_seconds") > 0
    assert played.metric("scoreboard_audit_differences") == 0
    assert played.metric("scoreboard_audit_seal_faults") == 0


async def test_what_does_not_add_up_is_an_error_until_it_does(played: Any, until: Any) -> None:
    with sqlite3.connect(played.ledger._path) as db:
        db.execute("UPDATE scores SET score = score + 1")
    db.close()
    with capture_logs() as logs:
        async with auditing(played):
            await until(told(logs, "audit.differs"))
            assert played.metric("scoreboard_audit_differences") == 2
            with sqlite3.connect(played.ledger._path) as db:
                db.execute("UPDATE scores SET score = score - 1")
            db.close()
            await until(told(logs, "audit.finished"))
    assert played.metric("scoreboard_audit_differences") == 0


async def test_what_cannot_be_read_now_is_audited_later(
    played: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost() -> None:
        raise Unavailable

    monkeypatch.setattr(played.ledger, "spans", lost, raising=False)
    monkeypatch.setattr(played.ledger, "review", lost, raising=False)
    with capture_logs() as logs:
        async with auditing(played):
            await until(told(logs, "audit.failed"))
            assert played.metric("scoreboard_audit_last_timestamp_seconds") == 0
            monkeypatch.undo()
            await until(told(logs, "audit.finished"))
    assert {entry["code"] for entry in logs if entry["event"] == "audit.failed"} == {"unavailable"}


async def test_what_an_audit_cannot_make_sense_of_does_not_end_the_service(
    played: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nonsense() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(played.ledger, "spans", nonsense, raising=False)
    with capture_logs() as logs:
        async with auditing(played):
            await until(told(logs, "audit.failed"))
            monkeypatch.undo()
            await until(told(logs, "audit.finished"))


async def test_an_audit_that_failed_is_not_put_off_until_tomorrow(
    played: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost() -> None:
        raise Unavailable

    monkeypatch.setattr(module, "FIRST_AFTER_S", SOON_S)
    with capture_logs() as logs, monkeypatch.context() as patched:
        patched.setattr(played.ledger, "spans", lost, raising=False)
        async with auditing(played, every_s=86_400.0):
            await until(told(logs, "audit.failed"))
            patched.undo()
            await until(told(logs, "audit.finished"))


async def test_only_the_node_that_leads_looks(played: Any, until: Any) -> None:
    follower = Follower()
    await played.ledger.moderate(Moderation("ada", Kind.HOLD, "mo", "odd"))
    with capture_logs() as logs:
        async with auditing(played, follower):
            await until(lambda: follower.asked > 5)
            assert logs == []
            assert played.metric("scoreboard_users_held") == 0
            follower.now = 1
            await until(told(logs, "audit.finished"))
            await until(lambda: played.metric("scoreboard_users_held") == 1)


async def test_a_node_that_leads_no_more_tells_nothing_that_would_not_go_away(
    played: Any, until: Any
) -> None:
    leader = Follower()
    leader.now = 1
    with sqlite3.connect(played.ledger._path) as db:
        db.execute("UPDATE scores SET score = score + 1")
    db.close()
    await played.ledger.note_findings([spike(1)])
    await played.ledger.moderate(Moderation("ada", Kind.HOLD, "mo", "odd"))

    def told_of() -> list[float]:
        return [
            played.metric("scoreboard_audit_differences"),
            played.metric("scoreboard_users_held"),
            played.metric("scoreboard_findings_open", "spike"),
        ]

    async with auditing(played, leader):
        await until(lambda: all(told_of()))
        leader.now = None
        await until(lambda: not any(told_of()))
    assert played.metric("scoreboard_audit_last_timestamp_seconds") > 0


async def test_how_often_an_audit_is_due_is_told(played: Any) -> None:
    async with auditing(played, every_s=90.0):
        assert played.metric("scoreboard_audit_every_seconds") == 90


async def test_what_waits_for_review_is_counted_without_audits(played: Any, until: Any) -> None:
    await played.ledger.note_findings([spike(1), spike(2)])
    await played.ledger.moderate(Moderation("ada", Kind.HOLD, "mo", "odd"))
    with capture_logs() as logs:
        async with auditing(played, every_s=0):
            await until(lambda: played.metric("scoreboard_findings_open", "spike") == 2)
            assert played.metric("scoreboard_users_held") == 1
            await played.ledger.moderate(Moderation("ada", Kind.RELEASE, "mo", "a tournament"))
            await until(lambda: played.metric("scoreboard_findings_open", "spike") == 1)
            await until(lambda: played.metric("scoreboard_users_held") == 0)
    assert logs == []


async def test_the_first_audit_waits_until_a_start_is_over(
    played: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_AFTER_S", 3600.0)
    await played.ledger.note_findings([spike(1)])
    with capture_logs() as logs:
        async with auditing(played, every_s=86_400.0):
            await until(lambda: played.metric("scoreboard_findings_open", "spike") == 1)
            monkeypatch.setattr(module, "FIRST_AFTER_S", 0.0)
        async with auditing(played, every_s=86_400.0):
            await until(told(logs, "audit.finished"))
    assert [entry["event"] for entry in logs].count("audit.finished") == 1
