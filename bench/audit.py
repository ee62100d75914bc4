"""What an audit of ten million postings takes: time, CPU and memory of `scoreboard audit`."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import process
from bench.plan import Plan, Section, say, table, whole
from bench.proof import sealed
from bench.weeks import DAYS, fill
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.action import Action
from scoreboard.core.window import Window
from scoreboard.ports import Change

POSTINGS, QUICK_POSTINGS = 10_000_000, 500_000
USERS_IN = 100
"""One user for so many postings."""
AIM_S = 120
SAMPLE_S = 0.1
QUIZ = Action(action_id="quiz", points=10)


@dataclass(frozen=True)
class Audited:
    """One run of the command, in a process of its own."""

    name: str
    wall_s: float
    cpu_s: float
    peak_mib: float

    def row(self) -> tuple[str, str, str, str]:
        return self.name, f"{self.wall_s:.1f}", f"{self.cpu_s:.1f}", whole(self.peak_mib)


def audit(plan: Plan) -> Section:
    postings = QUICK_POSTINGS if plan.quick else POSTINGS
    users = postings // USERS_IN
    asyncio.run(_prepared(plan.root))
    database = plan.root / "scoreboard.db"
    began = time.monotonic()
    fill(database, postings, users, time.time_ns() // 1_000_000)
    say(f"  {whole(postings)} postings written in {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    asyncio.run(_sealed(plan.root))
    say(f"  sealed in {time.monotonic() - began:.0f} s")
    runs = [_audited(plan.root, name) for name in ("the first, of everything", "the next one")]
    size = database.stat().st_size / 2**20
    text = (
        f"`scoreboard audit`, a process of its own, on {whole(postings)} awards of {whole(users)} "
        f"users in {DAYS} days, on a board with all four windows in an SQLite file of "
        f"{whole(size)} MiB, sealed. The first audit recomputes every leaf and summarises every "
        "hour; the next one has nothing new, and recomputes a million postings again. At most "
        f"{AIM_S} s are wanted.\n\n"
    )
    head = ("audit", "s", "CPU s", "peak RSS MiB")
    return Section("Audit", text + table(head, [run.row() for run in runs]))


async def _prepared(root: Path) -> None:
    """The schema, an action, and a board with all windows."""
    ledger = await SqliteLedger.open(root / "scoreboard.db")
    try:
        await ledger.change(Change(QUIZ, "bench", "to measure"))
        board = (await ledger.catalogue()).boards["default"]
        every = type(board)(board="default", windows=tuple(Window))
        await ledger.change(Change(every, "bench", "to measure"))
    finally:
        await ledger.close()


async def _sealed(root: Path) -> None:
    ledger = await SqliteLedger.open(root / "scoreboard.db")
    try:
        await sealed(ledger, root)
    finally:
        await ledger.close()


def _audited(root: Path, name: str) -> Audited:
    command = [sys.executable, "-m", "scoreboard", "audit", "--json"]
    environment = os.environ | {"SCOREBOARD_DATA": str(root)}
    began = time.monotonic()
    with (root / "report").open("wb") as report_file:
        child = subprocess.Popen(command, env=environment, stdout=report_file)
    peak_mib = 0.0
    while True:
        ended, status, used = os.wait4(child.pid, os.WNOHANG)
        if ended:
            break
        peak_mib = max(peak_mib, process.peak_bytes(child.pid) / 2**20)
        time.sleep(SAMPLE_S)
    wall_s = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    report = json.loads((root / "report").read_bytes())
    assert report["right"], (report["differences"], report["seals"])
    found = Audited(name, wall_s, _cpu_s(used), peak_mib)
    looked = f"{whole(report['scores'])} scores, {whole(report['seals']['recomputed'])} leaves"
    say(
        f"  audit, {name}: {found.wall_s:.1f} s, CPU {found.cpu_s:.1f} s, "
        f"peak {found.peak_mib:.0f} MiB ({looked}, {len(report['findings'])} findings)"
    )
    return found


def _cpu_s(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime
