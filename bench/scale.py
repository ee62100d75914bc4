"""One measured span of awards on nodes with servers of their own: rate, latency, CPU by process."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench import server
from bench.load import Load, Outcome, award_all
from bench.plan import Plan, median, say
from bench.servers import Costs, Deployment, Servers, metrics, node_costs

KINDS = ("nodes", "PostgreSQL", "Valkey", "Kafka", "loader")
GROUPS = (
    "scoreboard_group_size_sum",
    "scoreboard_group_size_count",
    "scoreboard_commit_seconds_sum",
)


@dataclass(frozen=True)
class Span:
    """What came back, CPU microseconds an award by kind of process, and the groups."""

    outcome: Outcome
    cpu_us: Costs
    group: float = 0.0
    commits: float = 0.0
    commit_ms: float = 0.0


def seconds(plan: Plan) -> float:
    return plan.seconds if plan.quick else 5


def measure(
    deployment: Deployment, nodes: Sequence[server.Running], connections: int, span_s: float
) -> Span:
    """Load on all the nodes at once, the connections spread over them."""
    before, groups = _costs(deployment.servers, nodes), _groups(nodes)
    share = connections // len(nodes)
    more = connections % len(nodes)
    loads = [Load(node.port, share + (n < more), span_s) for n, node in enumerate(nodes)]
    outcome = award_all(loads, deployment.plan.tokens)
    after = _costs(deployment.servers, nodes)
    awards, commits, commit_s = (
        now - then for now, then in zip(_groups(nodes), groups, strict=True)
    )
    deployment.acknowledged += outcome.requests
    return Span(
        outcome,
        costs_us(before, after, outcome),
        awards / max(1, commits),
        commits / outcome.duration_s,
        commit_s / max(1, commits) * 1e3,
    )


def costs_us(before: Costs, after: Costs, outcome: Outcome) -> Costs:
    used = {kind: after[kind] - before[kind] for kind in after}
    used["loader"] = outcome.loader_cpu_s
    return {kind: spent / outcome.requests * 1e6 for kind, spent in used.items()}


def _costs(servers: Servers, nodes: Sequence[server.Running]) -> Costs:
    return servers.costs() | node_costs(nodes)


def _groups(nodes: Sequence[server.Running]) -> list[float]:
    return [sum(values) for values in zip(*(metrics(node, *GROUPS) for node in nodes), strict=True)]


def tell(name: str, connections: int, span: Span) -> None:
    cpu = "  ".join(f"{kind} {span.cpu_us[kind]:.0f}" for kind in KINDS if kind in span.cpu_us)
    say(
        f"  {name:28} {connections:4} connections {span.outcome.rate:7.0f}/s  p50 "
        f"{span.outcome.p50_ms:.1f}  p99 {span.outcome.p99_ms:.1f} ms  group {span.group:.1f}  "
        f"us an award: {cpu}"
    )


def rate(spans: Sequence[Span]) -> float:
    return median(span.outcome.rate for span in spans)


def p50(spans: Sequence[Span]) -> float:
    return median(span.outcome.p50_ms for span in spans)


def p99(spans: Sequence[Span]) -> float:
    return median(span.outcome.p99_ms for span in spans)


def cpu(spans: Sequence[Span], kind: str) -> str:
    """Microseconds an award, or nothing for a process that was not there."""
    found = [span.cpu_us[kind] for span in spans if kind in span.cpu_us]
    return f"{median(found):.0f}" if found else ""
