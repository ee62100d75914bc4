# ruff: noqa: INP001 - a script of its own
"""Awards while a board is watched, until it shows the new score.

python quiz_async.py URL TOKEN USER ACTION
"""

import asyncio
import sys
from contextlib import aclosing

from scoreboard.client import AsyncClient


async def main(url: str, token: str, user: str, action: str) -> None:
    async with AsyncClient(url, token) as client:
        receipt = await client.award(user, action)
        async with aclosing(client.watch("default")) as snapshots:
            async for snapshot in snapshots:
                scores = {row.user_id: row.score for row in snapshot.rows}
                sys.stdout.write(f"{snapshot.seq}: {scores}\n")
                if scores.get(user, 0) >= receipt.new_score:
                    return


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
