"""Which adapters each port's suite runs against: a new adapter is one more factory here."""

import atexit
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

from scoreboard.adapters.memory import LocalBus, MemoryLimiter, MemoryRanking
from scoreboard.adapters.redis.bus import RedisBus
from scoreboard.adapters.redis.limiter import RedisLimiter
from scoreboard.adapters.redis.ranking import RedisRanking
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.ports import Bus, Ledger, Limiter, Ranking
from tests.servers.kafka import MockCluster
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer, installed

from .material import Clock, ManualSeconds
from .superuser import Superuser

settings.register_profile("scoreboard", deadline=None)
settings.load_profile("scoreboard")

OpenLedger = Callable[..., AbstractAsyncContextManager[Ledger]]
"""Takes the home, the clock, and optionally whom to tell how far a group of awards has come."""
Stage = Callable[[str], None]
OpenRanking = Callable[[], AbstractAsyncContextManager[Ranking]]
OpenBus = Callable[[], AbstractAsyncContextManager[Bus]]
OpenLimiter = Callable[[ManualSeconds], AbstractAsyncContextManager[Limiter]]


@contextlib.asynccontextmanager
async def sqlite_ledger(
    home: Path, clock: Clock, stage: Stage = lambda _: None
) -> AsyncIterator[Ledger]:
    """Opened twice on one home, these are two nodes on one ledger."""
    ledger = await SqliteLedger.open(home / "scoreboard.db", clock_ms=clock, stage=stage)
    try:
        yield ledger
    finally:
        await ledger.close()


@contextlib.asynccontextmanager
async def postgres_ledger(
    server: PostgresServer, home: Path, clock: Clock, stage: Stage = lambda _: None
) -> AsyncIterator[Ledger]:
    """Each home is a database of its own."""
    from scoreboard.adapters.postgres import PostgresLedger  # noqa: PLC0415 - its driver may be missing

    ledger = await PostgresLedger.open(server.database_of(home), clock_ms=clock, stage=stage)
    try:
        yield ledger
    finally:
        await ledger.close()


@contextlib.asynccontextmanager
async def memory_ranking() -> AsyncIterator[Ranking]:
    yield MemoryRanking()


@contextlib.asynccontextmanager
async def redis_ranking(server: ValkeyServer) -> AsyncIterator[Ranking]:
    """Each one opened alone under a prefix of its own."""
    ranking = await RedisRanking.open(server.url())
    try:
        yield ranking
    finally:
        await ranking.close()


@contextlib.asynccontextmanager
async def local_bus() -> AsyncIterator[Bus]:
    yield LocalBus()


@contextlib.asynccontextmanager
async def redis_bus(server: ValkeyServer) -> AsyncIterator[Bus]:
    """Each one opened alone under a prefix of its own."""
    bus = await RedisBus.open(server.url())
    try:
        yield bus
    finally:
        await bus.close()


@functools.cache
def mock_cluster() -> MockCluster:
    """One a process; it has topics of its own for every bus."""
    cluster = MockCluster()
    atexit.register(cluster.close)
    return cluster


@contextlib.asynccontextmanager
async def kafka_bus() -> AsyncIterator[Bus]:
    pytest.importorskip("confluent_kafka")
    from scoreboard.adapters.kafka import KafkaBus  # noqa: PLC0415 - its driver may be missing

    bus = await KafkaBus.open(mock_cluster().bus_url("?fetch.wait.max.ms=20"))
    try:
        yield bus
    finally:
        await bus.close()


@contextlib.asynccontextmanager
async def memory_limiter(clock: ManualSeconds) -> AsyncIterator[Limiter]:
    yield MemoryLimiter(clock)


@contextlib.asynccontextmanager
async def redis_limiter(server: ValkeyServer, clock: ManualSeconds) -> AsyncIterator[Limiter]:
    """Each one opened alone under a prefix of its own; its server is never lost to it."""
    limiter = await RedisLimiter.open(server.url(), fallback=MemoryLimiter(clock), clock=clock)
    limiter.patience_s = 30
    try:
        yield limiter
    finally:
        await limiter.close()


LEDGERS: dict[str, tuple[Callable[..., AbstractAsyncContextManager[Ledger]], str]] = {
    "sqlite": (sqlite_ledger, ""),
    "postgres": (postgres_ledger, "postgres"),
}
RANKINGS: dict[str, tuple[Callable[..., AbstractAsyncContextManager[Ranking]], str]] = {
    "memory": (memory_ranking, ""),
    "valkey": (redis_ranking, "valkey"),
}
if installed():
    RANKINGS["redis"] = (redis_ranking, "debian_redis")
BUSES: dict[str, tuple[Callable[..., AbstractAsyncContextManager[Bus]], str]] = {
    "local": (local_bus, ""),
    "kafka": (kafka_bus, ""),
    "valkey": (redis_bus, "valkey"),
}
if installed():
    BUSES["redis"] = (redis_bus, "debian_redis")
LIMITERS: dict[str, tuple[Callable[..., AbstractAsyncContextManager[Limiter]], str]] = {
    "memory": (memory_limiter, ""),
    "valkey": (redis_limiter, "valkey"),
}
if installed():
    LIMITERS["redis"] = (redis_limiter, "debian_redis")


def on_server(request: pytest.FixtureRequest) -> Callable[..., AbstractAsyncContextManager]:
    """A factory that takes the server which the fixture of this name starts."""
    factory, server = request.param
    return functools.partial(factory, request.getfixturevalue(server)) if server else factory


@pytest.fixture(scope="session", params=LEDGERS.values(), ids=LEDGERS.keys())
def open_ledger(request: pytest.FixtureRequest) -> OpenLedger:
    return on_server(request)


@pytest.fixture
def superuser(open_ledger: OpenLedger, tmp_path: Path) -> Superuser:
    server = open_ledger.args[0] if isinstance(open_ledger, functools.partial) else None
    return Superuser(tmp_path, server)


@pytest.fixture(scope="session", params=RANKINGS.values(), ids=RANKINGS.keys())
def open_ranking(request: pytest.FixtureRequest) -> OpenRanking:
    return on_server(request)


@pytest.fixture(scope="session", params=BUSES.values(), ids=BUSES.keys())
def open_bus(request: pytest.FixtureRequest) -> OpenBus:
    return on_server(request)


@pytest.fixture(scope="session", params=LIMITERS.values(), ids=LIMITERS.keys())
def open_limiter(request: pytest.FixtureRequest) -> OpenLimiter:
    return on_server(request)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def ledger(open_ledger: OpenLedger, tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, clock) as opened:
        yield opened


@pytest_asyncio.fixture
async def ranking(open_ranking: OpenRanking) -> AsyncIterator[Ranking]:
    async with open_ranking() as opened:
        yield opened


@pytest_asyncio.fixture
async def bus(open_bus: OpenBus) -> AsyncIterator[Bus]:
    async with open_bus() as opened:
        yield opened


@pytest.fixture
def seconds() -> ManualSeconds:
    return ManualSeconds()


@pytest_asyncio.fixture
async def limiter(open_limiter: OpenLimiter, seconds: ManualSeconds) -> AsyncIterator[Limiter]:
    async with open_limiter(seconds) as opened:
        yield opened
