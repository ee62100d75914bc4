"""Epochs only rise, and a restored ledger still only grows."""

import sqlite3
from pathlib import Path

import pytest

from scoreboard.ports import Ledger
from tests.contracts.conftest import LEDGERS
from tests.contracts.material import (
    DAY_MS,
    QUIZ,
    Clock,
    append,
    award,
    ensure_sums,
    posting_of,
    put,
)
from tests.servers.postgres import PostgresServer

from .conftest import ADA, DEFAULT, LITTLE, TEN, crafted, paged


async def test_a_new_epoch_goes_on_with_the_next_seq(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, QUIZ)
    await append(ledger, clock, award("one"))
    before = await ledger.head()
    clock.now_ms += 5_000
    head = await ledger.new_epoch("cli:ada", "a backup was restored")
    assert head == await ledger.head()
    assert (head.epoch, head.seq, head.at) == (clock.now_ms, before.seq, before.at)
    posting = posting_of((await append(ledger, clock, award("two")))[0])
    assert (posting.epoch, posting.seq) == (head.epoch, before.seq + 1)
    (entry,) = await ledger.audit(None, 1)
    assert (entry.caller, entry.operation, entry.reason) == (
        "cli:ada", "epoch.new", "a backup was restored",
    )  # fmt: skip
    assert (entry.before, entry.after) == (str(before.epoch), str(head.epoch))
    await ensure_sums(ledger)


async def test_each_epoch_is_greater_than_the_last(ledger: Ledger, clock: Clock) -> None:
    epochs = [(await ledger.head()).epoch]
    clock.now_ms += 5_000
    for step_ms in (0, 0, -DAY_MS):
        clock.now_ms += step_ms
        epochs += [(await ledger.new_epoch("tester", "again")).epoch]
    assert epochs == sorted(set(epochs))


async def test_a_restored_file_still_only_grows(tmp_path: Path, clock: Clock) -> None:
    open_sqlite, _ = LEDGERS["sqlite"]
    async with open_sqlite(tmp_path, clock) as opened:
        await opened.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
    db = sqlite3.connect(tmp_path / "scoreboard.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("DELETE FROM ledger")
    db.close()


async def test_a_restored_database_still_only_grows(
    postgres: PostgresServer, tmp_path: Path, clock: Clock
) -> None:
    open_postgres, _ = LEDGERS["postgres"]
    url = postgres.database_of(tmp_path)
    async with open_postgres(postgres, tmp_path, clock) as opened:
        await opened.restore(paged(crafted(DEFAULT, ADA, TEN, LITTLE)))
    name = url.rpartition("/")[2]
    with pytest.raises(AssertionError, match="append-only"):
        postgres.psql("DELETE FROM ledger", name)
    with pytest.raises(AssertionError, match="append-only"):
        postgres.psql("SET session_replication_role = replica; TRUNCATE ledger", name)
