"""Everything on: one, two and three nodes on PostgreSQL, Valkey and Kafka."""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from bench import redis_cost, scale, server
from bench.live import FRESH_RATE, FRESH_VIEWERS, percentiles, waits
from bench.pace import Pacer, Sent
from bench.plan import Plan, Section, median, say, table, whole
from bench.scale import KINDS, Span, cpu, p50, p99, rate
from bench.servers import Deployment, Servers, metrics, serving
from bench.viewers import watching

COUNTS = (1, 2, 3)
CONNECTIONS = (64, 256)
LAG = ("scoreboard_relay_lag_seconds", "scoreboard_feed_lag_seconds")
CAUGHT_UP_WITHIN_S = 120
LOOK_S = 0.05
LOOK_EVERY_S = 0.5

Taken = dict[tuple[int, int], list[Span]]
Lags = dict[tuple[int, int], list[tuple[float, float, float]]]
"""Of the ranking and the feed at the end of the load, and the worst of the ranking before it."""


def everything_on(servers: Servers, prefix: str = "bench") -> dict[str, str]:
    redis = servers.valkey.url(prefix)
    return {
        "SCOREBOARD_RANKING": redis,
        "SCOREBOARD_LIMITER": redis,
        "SCOREBOARD_BUS": servers.bus_url() or redis,
    }


def nodes(plan: Plan) -> Section:
    spans: Taken = defaultdict(list)
    lags: Lags = defaultdict(list)
    with serving(kafka=True) as servers:
        deployment = Deployment.new(plan, servers, "nodes", everything_on(servers))
        for _ in range(plan.rounds):
            for count in COUNTS:
                with deployment.started(count) as several, watching(several[-1].port, 1):
                    scale.measure(deployment, several, 16, 1)
                    for connections in CONNECTIONS:
                        _caught_up(several)
                        with _worst(several) as worst:
                            span = scale.measure(
                                deployment, several, connections, scale.seconds(plan)
                            )
                            ended = _lags(several)
                        spans[count, connections].append(span)
                        lags[count, connections].append((*ended, max(worst)))
                        scale.tell(f"{count} nodes", connections, span)
                        say(f"    lag at the end {ended[0]:.2f} s, feed {ended[1]:.2f} s")
                    _caught_up(several)
        fresh = _freshness(plan, servers)
        deployment.check()
        client = redis_cost.text(servers.valkey.url("cost"))
        words = servers.words
    return Section("Nodes", _text(spans, lags, words, f"{client}\n\n{fresh}"), _data(spans, lags))


def _lags(several: Sequence[server.Running]) -> tuple[float, float]:
    """Those of the node that leads; the others say 0."""
    found = [metrics(node, *LAG) for node in several]
    return max(each[0] for each in found), max(each[1] for each in found)


@contextlib.contextmanager
def _worst(several: Sequence[server.Running]) -> Iterator[list[float]]:
    """The lag of the ranking, looked at now and then as long as this lasts."""
    seen, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY_S):
            seen.append(_lags(several)[0])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _caught_up(several: Sequence[server.Running]) -> None:
    """Raises: ServerError: ranking or feed are behind for ever."""
    deadline = time.monotonic() + CAUGHT_UP_WITHIN_S
    while any(_lags(several)):
        if time.monotonic() > deadline:
            raise server.ServerError(f"not caught up within {CAUGHT_UP_WITHIN_S} s")
        time.sleep(LOOK_S)


def _freshness(plan: Plan, servers: Servers) -> str:
    """Awards over all nodes, seen by viewers on all nodes."""
    fresh = Deployment.new(plan, servers, "fresh", everything_on(servers, "fresh"))
    with fresh.started(3) as several:
        ports = [node.port for node in several]
        pacer = Pacer(ports[0], plan.tokens, others=tuple(ports[1:]))
        with watching(ports, FRESH_VIEWERS) as audience:
            pacer.run(FRESH_RATE, 1)
            audience.settled()
            audience.ask("reset")
            awards = pacer.run(FRESH_RATE, scale.seconds(plan) * 2)
            audience.settled()
            audience.ask(f"save {plan.root / 'arrivals'}")
    seqs = _seqs(fresh, awards)
    sent, answered = waits(plan.root / "arrivals", awards, seqs)
    answers = np.array([award.answered_s - award.sent_s for award in awards])
    rows = [
        percentiles("award sent to answer", answers),
        percentiles("award sent to board at the viewer", sent),
        percentiles("answer to board at the viewer", answered),
    ]
    head = ("", "p50 ms", "p90 ms", "p99 ms", "most ms")
    return (
        f"Freshness: {FRESH_VIEWERS:,} viewers and {FRESH_RATE} awards a second, both spread over "
        "three nodes; every pair of an award and a viewer counts, up to the first board that "
        "contains the award.\n\n" + table(head, rows)
    )


def _seqs(deployment: Deployment, awards: list[Sent]) -> np.ndarray:
    found = deployment.servers.postgres.psql(
        "SELECT award_id, seq FROM ledger WHERE kind = 'award'", deployment.database
    )
    known = dict(line.split("|") for line in found.splitlines())
    return np.array([int(known[award.award_id]) for award in awards])


def _text(spans: Taken, lags: Lags, servers: str, more: str) -> str:
    head = (
        "nodes", "connections", "awards/s", "p50 ms", "p99 ms", "group", "commits/s",
        "lag at the end s", "worst lag s", "feed lag s", *(f"CPU us an award: {KINDS[0]}",),
        *KINDS[1:],
    )  # fmt: skip
    rows = []
    for (count, connections), found in sorted(spans.items()):
        last = found[-1]
        ranked, fed, worst = (max(each) for each in zip(*lags[count, connections], strict=True))
        rows.append(
            (
                count,
                connections,
                whole(rate(found)),
                f"{p50(found):.1f}",
                f"{p99(found):.1f}",
                f"{median(each.group for each in found):.1f}",
                whole(last.commits),
                f"{ranked:.2f}",
                f"{worst:.2f}",
                f"{fed:.2f}",
                *(cpu(found, kind) for kind in KINDS),
            )
        )
    return (
        f"{servers}. Everything is on this machine. Ranking and limiter in Valkey, bus and feed in "
        "Kafka, tokens of 10,000 users, metrics, one viewer, connections spread over the nodes; "
        "medians, lags the worst of all rounds. Percentiles are those of the slowest node. After "
        "the run scores are the sums of the awards, and no acknowledged one is missing.\n\n"
        + table(head, rows)
        + f"\n\n{more}"
    )


def _data(spans: Taken, lags: Lags) -> dict[str, object]:
    return {
        f"{count}/{n}": [rate(found), p50(found), p99(found), max(lags[count, n])[0]]
        for (count, n), found in spans.items()
    }
