"""Ten thousand awards of a key taken back by one command, on both ledgers."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from bench.plan import Plan, Section, say, table, whole
from bench.servers import POSTGRES
from scoreboard.adapters.postgres import PostgresLedger
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.action import Action
from scoreboard.core.award import Award
from scoreboard.core.board import Board
from scoreboard.core.reversal import AwardsBy
from scoreboard.core.window import Window
from scoreboard.ports import REVERSE_MAX, Change, Ledger, Prepared, Reversal
from scoreboard.service.moderator import Moderator
from scoreboard.service.preview import Foresight
from tests.servers.postgres import PostgresServer, embedded

AWARDS, QUICK_AWARDS = 10_000, 2_000
USERS = 10_000
GROUP = 1_000
KEY = "game.stolen"
QUIZ = Action(action_id="quiz.correct", points=5)

Row = tuple[object, ...]


def reversals(plan: Plan) -> Section:
    rows = asyncio.run(_rows(plan, QUICK_AWARDS if plan.quick else AWARDS))
    head = ("ledger", "awards", "command s", "longest group ms", "preview s")
    text = (
        f"Awards of one key, by half of {whole(USERS)} users on a board with all four windows, "
        f"beside as many without a signature; taken back in groups of {whole(REVERSE_MAX)}, each "
        "flushed to disk, for which awards wait. The preview reads every score of the four "
        "periods.\n\n"
    )
    return Section("Reversals", text + table(head, rows))


async def _rows(plan: Plan, awards: int) -> Sequence[Row]:
    ledger: Ledger = await SqliteLedger.open(plan.root / "scoreboard.db")
    rows = [await _row("SQLite", ledger, awards)]
    programs = embedded()
    if programs is None:
        return rows
    server = PostgresServer(programs, POSTGRES, Path(tempfile.gettempdir()))
    try:
        server.start()
        server.psql("CREATE DATABASE bench")
        ledger = await PostgresLedger.open(server.url("bench"), may_migrate=True)
        rows.append(await _row("PostgreSQL", ledger, awards))
    finally:
        server.stop()
        server.remove()
    return rows


async def _row(name: str, ledger: Ledger, awards: int) -> Row:
    await _fill(ledger, awards)
    by_key = AwardsBy(KEY, 0)
    began = time.perf_counter()
    foreseen, _ = await Foresight(ledger, _now_ms).of_reversal(by_key)
    preview_s = time.perf_counter() - began
    groups: list[float] = [time.perf_counter()]
    undone = await Moderator(ledger).reverse(
        Reversal(by_key, "bench", "bench"), seen=lambda _: groups.append(time.perf_counter())
    )
    assert undone.awards == foreseen.awards == awards
    await ledger.close()  # type: ignore[attr-defined] - the port leaves it to whoever opened it
    longest = max(after - before for before, after in pairwise(groups))
    command_s = groups[-1] - groups[0]
    say(f"  {name}: {command_s:.2f} s, longest group {longest * 1000:.0f} ms")
    return (name, whole(awards), f"{command_s:.2f}", f"{longest * 1000:.0f}", f"{preview_s:.2f}")


async def _fill(ledger: Ledger, awards: int) -> None:
    board = Board(board="default", windows=tuple(Window))
    for subject in (board, QUIZ):
        await ledger.change(Change(subject, "bench", "bench"))
    version = (await ledger.catalogue()).version
    for start in range(0, 2 * awards, GROUP):
        at = max(_now_ms(), (await ledger.head()).at)
        group = [_award(number) for number in range(start, start + GROUP)]
        await ledger.append(group, Prepared(version, {"default": board.periods_at(at)}))


def _award(number: int) -> Award:
    return Award(
        award_id=f"award-{number}",
        user_id=f"user-{number % USERS}",
        action=QUIZ,
        named=True,
        key=KEY if number % 2 else None,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
