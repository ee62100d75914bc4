"""The ledger path on PostgreSQL beside the baseline on the same one, and beside a long reader."""

import contextlib
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench import scale, server
from bench.load import Load, award
from bench.plan import Plan, Section, say, table, whole
from bench.scale import Span, cpu, p50, p99, rate
from bench.servers import Deployment, Miscounted, Servers, serving

CONNECTIONS = (16, 64, 256)
HELD_AT = 64
HELD_S, QUICK_HELD_S = 600, 6
LOOK_S = 20
ALONE = {
    "SCOREBOARD_RANKING": "memory:",
    "SCOREBOARD_BUS": "local:",
    "SCOREBOARD_LIMITER": "memory:",
}
ONE, ONE_SHARED, TWO, BASELINE = "one node", "one node, Redis", "two nodes, Redis", "baseline"

Spans = dict[tuple[str, int], list[Span]]


@dataclass
class Baseline:
    """The baseline on the same PostgreSQL, in a database of its own."""

    servers: Servers
    running: server.Running
    acknowledged: int = 0

    def measure(self, plan: Plan, connections: int) -> Span:
        before = self.servers.costs() | {"nodes": self.running.cost().cpu_s}
        load = Load(self.running.port, connections, scale.seconds(plan))
        outcome = award(load, plan.tokens)
        after = self.servers.costs() | {"nodes": self.running.cost().cpu_s}
        self.acknowledged += outcome.requests
        return Span(outcome, scale.costs_us(before, after, outcome), 1.0, outcome.rate)

    def check(self) -> None:
        psql = self.servers.postgres.psql
        awards = int(psql(server.BASELINE.count_awards, "baseline"))
        scores = int(psql(server.BASELINE.sum_scores, "baseline"))
        if scores != awards * server.POINTS or awards < self.acknowledged:
            raise Miscounted(f"baseline: {awards} awards, scores of {scores}")


def ledger(plan: Plan) -> Section:
    spans: Spans = defaultdict(list)
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(serving())
        alone = Deployment.new(plan, servers, "alone", ALONE)
        redis = servers.valkey.url("bench")
        settings = dict.fromkeys(("SCOREBOARD_RANKING", "SCOREBOARD_BUS"), redis)
        shared = Deployment.new(plan, servers, "shared", ALONE | settings)
        nodes = stack.enter_context(alone.started(1))
        baseline = stack.enter_context(_baseline(plan, servers))
        for _ in range(plan.rounds):
            for connections in CONNECTIONS:
                _take(spans, ONE, connections, _ours(alone, nodes, connections))
                _take(spans, BASELINE, connections, baseline.measure(plan, connections))
            for name, count in ((ONE_SHARED, 1), (TWO, 2)):
                with shared.started(count) as several:
                    scale.measure(shared, several, 16, 1)
                    for connections in CONNECTIONS:
                        _take(spans, name, connections, _ours(shared, several, connections))
        held = _held(plan, alone, nodes)
        for each in (alone, shared, baseline):
            each.check()
        words = servers.words
    return Section("Ledger on PostgreSQL", _text(spans, words, held), _data(spans))


def _ours(deployment: Deployment, nodes: list[server.Running], connections: int) -> Span:
    return scale.measure(deployment, nodes, connections, scale.seconds(deployment.plan))


def _take(spans: Spans, name: str, connections: int, span: Span) -> None:
    spans[name, connections].append(span)
    scale.tell(name, connections, span)


@contextlib.contextmanager
def _baseline(plan: Plan, servers: Servers) -> Iterator[Baseline]:
    url = servers.postgres.clone("baseline", "template0")
    url = url.replace("postgresql://", "postgresql+asyncpg://")
    service = replace(
        server.BASELINE,
        environment=lambda place: (
            server.BASELINE.environment(place) | {"BASELINE_DATABASE_URL": url}
        ),
    )
    place = server.new_place(plan.root, plan.secret)
    with server.running(service, place) as running:
        baseline = Baseline(servers, running)
        baseline.acknowledged += award(Load(running.port, 16, 1), plan.tokens).requests
        yield baseline


