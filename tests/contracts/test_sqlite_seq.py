"""The last posting before a moment, found by halving."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.adapters.sqlite.file import SQL, connect, migrate

from .material import NOON


@given(steps=st.lists(st.integers(0, 3), max_size=40), at=st.integers(-2, 130))
def test_it_is_the_last_one_that_is_earlier(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], at: int
) -> None:
    db = connect(Path(tmp_path_factory.mktemp("seq")) / "scoreboard.db")
    migrate(db, NOON)
    moments, moment = [NOON], NOON
    for seq, step in enumerate(steps, start=2):
        moment += step
        moments.append(moment)
        db.execute(
            "INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at) "
            "VALUES (?, ?, ?, 'board', 'default', 0, ?)",
            (seq, NOON, f"award-{seq}", moment),
        )
    db.execute("UPDATE ledger_head SET seq = ?", (len(moments),))
    (found,) = db.execute(SQL["seq_before"], {"at": NOON + at}).fetchone()
    db.close()
    assert found == len([each for each in moments if each < NOON + at])
