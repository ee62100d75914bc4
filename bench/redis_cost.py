"""What a node's own work for Redis costs, in batches, in a process by itself.

python -m bench.redis_cost URL
"""

import asyncio
import json
import random
import subprocess
import sys
import time

from bench.plan import say, table
from bench.tokens import user_id

GROUPS = 100
WARM_UP = 10
SIZES = (32, 256)
USERS = 10_000


def text(url: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench.redis_cost", url],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, list[float]] = json.loads(done.stdout)
    say(f"  client CPU of Redis work: {found}")
    rows = [
        (size, f"{ranks:.1f}", f"{limits:.1f}", f"{ranks + limits:.1f}")
        for size, (ranks, limits) in found.items()
    ]
    head = ("group", "ranking us an award", "limiter us an award", "both")
    return (
        "The CPU time that a node's own work for Valkey takes, an award, in a process that does "
        f"nothing else ({GROUPS} groups, {USERS:,} users), without the task that waits for it.\n\n"
        + table(head, rows)
    )


async def _tasks(count: int) -> None:
    """So many that wait and ask nothing: in the service the task is the request's."""
    answers = [asyncio.get_running_loop().create_future() for _ in range(count)]

    async def wait(answer: asyncio.Future[None]) -> None:
        await answer

    waiting = asyncio.gather(*map(wait, answers))
    await asyncio.sleep(0)
    for answer in answers:
        answer.set_result(None)
    await waiting


async def _measure(url: str) -> dict[int, tuple[float, float]]:
    from scoreboard.adapters.memory import MemoryLimiter  # noqa: PLC0415 - the child alone
    from scoreboard.adapters.redis import RedisLimiter, RedisRanking  # noqa: PLC0415
    from scoreboard.ports import Group, Mark, Move, Rate  # noqa: PLC0415

    ranking = await RedisRanking.open(url)
    limiter = await RedisLimiter.open(url, fallback=MemoryLimiter(time.monotonic))
    rng, seq, rate = random.Random(1), 1, Rate(1_000_000, 60)
    await ranking.lead(1)
    await ranking.rebuild((1, seq))
    await ranking.load(Mark("default", "all", 1, 1), [])
    await ranking.switch()
    now_ms = time.time_ns() // 1_000_000
    found = {}
    for size in SIZES:
        costs = [0.0, 0.0]
        for turn in range(WARM_UP + GROUPS):
            users = [user_id(rng.randrange(USERS)) for _ in range(size)]
            moves = tuple(
                Move("default", "all", user, 10, seq + 1 + place, now_ms)
                for place, user in enumerate(users)
            )
            began = time.process_time()
            await ranking.apply(Group(1, seq, seq + size, moves))
            applied = time.process_time()
            await asyncio.gather(*(limiter.hit(user, rate) for user in users))
            counted = time.process_time()
            await _tasks(size)
            ended = time.process_time()
            seq += size
            if turn >= WARM_UP:
                costs[0] += applied - began
                costs[1] += (counted - applied) - (ended - counted)
        ranks, limits = (cost / GROUPS / size * 1e6 for cost in costs)
        found[size] = (ranks, limits)
    await ranking.close()
    await limiter.close()
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure(sys.argv[1]))))
