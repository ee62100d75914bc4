"""The outbox on disk: what was kept is there after anything, once, and not for everybody."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoreboard.client import OutboxFull, Pending, SqliteOutbox


def pending(number: int, **more: str) -> Pending:
    named = more or {"idempotency_key": f"key-{number:012d}"}
    return Pending(user_id=f"user-{number}", action_id="quiz", caller="c", **named)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[SqliteOutbox]:
    made = SqliteOutbox(tmp_path / "a" / "outbox", pending_max=3)
    yield made
    made.close()


def test_what_was_kept_is_there_in_order_when_it_is_opened_again(
    outbox: SqliteOutbox, tmp_path: Path
) -> None:
    kept = (pending(2), pending(1), pending(3, signature="key=a.b,ts=1"))
    for each in kept:
        outbox.keep(each)
    outbox.close()
    again = SqliteOutbox(tmp_path / "a" / "outbox")
    assert again.pending() == kept
    again.settle(kept[0].name)
    again.settle(kept[2].name)
    again.settle("never heard of")
    assert again.pending() == (kept[1],)
    again.close()


def test_it_says_when_it_is_full_and_a_repeat_takes_no_room(outbox: SqliteOutbox) -> None:
    for number in range(3):
        outbox.keep(pending(number))
    outbox.keep(pending(1))
    with pytest.raises(OutboxFull):
        outbox.keep(pending(4))
    outbox.settle(pending(0).name)
    outbox.keep(pending(4))
    assert [each.user_id for each in outbox.pending()] == ["user-1", "user-2", "user-4"]


def test_only_its_owner_may_read_it(outbox: SqliteOutbox, tmp_path: Path) -> None:
    outbox.keep(pending(1))
    folder = tmp_path / "a" / "outbox"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


PROCESS = """
import sys
from scoreboard.client import Pending, SqliteOutbox
outbox = SqliteOutbox(sys.argv[1])
for number in range(50):
    key = f"{sys.argv[2]}-{number:012d}"
    outbox.keep(Pending(user_id="u", action_id="quiz", caller="c", idempotency_key=key))
    if number % 2:
        outbox.settle(key)
"""


def test_processes_may_share_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    running = [subprocess.Popen([*command, name]) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    outbox = SqliteOutbox(tmp_path)
    assert len(outbox.pending()) == 50
    outbox.close()