def _held(plan: Plan, deployment: Deployment, nodes: list[server.Running]) -> str:
    """The rate before, at the end of, and after a transaction that is held open elsewhere."""
    held_s = QUICK_HELD_S if plan.quick else HELD_S
    look_s = scale.seconds(plan) if plan.quick else LOOK_S
    before = scale.measure(deployment, nodes, HELD_AT, look_s)
    with _transaction(deployment):
        scale.measure(deployment, nodes, HELD_AT, held_s - look_s)
        late = scale.measure(deployment, nodes, HELD_AT, look_s)
    after = scale.measure(deployment, nodes, HELD_AT, look_s)
    for name, span in (("before", before), ("held", late), ("after", after)):
        scale.tell(f"one node, {name}", HELD_AT, span)
    usual = (before.outcome.rate + after.outcome.rate) / 2
    return (
        f"With a transaction held open in another session for {held_s:.0f} s under load: "
        f"{whole(late.outcome.rate)} awards/s in its last {look_s:.0f} s, "
        f"{whole(before.outcome.rate)} before and {whole(after.outcome.rate)} after: "
        f"{late.outcome.rate / usual:.2f} times."
    )


@contextlib.contextmanager
def _transaction(deployment: Deployment) -> Iterator[None]:
    """A snapshot and a transaction number of its own, kept for as long as this lasts."""
    postgres = deployment.servers.postgres
    program = postgres._programs / "psql"  # noqa: SLF001 - the same programs
    command = [program, "-X", "-q", "-A", "-t", postgres.url(deployment.database)]
    sql = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id();\n"
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(sql)
        child.stdin.flush()
        say(f"  transaction {child.stdout.readline().strip()} is open")
        yield
        child.stdin.close()


def _text(spans: Spans, servers: str, held: str) -> str:
    head = (
        "connections", "service", "awards/s", "times the baseline", "p50 ms", "p99 ms", "group",
        "commits/s", "commit ms", "CPU us an award: nodes", "PostgreSQL", "Valkey", "loader",
    )  # fmt: skip
    rows = [_row(spans, n, name) for n in CONNECTIONS for name in (ONE, BASELINE, ONE_SHARED, TWO)]
    two = "; ".join(
        f"{rate(spans[TWO, n]) / rate(spans[ONE_SHARED, n]):.2f} at {n}" for n in CONNECTIONS
    )
    return (
        f"{servers}. Everything is on this machine. Tokens of 10,000 users, limiter in memory, "
        "metrics; medians. *One node* has ranking and bus in its memory. Many nodes cannot: "
        "*Redis* rows have ranking and bus in Valkey, every node with every role. The baseline is "
        "a transaction a request (SQLAlchemy on asyncpg), in turn with *one node*. Percentiles of "
        "two nodes are the slower one's. After the run scores are the sums of the awards, and no "
        "acknowledged one is missing.\n\n"
        + table(head, rows)
        + f"\n\nTwo nodes to one, both with Redis: {two} connections.\n\n{held}"
    )


def _row(spans: Spans, connections: int, name: str) -> tuple[object, ...]:
    found = spans[name, connections]
    base = rate(spans[BASELINE, connections])
    last = found[-1]
    return (
        connections,
        name,
        whole(rate(found)),
        f"{rate(found) / base:.1f}",
        f"{p50(found):.1f}",
        f"{p99(found):.1f}",
        f"{last.group:.1f}",
        whole(last.commits),
        f"{last.commit_ms:.2f}" if last.commit_ms else "",
        *(cpu(found, kind) for kind in ("nodes", "PostgreSQL", "Valkey", "loader")),
    )


def _data(spans: Spans) -> dict[str, object]:
    return {
        f"{name}/{n}": [rate(found), p50(found), p99(found)] for (name, n), found in spans.items()
    }
