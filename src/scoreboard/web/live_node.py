"""What all live connections of a node share: settings, hub, tokens, seats."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from scoreboard.core.standing import Standing
from scoreboard.service.hub import Hub
from scoreboard.telemetry import Telemetry
from scoreboard.web.seats import Seats
from scoreboard.web.tokens import Caller


class LiveSettings(Struct, frozen=True, kw_only=True):
    """Limits and times of live connections; ``origins`` are those whose pages may connect."""

    origins: frozenset[str] = frozenset()
    heartbeat_ms: int = 15_000
    viewers_max: int = 20_000
    viewers_per_address: int = 1_000
    viewers_per_user: int = 20
    messages_per_minute: int = 20
    retry_spread_ms: int = 5_000


class Verifier(Protocol):
    """Says who holds a token."""

    async def verify(self, token: str) -> Caller:
        """Raises: InvalidToken."""
        ...


OwnStanding = Callable[[str, str, str], Awaitable[tuple[Standing | None, int, int]]]
"""A user's standing on a board in a period, and the epoch and seq it is true at."""


class Live(Struct, frozen=True, eq=False):
    """What all viewers of a node share; ``clock_ms`` is the time of day."""

    settings: LiveSettings
    hub: Hub
    verifier: Verifier
    standing: OwnStanding
    seats: Seats
    telemetry: Telemetry
    clock_ms: Callable[[], int]
    tasks: set[asyncio.Task[None]] = msgspec.field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine on the side, and keep it from being collected."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task
