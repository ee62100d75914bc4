"""When a live connection that was lost is opened again: the rule that all clients share.

``tests/vectors/live_client.json`` has its known answers, for this client, the one in JavaScript and
the page.
"""

import random

from scoreboard.client.patience import Chance

FIRST_MS = 500
LONGEST_MS = 30_000
BYE_LONGEST_MS = 300_000
SETTLED_MS = 5_000
MISSED_HEARTBEATS = 2.5
HEARTBEAT_MS = 15_000
OPENING_MS = 10_000

ABNORMAL = 1006
RESTART = 1012
OVERLOAD = 1013
LATER = range(4100, 4200)
NOW = range(4200, 4300)
STOP = frozenset({1002, 1003, 1007, 1008, 1009, 1010, *range(4000, 4100)})

Place = tuple[int, int]
"""Epoch and seq."""


def is_newer(one: Place, other: Place | None) -> bool:
    return other is None or one > other


def delay_ms(
    code: int, failures: int, asked_ms: float | None = None, chance: Chance = random.random
) -> float:
    """How long to wait: full jitter under a doubling ceiling, never less than the server asked.

    ``failures`` counts attempts since a connection last stood for ``SETTLED_MS``.
    """
    floor_ms = min(asked_ms or 0, BYE_LONGEST_MS)
    if failures == 0 and (code == RESTART or code in NOW or asked_ms is not None):
        return floor_ms
    later = code == OVERLOAD or code in LATER
    ceiling_ms = LONGEST_MS if later else min(LONGEST_MS, FIRST_MS * 2 ** min(failures, 16))
    return max(floor_ms, chance() * ceiling_ms)
