"""Awards a second, latency and CPU beside the baseline; with four windows; with repeats."""

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bench import server
from bench.load import Load, Outcome, award
from bench.plan import Plan, Section, median, say, table, whole
from bench.viewers import watching

CONNECTIONS = (1, 16, 64, 256)
REPEATED = (64, 256)
ALL_WINDOWS = ("all", "day", "week", "month")


class Miscounted(AssertionError):
    """The scores are not the sum of the awards: no figure of this run is worth anything."""


@dataclass(frozen=True)
class Run:
    """One measured span."""

    outcome: Outcome
    cpu_us: float


Runs = dict[tuple[str, int], list[Run]]


@dataclass
class Subject:
    """A running service, and how many of its awards were acknowledged."""

    name: str
    running: server.Running
    repeats: float = 0.0
    acknowledged: int = 0
    spans: int = 0

    def measure(self, plan: Plan, connections: int) -> Run:
        self.spans += 1
        load = Load(
            self.running.port,
            connections,
            plan.seconds,
            self.repeats,
            f"{self.name[:4]}{self.spans}",
        )
        before = self.running.cost()
        outcome = award(load, plan.tokens)
        cpu_s = self.running.cost().cpu_s - before.cpu_s
        self.acknowledged += outcome.requests
        run = Run(outcome, cpu_s / outcome.requests * 1e6)
        say(
            f"  {self.name:22} {connections:4} connections {outcome.rate:8.0f}/s  p50 "
            f"{outcome.p50_ms:.2f}  p99 {outcome.p99_ms:.2f} ms  cpu {run.cpu_us:.0f} us an award"
        )
        return run

    def check(self) -> None:
        """Raises: Miscounted: an acknowledged award is missing, or the sums differ."""
        place = self.running.place
        with contextlib.closing(
            sqlite3.connect(place.data / self.running.service.database, isolation_level=None)
        ) as database:
            database.execute("BEGIN")  # what the loader left behind is still being recorded
            awards = database.execute(self.running.service.count_awards).fetchone()[0]
            scores = database.execute(self.running.service.sum_scores).fetchone()[0]
        if scores != awards * server.POINTS:
            raise Miscounted(f"{self.name}: {awards} awards of 10 points, but scores of {scores}")
        if not self.repeats and awards < self.acknowledged:
            raise Miscounted(f"{self.name}: {self.acknowledged} acknowledged, {awards} recorded")


def awards(plan: Plan) -> Section:
    with contextlib.ExitStack() as stack:
        ours = _start(stack, plan, "ours", server.OURS)
        baseline = _start(stack, plan, "baseline", server.BASELINE)
        repeated = Subject("ours, 5 % repeated", ours.running, repeats=0.05)
        one_hop = _start(stack, plan, "one-hop", server.ONE_HOP)
        turns = [(s, n) for n in CONNECTIONS for s in (ours, baseline, one_hop)]
        turns += [(repeated, n) for n in REPEATED]
        runs = _in_turn(plan, turns)
        # The repeats share the ledger of `ours`: what it acknowledged stays a lower bound.
        ours.check()
        baseline.check()
        one_hop.check()
    return Section("Awards", _awards_text(runs), _data(runs))


def windows(plan: Plan) -> Section:
    with contextlib.ExitStack() as stack:
        one = _start(stack, plan, "all", server.OURS)
        four = _start(stack, plan, "four windows", server.OURS, ALL_WINDOWS)
        runs = _in_turn(plan, [(s, n) for n in REPEATED for s in (one, four)])
        one.check()
        four.check()
    rows = [
        (
            n,
            whole(_rate(runs["all", n])),
            whole(_rate(runs["four windows", n])),
            f"{_rate(runs['four windows', n]) / _rate(runs['all', n]):.2f}",
            f"{_p99(runs['four windows', n]):.1f}",
            f"{_cpu(runs['four windows', n]):.0f}",
        )
        for n in REPEATED
    ]
    head = (
        "connections",
        "`all`",
        "four windows",
        "ratio",
        "p99 ms, four",
        "CPU us an award, four",
    )
    text = (
        "Awards a second with the windows `all`, `day`, `week` and `month`, beside `all` alone.\n\n"
    )
    return Section("Windows", text + table(head, rows), _data(runs))


def _start(
    stack: contextlib.ExitStack,
    plan: Plan,
    name: str,
    service: server.Service,
    windows: tuple[str, ...] = ("all",),
) -> Subject:
    place = server.new_place(plan.root, plan.secret)
    running = stack.enter_context(server.running(service, place, windows=windows))
    stack.enter_context(watching(running.port, 1))
    return Subject(name, running)


def _in_turn(plan: Plan, turns: Sequence[tuple[Subject, int]]) -> Runs:
    runs: Runs = defaultdict(list)
    for _ in range(plan.rounds):
        for subject, connections in turns:
            runs[subject.name, connections].append(subject.measure(plan, connections))
    return runs


def _rate(runs: list[Run]) -> float:
    return median(run.outcome.rate for run in runs)


def _p50(runs: list[Run]) -> float:
    return median(run.outcome.p50_ms for run in runs)


def _p99(runs: list[Run]) -> float:
    return median(run.outcome.p99_ms for run in runs)


def _cpu(runs: list[Run]) -> float:
    return median(run.cpu_us for run in runs)


def _awards_text(runs: Runs) -> str:
    head = ("connections", "service", "awards/s", "times the baseline", "p50 ms", "p99 ms")
    rows = []
    for n in CONNECTIONS:
        for name in ("ours", "ours, 5 % repeated", "baseline", "one-hop"):
            if (name, n) in runs:
                found = runs[name, n]
                ratio = _rate(found) / _rate(runs["baseline", n])
                rows.append(
                    (
                        n,
                        name,
                        whole(_rate(found)),
                        f"{ratio:.1f}",
                        f"{_p50(found):.2f}",
                        f"{_p99(found):.2f}",
                        f"{_cpu(found):.0f}",
                    )
                )
    shares = "; ".join(
        f"{_rate(runs['ours, 5 % repeated', n]) / _rate(runs['ours', n]):.2f} at {n} connections"
        for n in REPEATED
    )
    return (
        "Ours and the baseline run side by side and are measured in turn; medians. Tokens of "
        "10,000 users, limiter, metrics, relay, one viewer; every commit flushed to disk. "
        "After the run the scores are the sum of the awards, and no acknowledged one is missing. "
        "*one-hop* is the baseline with its transaction in plain SQL in one thread, no ORM.\n\n"
        + table((*head, "server CPU us an award"), rows)
        + f"\n\nWith 5 % of the awards sent again: {shares} of the rate without."
    )


def _data(runs: Runs) -> dict[str, object]:
    return {
        f"{name}/{n}": [_rate(found), _p50(found), _p99(found), _cpu(found)]
        for (name, n), found in runs.items()
    }
