"""Opens what the settings name for each port; a driver is imported only where it is needed."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from scoreboard.adapters.memory import LocalBus, MemoryLimiter, MemoryRanking
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.assembly.failpoint import FAILPOINT, failpoint
from scoreboard.errors import Misconfigured, Unavailable
from scoreboard.ports import Bus, Ledger, Limiter, Ranking
from scoreboard.service.health import Health
from scoreboard.settings import Backend, Settings
from scoreboard.telemetry import Event, Traces, log

BROKERS_WITHIN_S = 5.0
"""How long to wait for brokers at the start, to find out whether the topics are right."""

Observe = Callable[[bool], None]
"""Told when a dependency was found lost (False) and when it is back (True)."""


def watcher(health: Health, dependency: str) -> Observe:
    """Keeps the health of a dependency, and a line in the log when it changes."""

    def observe(there: bool) -> None:  # noqa: FBT001 - the one thing it is told
        if there and health.restored(dependency):
            log().info(Event.DEPENDENCY_RESTORED, dependency=dependency)
        elif not there and dependency not in health.degraded:
            health.lost(dependency)
            log().warning(Event.DEPENDENCY_LOST, dependency=dependency)

    return observe


def unobserved(_: bool) -> None:  # noqa: FBT001 - an ``Observe``
    """For commands, which end before it matters."""


@contextlib.asynccontextmanager
async def open_ledger(
    settings: Settings,
    *,
    may_migrate: bool = False,
    observe: Observe = unobserved,
    waited: Callable[[float], None] = lambda _: None,
) -> AsyncIterator[Ledger]:
    """The ledger that the settings name, closed at the end.

    SQLite is migrated when ``MIGRATE`` says so; a server only when ``may_migrate`` does.
    ``waited`` is told the seconds that each read waited for a connection.

    Raises:
        Misconfigured, Unavailable: it cannot be used.
    """
    stage = failpoint(os.environ.get(FAILPOINT, ""))
    ledger: Any
    if settings.ledger.shared:
        with _driver("postgres"):
            from scoreboard.adapters.postgres import PostgresLedger  # noqa: PLC0415

        ledger = await PostgresLedger.open(
            str(settings.ledger),
            stage=stage,
            may_migrate=may_migrate,
            observe=observe,
            waited=waited,
        )
    else:
        path = Path(settings.ledger.location)
        make_folder(path.parent)
        may_migrate = may_migrate or settings.migrate
        ledger = await SqliteLedger.open(path, stage=stage, may_migrate=may_migrate, waited=waited)
    try:
        yield ledger
    finally:
        await ledger.close()


def cautions(ledger: Ledger) -> Sequence[str]:
    """What works and should not stay, in sentences."""
    sentences: Sequence[str] = getattr(ledger, "cautions", ())
    return sentences


async def open_ranking(
    backend: Backend, observe: Observe, stack: contextlib.AsyncExitStack
) -> Ranking:
    """Raises: Misconfigured: it cannot be used."""
    if not backend.shared:
        return MemoryRanking()
    with _driver("redis"):
        from scoreboard.adapters.redis import RedisRanking  # noqa: PLC0415

    ranking = await RedisRanking.open(str(backend), observe=observe)
    stack.push_async_callback(ranking.close)
    return ranking


async def open_bus(
    backend: Backend, observe: Observe, stack: contextlib.AsyncExitStack, *, feeds: bool = False
) -> Bus:
    """Raises: Misconfigured: it cannot be used."""
    bus: Any
    match backend.scheme:
        case "kafka":
            with _driver("kafka"):
                from scoreboard.adapters.kafka import KafkaBus  # noqa: PLC0415

            bus = await KafkaBus.open(str(backend), observe=observe, feeds=feeds)
            stack.push_async_callback(bus.close)
            await bus.started(BROKERS_WITHIN_S)
            return cast("Bus", bus)
        case "redis" | "rediss":
            with _driver("redis"):
                from scoreboard.adapters.redis import RedisBus  # noqa: PLC0415

            bus = await RedisBus.open(str(backend), observe=observe)
        case _:
            return LocalBus()
    stack.push_async_callback(bus.close)
    return cast("Bus", bus)


async def open_limiter(
    backend: Backend, observe: Observe, stack: contextlib.AsyncExitStack
) -> Limiter:
    """Raises: Misconfigured: it cannot be used."""
    own = MemoryLimiter(time.monotonic)
    if not backend.shared:
        return own
    with _driver("redis"):
        from scoreboard.adapters.redis import RedisLimiter  # noqa: PLC0415

    limiter = await RedisLimiter.open(str(backend), fallback=own, observe=observe)
    stack.push_async_callback(limiter.close)
    return limiter


async def open_traces(
    settings: Settings, instance: str, stack: contextlib.AsyncExitStack
) -> Traces | None:
    """Where spans go, if anywhere.

    Raises:
        Misconfigured: what makes them is not installed.
    """
    if settings.traces_url is None:
        return None
    with _driver("otel"):
        from scoreboard.telemetry.otel import OtelTraces  # noqa: PLC0415

    traces = OtelTraces(settings.traces_url, settings.traces_share, instance)
    stack.push_async_callback(asyncio.to_thread, traces.close)
    return traces


class NoLedger:
    """What a gateway has in place of a ledger: whatever is asked of it is an outage."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def unavailable(*_: object, **__: object) -> None:
            raise Unavailable

        return unavailable


def make_folder(folder: Path) -> None:
    """Raises: Misconfigured: the folder is not there and cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(f"The folder {folder} cannot be made: {error.strerror}.") from None


@contextlib.contextmanager
def _driver(extra: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("scoreboard"):
            raise
        raise Misconfigured(
            f"{error.name} is not installed, which a setting asks for: "
            f"pip install 'scoreboard[{extra}]'."
        ) from None
