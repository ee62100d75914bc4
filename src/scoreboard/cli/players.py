"""Simulated players of the demo: they play in bursts, over HTTP, each with a token of its own."""

# ruff: noqa: S311 - chance, not secrets

import asyncio
import random
from collections import Counter

from scoreboard.client import AsyncClient
from scoreboard.client.problem import ClientProblem
from scoreboard.core.action import Action

# fmt: off
NAMES = (
    "amara", "mateo", "yuki", "lena", "oskar", "priya", "tomas", "zoe", "kofi", "ingrid",
    "diego", "mei", "noah", "fatima", "luca", "sanne", "ravi", "elif", "jonas", "aisha",
    "pablo", "nora", "kenji", "clara", "omar", "freya", "hugo", "anika", "leo", "salma",
    "felix", "maya", "emeka", "june", "ivan", "rosa", "theo", "wren", "nadia", "bjorn",
)
# fmt: on
SAMPLE = (
    ("practice", 5, "default", 0),
    ("share-a-hint", 10, "default", 0),
    ("daily-quiz", 50, "default", 0),
    ("perfect-round", 120, "default", 0),
    ("invite-a-friend", 75, "default", 2),
    ("boss-defeated", 300, "default", 0),
    ("clean-lap", 10, "speedrun", 0),
    ("personal-best", 40, "speedrun", 0),
)
ACTIONS = tuple(
    Action(action_id=name, points=points, board=board, cooldown_s=cooldown_s)
    for name, points, board, cooldown_s in SAMPLE
)
_ODDS = (30, 18, 14, 5, 4, 1, 20, 6)
FIRST_S = 25.0
PAUSE_S = 45.0
BETWEEN_S = (0.3, 1.6)
BURST = (2, 6)


def names(count: int) -> list[str]:
    """So many names, the first forty without a number."""
    return [
        NAMES[index % len(NAMES)] + (str(index // len(NAMES) + 1) if index >= len(NAMES) else "")
        for index in range(count)
    ]


async def play(url: str, tokens: dict[str, str], outcomes: Counter[str]) -> None:
    """Let one player a token play until cancelled; count the outcomes by name."""
    async with asyncio.TaskGroup() as group:
        for user, token in tokens.items():
            group.create_task(_player(url, user, token, outcomes))


async def _player(url: str, user: str, token: str, outcomes: Counter[str]) -> None:
    # Some are keen and some are not, or the board would never sort itself.
    keenness = random.uniform(0.4, 2.0)
    async with AsyncClient(url, token) as client:
        await asyncio.sleep(random.uniform(0, FIRST_S))
        while True:
            for _ in range(random.randint(*BURST)):
                action = random.choices(ACTIONS, _ODDS)[0]
                outcomes[await _award(client, user, action)] += 1
                await asyncio.sleep(random.uniform(*BETWEEN_S))
            await asyncio.sleep(random.expovariate(keenness / PAUSE_S))


async def _award(client: AsyncClient, user: str, action: Action) -> str:
    try:
        await client.award(user, action.action_id)
    except ClientProblem as problem:
        return problem.code
    return "recorded"
