# ruff: noqa: INP001 - a script of its own
"""Signs an action and awards it: what the backend of a game does when it saw a boss fall.

    python sign.py URL TOKEN KEY FILE AUDIENCE USER ACTION

FILE is what ``scoreboard key new KEY`` wrote, TOKEN the player's own.
"""

import asyncio
import sys

from scoreboard.client import AsyncClient
from scoreboard.client.signing import Signer


async def main(  # noqa: PLR0913, PLR0917 - what the command line says
    url: str, token: str, key: str, file: str, audience: str, user: str, action: str
) -> None:
    signature = Signer.from_file(key, file, audience=audience).sign(user, action)
    async with AsyncClient(url, token) as client:
        receipt = await client.award(user, action, signature=signature)
        again = await client.award(user, action, signature=signature)
    assert (again.new_score, again.replayed) == (receipt.new_score, True)
    sys.stdout.write(f"{receipt.new_score}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
