"""What stood on a frozen board, loaded while awards go on behind the freeze, on both ledgers."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.plan import Plan, Section, say, table, whole
from bench.servers import POSTGRES
from scoreboard.adapters.memory import MemoryRanking
from scoreboard.adapters.postgres import PostgresLedger
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.action import Action
from scoreboard.core.award import Award
from scoreboard.core.board import Board
from scoreboard.ports import Change, Ledger, Prepared
from scoreboard.service.frozen import FrozenBoard
from tests.servers.postgres import PostgresServer, embedded

USERS, QUICK_USERS = 100_000, 5_000
GROUP = 1_000
LOADS = 3
QUIZ = Action(action_id="quiz.correct", points=5)

Row = tuple[object, ...]


def frozen(plan: Plan) -> Section:
    rows = asyncio.run(_rows(plan, QUICK_USERS if plan.quick else USERS))
    head = ("ledger", "users", "moved since", "load s", "look ms")
    text = (
        "A board with one period, loaded as of its freeze into memory, with so many of "
        f"its users' scores moved since; then one look at who has left. Medians of {LOADS}.\n\n"
    )
    return Section("Frozen boards", text + table(head, rows))


async def _rows(plan: Plan, users: int) -> Sequence[Row]:
    ledger: Ledger = await SqliteLedger.open(plan.root / "scoreboard.db")
    rows = await _rows_of("SQLite", ledger, users)
    programs = embedded()
    if programs is None:
        return rows
    server = PostgresServer(programs, POSTGRES, Path(tempfile.gettempdir()))
    try:
        server.start()
        server.psql("CREATE DATABASE bench")
        ledger = await PostgresLedger.open(server.url("bench"), may_migrate=True)
        rows += await _rows_of("PostgreSQL", ledger, users)
    finally:
        server.stop()
        server.remove()
    return rows


async def _rows_of(name: str, ledger: Ledger, users: int) -> list[Row]:
    await ledger.change(Change(QUIZ, "bench", "bench"))
    await _award(ledger, users, "before")
    board = (await ledger.catalogue()).boards["default"]
    await ledger.change(Change(board, "bench", "bench", frozen=True))
    board = (await ledger.catalogue()).boards["default"]
    rows = [await _row(name, ledger, board, (users, 0))]
    await _award(ledger, users, "behind")
    rows.append(await _row(name, ledger, board, (users, users)))
    await ledger.close()  # type: ignore[attr-defined] - the port leaves it to whoever opened it
    return rows


async def _row(name: str, ledger: Ledger, board: Board, counts: tuple[int, int]) -> Row:
    assert board.frozen is not None
    loads, looks = [], []
    for _ in range(LOADS):
        began = time.perf_counter()
        kept = FrozenBoard(ledger, MemoryRanking(), board, board.frozen)
        await kept.load()
        loaded = time.perf_counter()
        await kept.follow()
        loads.append(loaded - began)
        looks.append(time.perf_counter() - loaded)
        assert await kept.ranking.total(board, "all") == counts[0]
    load_s, look_s = statistics.median(loads), statistics.median(looks)
    say(f"  {name}, {whole(counts[1])} moved: {load_s:.2f} s")
    return (name, *map(whole, counts), f"{load_s:.2f}", f"{look_s * 1000:.1f}")


async def _award(ledger: Ledger, users: int, name: str) -> None:
    catalogue = await ledger.catalogue()
    for start in range(0, users, GROUP):
        at = max(_now_ms(), (await ledger.head()).at)
        group = [
            Award(award_id=f"{name}-{each}", user_id=f"user-{each}", action=QUIZ, named=True)
            for each in range(start, start + GROUP)
        ]
        periods = {"default": catalogue.boards["default"].periods_at(at)}
        await ledger.append(group, Prepared(catalogue.version, periods))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
