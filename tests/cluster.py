"""Many nodes on servers of their own: ``cluster_factory`` for tests, and for the bench."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.evidence import Database
from tests.conftest import Require
from tests.servers.kafka import KafkaServer, MockCluster, driver, kafka_server, missing
from tests.servers.postgres import PostgresServer
from tests.servers.postgres import running as running_postgres
from tests.servers.valkey import ValkeyServer
from tests.servers.valkey import running as running_valkey
from tests.service_process import Service

DATABASE = "board"


class Broker(NamedTuple):
    """The Kafka that carries the bus, and the address of the bus on it."""

    url: str
    server: MockCluster | KafkaServer

    def down(self) -> None:
        if isinstance(self.server, KafkaServer):
            self.server.kill()
            return
        for number in range(1, self.server.brokers + 1):
            self.server.down(number)

    def up(self) -> None:
        if isinstance(self.server, KafkaServer):
            self.server.start()
            return
        for number in range(1, self.server.brokers + 1):
            self.server.up(number)


class Cluster:
    """Nodes that share a PostgreSQL, a Valkey and a bus; each server can be made to fail."""

    def __init__(
        self,
        home: Path,
        postgres: PostgresServer,
        valkey: ValkeyServer,
        broker: Broker | None = None,
    ) -> None:
        self.home = home
        self.postgres = postgres
        self.valkey = valkey
        self.broker = broker
        self.database = Database(postgres, DATABASE)
        self.nodes: list[Service] = []
        redis = valkey.url()
        self.env = {
            "SCOREBOARD_LEDGER": postgres.clone(DATABASE, "template0"),
            "SCOREBOARD_RANKING": redis,
            "SCOREBOARD_LIMITER": redis,
            "SCOREBOARD_BUS": broker.url if broker else redis,
            "SCOREBOARD_SECRET_FILE": str(home / "secret"),
        }

    def node(
        self, env: Mapping[str, str] | None = None, *, role: str = "all", start: bool = True
    ) -> Service:
        """One more node; the first one migrates the database and makes the secret."""
        data = self.home / f"node-{len(self.nodes)}-{secrets.token_hex(2)}"
        data.mkdir(mode=0o700)
        service = Service(data, {**self.env, "SCOREBOARD_ROLE": role, **(env or {})})
        if not self.nodes:
            service.command("migrate")
        self.nodes.append(service)
        if start:
            service.start()
        return service

    def started(self, count: int, env: Mapping[str, str] | None = None) -> list[Service]:
        """So many nodes of role ``all``, with the actions ``quiz`` (10) and ``slip`` (-3)."""
        for _ in range(count):
            self.node(env, start=False)
        asyncio.run(_put_actions(self.env["SCOREBOARD_LEDGER"]))
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.wait_until_ready()
        return self.nodes

    def leader(self) -> Service | None:
        """The node that leads, if exactly one says so."""
        leaders = []
        for node in self.nodes:
            with contextlib.suppress(OSError):
                if node.metric("scoreboard_leader") == 1:
                    leaders.append(node)
        return leaders[0] if len(leaders) == 1 else None

    def end(self) -> None:
        for node in self.nodes:
            node.end()


async def _put_actions(url: str) -> None:
    """Before any node starts: a change of the catalogue takes seconds to reach an idle one."""
    from scoreboard.adapters.postgres import PostgresLedger  # noqa: PLC0415 - it needs a driver
    from scoreboard.core.action import Action  # noqa: PLC0415 - after the environment is scrubbed
    from scoreboard.ports import Change  # noqa: PLC0415 - the same

    ledger = await PostgresLedger.open(url)
    for name, points in (("quiz", 10), ("slip", -3)):
        await ledger.change(Change(Action(action_id=name, points=points), "tester", "for a test"))
    await ledger.close()


@contextlib.contextmanager
def cluster_on(
    home: Path, postgres_programs: Path, valkey_program: Path, bus: str = "redis"
) -> Iterator[Cluster]:
    """A cluster without nodes; ``bus`` is redis, mock (a Kafka in this process) or kafka."""
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(running_postgres(postgres_programs))
        valkey = stack.enter_context(running_valkey(valkey_program))
        cluster = Cluster(home, postgres, valkey, _broker(bus, stack))
        stack.callback(cluster.end)
        yield cluster


def _broker(bus: str, stack: contextlib.ExitStack) -> Broker | None:
    match bus:
        case "mock":
            mock = MockCluster()
            stack.callback(mock.close)
            return Broker(mock.bus_url(), mock)
        case "kafka":
            server: KafkaServer = stack.enter_context(kafka_server())
            return Broker(server.url("board"), server)
    return None


@pytest.fixture
def cluster_factory(
    tmp_path: Path, postgres_programs: Path, valkey_program: Path, require: Require
) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters; ``cluster_factory("kafka")`` needs a JVM."""
    with contextlib.ExitStack() as stack:

        def make(bus: str = "redis") -> Cluster:
            if bus == "kafka":
                require("kafka", not missing(), missing())
            if bus == "mock":
                require("kafka", driver(), "install confluent-kafka")
            home = tmp_path / f"cluster-{secrets.token_hex(2)}"
            home.mkdir(mode=0o700)
            return stack.enter_context(cluster_on(home, postgres_programs, valkey_program, bus))

        yield make
