"""What rules cost the one who appends: groups with and without, in turn, on one SQLite ledger."""

import asyncio
import time
from collections import defaultdict
from itertools import count

from bench.plan import Plan, Section, median, say, table
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.action import Action
from scoreboard.core.award import Award
from scoreboard.core.board import Board
from scoreboard.core.rule import Caps
from scoreboard.core.rules import Rules
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.ports import Change, Prepared

GROUP = 256
USERS = 5_000
POSTINGS, QUICK_POSTINGS = (10_000, 100_000), (2_000,)
TURNS, QUICK_TURNS = 25, 5

MOST = 1_000_000  # of a cap that is never reached: all there is has to be counted
PLAIN = Action(action_id="plain", points=5)
CAPPED = Action(action_id="capped", points=5, cooldown_s=0, caps=Caps(day=MOST))
HOURLY = Board(board="default", points_per_hour=10**9)
KEY = SigningKey(
    key="game.k1",
    algorithm=SigningAlgorithm.HMAC_SHA256,
    material=b"never used to sign anything here",
    caps=Caps(day=MOST),
)
KINDS = {
    "no rule": (PLAIN, Rules()),
    "a cap a day of an action": (CAPPED, Rules()),
    "points an hour of a board": (PLAIN, Rules(boards={"default": HOURLY})),
    "a cap a day of the key": (PLAIN, Rules(keys={KEY.key: KEY})),
}


def rules(plan: Plan) -> Section:
    rows = asyncio.run(_measured(plan))
    text = (
        f"`append` of {GROUP} signed awards to {USERS:,} users in turn, with one rule or none, "
        "on a ledger with so many awards before, all within the last day and by the one key; CPU "
        "of the process, medians of groups in turn.\n\n"
        + table(("postings", "rule", "us an award", "ms a group"), rows)
    )
    return Section("Rules", text)


async def _measured(plan: Plan) -> list[tuple[str, str, str, str]]:
    ledger = await SqliteLedger.open(plan.root / "rules.db")
    try:
        await _put(ledger)
        numbers, rows = count(), []
        for postings in QUICK_POSTINGS if plan.quick else POSTINGS:
            while (await ledger.head()).seq < postings:
                await _group_s(ledger, "no rule", numbers)
            spent = defaultdict(list)
            for _ in range(QUICK_TURNS if plan.quick else TURNS):
                for kind in KINDS:
                    spent[kind].append(await _group_s(ledger, kind, numbers))
            for kind, seconds in spent.items():
                each_s = median(seconds)
                say(f"  {postings:,} {kind}: {each_s * 1e3:.1f} ms")
                shown = (f"{each_s / GROUP * 1e6:.0f}", f"{each_s * 1e3:.1f}")
                rows.append((f"{postings:,}", kind, *shown))
        return rows
    finally:
        await ledger.close()


async def _put(ledger: SqliteLedger) -> None:
    for subject in (PLAIN, CAPPED):
        await ledger.change(Change(subject, "bench", "to measure"))


async def _group_s(ledger: SqliteLedger, kind: str, numbers: "count[int]") -> float:
    action, wanted = KINDS[kind]
    catalogue = await ledger.catalogue()
    periods = {"default": catalogue.boards["default"].periods_at(time.time_ns() // 1_000_000)}
    awards = [
        Award(
            award_id=f"award-{number}",
            user_id=f"user-{number % USERS}",
            action=action,
            named=True,
            key=KEY.key,
        )
        for number in (next(numbers) for _ in range(GROUP))
    ]
    began = time.process_time()
    await ledger.append(awards, Prepared(catalogue.version, periods, wanted))
    return time.process_time() - began
