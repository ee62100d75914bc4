"""What somebody who audits at a terminal reads, and what a script can rely on."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from tests.contracts.material import HOUR_MS, QUIZ, Clock, append, award, put

from .test_commands import ok, scoreboard

START = 1_793_491_200_000  # 2026-11-01T00:00:00Z


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger in which one user had a spike, and another a single award since."""
    data = tmp_path / "scoreboard-data"
    data.mkdir(mode=0o700)

    async def fill() -> None:
        clock = Clock(START)
        ledger = await SqliteLedger.open(data / "scoreboard.db", clock_ms=clock)
        await put(ledger, QUIZ)
        for hour, count in enumerate([2, 3] * 15 + [90]):
            clock.now_ms += 2 * HOUR_MS
            await append(ledger, clock, *(award(f"{hour}-{n}", "ada") for n in range(count)))
        clock.now_ms += 2 * HOUR_MS
        await append(ledger, clock, award("last", "bob"))
        await ledger.close()

    asyncio.run(fill())
    return tmp_path


def test_findings_are_told_listed_and_read_by_machines(folder: Path) -> None:
    assert "No finding is open." in ok(folder, "audit", "--list")
    # The first audit is the one that has something new to tell: nothing but JSON is on stdout.
    told = json.loads(ok(folder, "audit", "--json"))
    assert (told["right"], told["scores"], told["ranking"]) == (True, 2, None)
    (finding,) = told["findings"]
    assert (finding["irregularity"], finding["user_id"]) == ("spike", "ada")
    assert json.loads(ok(folder, "audit", "--list", "--json")) == [finding]
    said = " ".join(ok(folder, "audit").split())
    assert "All 2 scores in 1 period are the sums of their postings" in said
    assert "90 awards in an hour" in said


def test_a_score_that_was_changed_is_named_and_fails(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "scoreboard-data" / "scoreboard.db")) as db, db:
        db.execute("UPDATE scores SET score = 1 WHERE user_id = 'bob'")
    wrong = refused_after_words(folder)
    assert "default all bob: the score is 1, the ledger says 5" in wrong
    assert "Not everything adds up" in wrong


def refused_after_words(folder: Path) -> str:
    done = scoreboard(folder, "audit")
    assert done.returncode == 1
    return " ".join(done.stderr.split())
