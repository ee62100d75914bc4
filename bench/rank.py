"""The ranking in memory by itself: latency and memory by size, each size in its own process.

python -m bench.rank USERS
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from bench import process
from bench.plan import Plan, Section, say, table, whole
from bench.tokens import user_id

SIZES = (10_000, 1_000_000, 5_000_000)
QUICK_SIZES = SIZES[:2]
CALLS = 5_000
SPREAD = 100_000


def ranking(plan: Plan) -> Section:
    rows = []
    for size in QUICK_SIZES if plan.quick else SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "bench.rank", str(size)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=600,
        )
        say(f"  {size}: {done.stdout.strip()}")
        found = json.loads(done.stdout)
        cells = (f"{found[k][0]:.1f} / {found[k][1]:.1f}" for k in ("standing", "top", "apply"))
        rows.append((whole(size), *cells, f"{found['load_s']:.1f}", whole(found["bytes"])))
    head = ("users", "standing us", "top ten us", "award us", "load s", "bytes a user")
    text = (
        "In-process latency, p50 / p99 in microseconds: a random user's standing, the top ten from "
        "the order, one award applied. Bytes are the growth of anonymous memory with the users' "
        "ids in it; loading is from prepared values.\n\n"
    )
    return Section("Ranking", text + table(head, rows))


async def _measure(users: int) -> dict[str, object]:
    from scoreboard.adapters.memory import MemoryRanking  # noqa: PLC0415 - the child alone needs it
    from scoreboard.core.board import Board  # noqa: PLC0415
    from scoreboard.core.score import Score  # noqa: PLC0415
    from scoreboard.ports import Group, Mark, Move  # noqa: PLC0415

    ranks, board, rng = MemoryRanking(), Board(board="default"), random.Random(1)
    before = process.private_bytes(os.getpid())
    began = time.perf_counter()
    await ranks.rebuild((1, users))
    for page in range(0, users, 10_000):
        scores = [
            Score(user_id(n), rng.randrange(SPREAD) * 10, n + 1, 1_800_000_000_000)
            for n in range(page, min(users, page + 10_000))
        ]
        await ranks.load(Mark("default", "all", 1, 1), scores)
    await ranks.switch()
    load_s = time.perf_counter() - began
    grown = process.private_bytes(os.getpid()) - before
    seq = users

    async def award() -> None:
        nonlocal seq
        seq += 1
        move = Move("default", "all", user_id(rng.randrange(users)), 10, seq, 1_800_000_000_001)
        await ranks.apply(Group(1, seq - 1, seq, (move,)))

    return {
        "standing": await _latency(
            lambda: ranks.standing(board, "all", user_id(rng.randrange(users)))
        ),
        "top": await _latency(lambda: ranks.snapshot(board, "all")),
        "apply": await _latency(award),
        "load_s": load_s,
        "bytes": grown / users,
    }


async def _latency(call: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    spans = []
    for _ in range(CALLS):
        began = time.perf_counter_ns()
        await call()
        spans.append((time.perf_counter_ns() - began) / 1000)
    spans.sort()
    return spans[len(spans) // 2], spans[len(spans) * 99 // 100]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure(int(sys.argv[1])))))
