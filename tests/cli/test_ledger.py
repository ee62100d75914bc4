"""It is promised that the commands move a ledger whole, say what they did, and leave no halves."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.test_commands import DEADLINE_S, ok, refused, scoreboard
from tests.servers.postgres import PostgresServer, postgres, postgres_programs

__all__ = ["postgres", "postgres_programs"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with a ledger in it."""
    ok(tmp_path, "board", "set", "race", "--windows", "day")
    for number in range(3):
        ok(tmp_path, "action", "set", f"quiz-{number}", "5")
    return tmp_path


def new(folder: Path) -> Path:
    made = folder / "new"
    made.mkdir()
    return made


def head(folder: Path) -> tuple[int, int]:
    db = sqlite3.connect(folder / "scoreboard-data" / "scoreboard.db")
    found: tuple[int, int] = db.execute("SELECT epoch, seq FROM ledger_head").fetchone()
    db.close()
    return found


def took_over(target: Path, old: Path) -> bool:
    """The same postings, under an epoch that whoever saw the target begin takes notice of."""
    (new_epoch, new_seq), (epoch, seq) = head(target), head(old)
    return new_seq == seq and new_epoch > epoch


@pytest.mark.parametrize("name", ["history.jsonl", "history.jsonl.gz"])
def test_a_ledger_goes_through_a_file(old: Path, name: str) -> None:
    file = old / name
    written = json.loads(ok(old, "ledger", "export", name, "--json"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert (written["file"], written["counts"]["actions"]) == (name, 3)
    assert file.read_bytes().startswith(b"\x1f\x8b" if name.endswith(".gz") else b'{"header"')
    target = new(old)
    said = ok(target, "ledger", "import", str(file))
    assert "All scores are the same" in said
    assert f"epoch {head(target)[0]}," in said
    assert "SECRET_FILE" in said
    assert head(old) == (written["epoch"], written["seq"])
    assert took_over(target, old)
    ok(target, "rebuild")
    assert "history already" in refused(target, "ledger", "import", str(file))
    assert sorted(path.name for path in old.iterdir() if "history" in path.name) == [name]


def test_a_ledger_goes_through_a_pipe(old: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scoreboard", "ledger", "export", "-"],
        cwd=old,
        capture_output=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert b"exported to" in done.stderr
    target = new(old)
    subprocess.run(
        [sys.executable, "-m", "scoreboard", "ledger", "import", "-"],
        cwd=target,
        input=gzip.compress(done.stdout),
        capture_output=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert took_over(target, old)


def test_a_file_is_replaced_only_when_asked(old: Path) -> None:
    file = old / "history"
    file.write_text("precious")
    assert "--force" in refused(old, "ledger", "export", "history")
    assert file.read_text() == "precious"
    ok(old, "ledger", "export", "history", "--force")
    assert file.read_text().startswith('{"header"')


def test_what_cannot_be_written_leaves_nothing(old: Path) -> None:
    assert "cannot be written" in refused(old, "ledger", "export", "nowhere/history")
    assert "cannot be written" in refused(old, "ledger", "export", "/dev/null/history")
    (old / "folder").mkdir()
    assert "exists already" in refused(old, "ledger", "export", "folder")
    refused(old, "ledger", "export", "folder", "--force")
    assert not [path for path in old.rglob(".*") if path.name.endswith(".part")]


def test_a_damaged_file_is_refused_and_nothing_imported(old: Path) -> None:
    ok(old, "ledger", "export", "history.gz")
    packed = (old / "history.gz").read_bytes()
    target = new(old)
    (target / "cut.gz").write_bytes(packed[: len(packed) // 2])
    (target / "torn.gz").write_bytes(packed[:200] + bytes(50) + packed[250:])
    (target / "bad").write_bytes(gzip.decompress(packed).replace(b'"points":5', b'"points":6', 1))
    (target / "junk").write_bytes(b"\x1f\x8bjunk")
    assert "cannot be read" in refused(target, "ledger", "import", "none")
    refused(target, "ledger", "import", "cut.gz")
    assert "cannot be read" in refused(target, "ledger", "import", "torn.gz")
    refused(target, "ledger", "import", "junk")
    assert "SHA-256" in refused(target, "ledger", "import", "bad")
    assert head(target)[1] == 1
    ok(target, "ledger", "import", str(old / "history.gz"))
    assert took_over(target, old)


def test_an_import_that_is_killed_leaves_an_empty_ledger(old: Path) -> None:
    ok(old, "ledger", "export", "history")
    lines = (old / "history").read_bytes().splitlines(keepends=True)
    target = new(old)
    ok(target, "migrate")
    before = head(target)
    command = [sys.executable, "-m", "scoreboard", "ledger", "import", "-"]
    with subprocess.Popen(command, cwd=target, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"".join(lines[:-1]))
        process.stdin.flush()
        deadline = time.monotonic() + DEADLINE_S
        while not is_being_written(target):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    assert head(target) == before
    ok(target, "ledger", "import", str(old / "history"))
    assert took_over(target, old)


def is_being_written(folder: Path) -> bool:
    db = sqlite3.connect(folder / "scoreboard-data" / "scoreboard.db", timeout=0)
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    finally:
        db.close()
    return False


def test_a_new_epoch_asks_why(old: Path) -> None:
    epoch, seq = head(old)
    assert "--reason" in refused(old, "ledger", "new-epoch", code=2)
    assert "Say why" in refused(old, "ledger", "new-epoch", "--reason", " ")
    assert head(old) == (epoch, seq)
    answer = json.loads(ok(old, "ledger", "new-epoch", "--reason", "restored", "--json"))
    assert answer["epoch"] > epoch
    assert (answer["epoch"], answer["seq"]) == head(old)
    assert head(old)[1] == seq
    assert f"{seq + 1:,}" in ok(old, "ledger", "new-epoch", "--reason", "again")


def test_a_checkpoint_of_an_earlier_epoch_is_left_out_aloud(old: Path) -> None:
    root = "A" * 43 + "="
    note = f"scoreboard/1\n9\n{root}\nepoch 1\ntime 1\n\n"
    (old / "scoreboard-data" / "checkpoint").write_text(note)
    done = scoreboard(old, "ledger", "verify")
    assert done.returncode == 0
    assert "is of epoch 1, before that of the ledger, and is not compared" in done.stderr
    file = str(old / "scoreboard-data" / "checkpoint")
    assert (
        "kept checkpoint are missing"
        in scoreboard(old, "ledger", "verify", "--checkpoint", file).stdout
    )


def test_sqlite_has_no_roles(old: Path) -> None:
    assert "SQLite has no roles" in refused(old, "migrate", "--grant", "service")


def test_a_file_becomes_a_server_and_a_file_again(
    old: Path, postgres: PostgresServer, tmp_path: Path
) -> None:
    role = f"service_{os.getpid()}"
    postgres.psql(f"CREATE ROLE {role} LOGIN")
    url = postgres.clone(f"moved_{os.getpid()}", "template0")
    owner = {"SCOREBOARD_LEDGER": url}
    service = {"SCOREBOARD_LEDGER": postgres.url(url.rpartition("/")[2], role)}
    ok(old, "ledger", "export", "there.gz")
    assert "scoreboard migrate" in refused(old, "ledger", "import", "there.gz", **owner)
    assert role in ok(old, "migrate", "--grant", role, **owner)
    assert "name the owner" in refused(old, "ledger", "import", "there.gz", **service)
    ok(old, "ledger", "import", "there.gz", **owner)
    ok(old, "rebuild", **service)
    ok(old, "ledger", "export", "back", **service)
    _, *back, _ = (old / "back").read_bytes().splitlines()
    _, *there, _ = gzip.decompress((old / "there.gz").read_bytes()).splitlines()
    assert back == there
    assert "name the owner" in refused(old, "ledger", "new-epoch", "--reason", "x", **service)
    ok(old, "ledger", "new-epoch", "--reason", "x", **owner)
    assert "cannot be granted" in refused(old, "migrate", "--grant", "nobody_at_all", **owner)
    missing = scoreboard(old, "check", **owner)
    assert "postgres" in missing.stdout
    postgres.drop_databases()
    postgres.psql(f"DROP ROLE {role}")
