"""What somebody who audits at a terminal reads, and what a script can rely on."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from tests.contracts.material import HOUR_MS, QUIZ, Clock, append, award, put
from tests.contracts.tampering import seal

from .test_commands import ok, refused, scoreboard

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


def test_who_stands_against_the_ledger_and_what_has_no_record_is_named(folder: Path) -> None:
    for user, verb in (("ada", "ban"), ("bob", "hide")):
        ok(folder, "user", verb, user, "--reason", "a test")
    said = " ".join(ok(folder, "audit").split())
    assert "2 users whom moderators decided about stand as the ledger says" in said
    with closing(sqlite3.connect(folder / "scoreboard-data" / "scoreboard.db")) as db, db:
        db.execute("UPDATE users SET status = 'active' WHERE user_id = 'ada'")
        db.execute("DROP TRIGGER audit_is_never_deleted")
        db.execute("DELETE FROM audit WHERE operation = 'user.hide'")
    wrong = refused_after_words(folder)
    assert "ada: the user is active, the ledger says banned" in wrong
    assert "bob: 1 decision in the ledger, 0 on the record of changes" in wrong
    assert "Not everything adds up" in wrong


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


def test_a_finding_is_dismissed_with_a_reason(folder: Path) -> None:
    (finding,) = json.loads(ok(folder, "audit", "--json"))["findings"]
    entry = str(finding["entry"])
    why = ("--reason", "a tournament")
    assert "--reason is 1 to 500 characters" in refused(folder, "audit", "--dismiss", entry)
    for other in ("99", "0", str(2**63)):
        said = refused(folder, "audit", "--dismiss", other, *why)
        assert f"There is no finding {other}: `" in said
    said = ok(folder, "audit", "--dismiss", entry, *why)
    assert said == f"Finding {entry} (spike) about ada is closed.\n"
    again = json.loads(ok(folder, "audit", "--dismiss", entry, *why, "--json"))
    assert (again["entry"], again["user_id"], again["open"]) == (int(entry), "ada", False)
    assert "No finding is open." in ok(folder, "audit")
    assert "a tournament" in ok(folder, "user", "show", "ada")


def test_what_was_sealed_is_compared_and_what_was_changed_is_named(folder: Path) -> None:
    data = folder / "scoreboard-data"

    async def sealed() -> None:
        clock = Clock(START + 70 * HOUR_MS)
        ledger = await SqliteLedger.open(data / "scoreboard.db", clock_ms=clock)
        await seal(ledger, clock, data)
        await ledger.close()

    assert "No checkpoint was signed yet" in ok(folder, "audit")
    asyncio.run(sealed())
    said = " ".join(ok(folder, "audit").split())
    assert "The first 167 postings are sealed as of 2026-11-03T22:00:00.000Z; 167 of them" in said
    with closing(sqlite3.connect(data / "scoreboard.db")) as db, db:
        db.execute("DROP TRIGGER ledger_is_never_updated")
        db.execute("UPDATE ledger SET caller = 'somebody' WHERE seq = 100")
    wrong = refused_after_words(folder)
    assert "Posting 100 or its hash in the tiles is not the one that was sealed." in wrong
    assert "`scoreboard ledger verify` looks at everything." in wrong
    assert json.loads(scoreboard(folder, "audit", "--json").stdout)["seals"]["first_bad_seq"] == 100
