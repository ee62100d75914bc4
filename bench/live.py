"""Fan-out beside the bare-send floor and the baseline, memory a viewer, and freshness."""

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import floor, process, server
from bench.pace import Pacer, Sent
from bench.plan import Plan, Section, median, say, table
from bench.viewers import Audience, watching

VIEWERS = (100, 1_000, 5_000)
BASELINE_UP_TO = 1_000
FRAMES_PER_S = 10_000
BOARDS_PER_S = 10
FRESH_VIEWERS = 1_000
FRESH_RATE = 500
WARM_UP = 20


@dataclass(frozen=True)
class Fan:
    """A service with viewers, how to make it send boards, and what those awards cost alone."""

    name: str
    pid: int
    audience: Audience
    pace: Callable[[float, float], object]
    award_cpu_s: float
    viewer_bytes: float

    def measure(self, rate: float, seconds: float) -> tuple[float, float]:
        """CPU microseconds per delivered frame: all of it, and without that of the awards."""
        frames = self.audience.settled()
        before = process.cost(self.pid).cpu_s
        self.pace(rate, seconds)
        frames = self.audience.settled() - frames
        used_s = process.cost(self.pid).cpu_s - before
        awards_s = self.award_cpu_s * rate * seconds
        gross, net = used_s / frames * 1e6, (used_s - awards_s) / frames * 1e6
        say(f"  {self.name:9} {frames:7} frames {gross:6.2f} us a frame, {net:.2f} without awards")
        return gross, net


def fanout(plan: Plan) -> Section:
    rows, data = [], {}
    for viewers in VIEWERS:
        say(f"  {viewers} viewers")
        with contextlib.ExitStack() as stack:
            fans = _fans(stack, plan, viewers)
            rate = min(BOARDS_PER_S, FRAMES_PER_S / viewers)
            found = defaultdict(list)
            for _ in range(plan.rounds):
                for fan in fans:
                    found[fan.name].append(fan.measure(rate, plan.seconds))
            base = median(gross for gross, _ in found["floor"])
            for fan in fans:
                gross = median(run[0] for run in found[fan.name])
                net = median(run[1] for run in found[fan.name])
                data[f"{fan.name}/{viewers}"] = [gross, net, fan.viewer_bytes]
                memory = f"{fan.viewer_bytes / 1024:.1f}" if fan.viewer_bytes else ""
                cells = (f"{viewers:,}", fan.name, f"{gross:.2f}", f"{gross / base:.2f}")
                rows.append((*cells, f"{net:.2f}", f"{net / base:.2f}", memory))
    head = ("viewers", "service", "us a frame", "times the floor", "us without awards")
    text = (
        "Server CPU (user and system, from /proc) per board delivered to a viewer; medians. The "
        "floor is a loop of `send(2)` over as many sockets with the same bytes, the viewers are "
        "the same program. Each board comes from one award; *without awards* subtracts what the "
        "same awards cost with nobody watching. Memory is the growth of anonymous memory, without "
        "the kernel's socket buffers.\n\n"
    )
    return Section("Fan-out", text + table((*head, "times the floor", "KiB a viewer"), rows), data)


def _fans(stack: contextlib.ExitStack, plan: Plan, viewers: int) -> list[Fan]:
    ours = _service(stack, plan, viewers, server.OURS)
    frame_file = plan.root / "frame"
    frame_file.write_bytes(bytes.fromhex(ours.audience.ask("frame")["frame"]))
    bare = stack.enter_context(floor.running(viewers, frame_file))
    audience = stack.enter_context(watching(bare.port, viewers))
    fans = [Fan("floor", bare.pid, audience, bare.pace, 0, 0), ours]
    if viewers <= BASELINE_UP_TO:
        fans.append(_service(stack, plan, viewers, server.BASELINE))
    return fans


def _service(stack: contextlib.ExitStack, plan: Plan, viewers: int, service: server.Service) -> Fan:
    place = server.new_place(plan.root, plan.secret)
    running = stack.enter_context(server.running(service, place))
    pacer = Pacer(running.port, plan.tokens)
    with watching(running.port, WARM_UP) as some:
        pacer.run(WARM_UP, 2)
        some.settled()
    before = running.cost().cpu_s
    pacer.run(BOARDS_PER_S, plan.seconds)
    award_cpu_s = (running.cost().cpu_s - before) / (BOARDS_PER_S * plan.seconds)
    before = running.cost().rss_bytes
    audience = stack.enter_context(watching(running.port, viewers))
    pacer.run(2, 1)
    audience.settled()
    grown = (running.cost().rss_bytes - before) / viewers
    name = "ours" if service is server.OURS else service.name
    return Fan(name, running.pid, audience, pacer.run, award_cpu_s, grown)


def freshness(plan: Plan) -> Section:
    place = server.new_place(plan.root, plan.secret)
    with (
        server.running(server.OURS, place) as running,
        watching(running.port, FRESH_VIEWERS) as audience,
    ):
        pacer = Pacer(running.port, plan.tokens)
        pacer.run(FRESH_RATE, 1)
        audience.settled()
        audience.ask("reset")
        before = running.cost().cpu_s
        awards = pacer.run(FRESH_RATE, plan.seconds * 2)
        cpu = (running.cost().cpu_s - before) / (plan.seconds * 2)
        frames = audience.settled()
        audience.ask(f"save {plan.root / 'arrivals'}")
    seqs = _seqs(place.data / server.OURS.database, awards)
    sent, answered = waits(plan.root / "arrivals", awards, seqs)
    answers = [award.answered_s - award.sent_s for award in awards]
    rows = [
        percentiles("award sent to answer", np.array(answers)),
        percentiles("award sent to board at the viewer", sent),
        percentiles("answer to board at the viewer", answered),
    ]
    text = (
        f"{FRESH_VIEWERS:,} viewers, {FRESH_RATE} awards a second for {plan.seconds * 2:.0f} s, "
        "each of which changes the top ten: every pair of an award and a viewer counts, up to the "
        "first board that contains the award (`refresh_ms` is 50). The answer follows the "
        f"commit, so the last line is commit to viewer within the time of an answer. "
        f"{frames:,} frames; "
        f"the server used {cpu:.0%} of a core.\n\n"
    )
    figures = [float(np.percentile(answered, p) * 1000) for p in (50, 99)]
    head = ("", "p50 ms", "p90 ms", "p99 ms", "most ms")
    return Section("Freshness", text + table(head, rows), {"answered/1000": figures})


def percentiles(name: str, waits_s: np.ndarray) -> tuple[str, ...]:
    found = np.percentile(waits_s, (50, 90, 99, 100)) * 1000
    say(f"  {name}: " + "  ".join(f"{value:.1f}" for value in found) + " ms (50, 90, 99, 100)")
    return (name, *(f"{value:.1f}" for value in found))


def _seqs(database: Path, awards: list[Sent]) -> np.ndarray:
    with contextlib.closing(sqlite3.connect(database)) as db:
        known = dict(db.execute("SELECT award_id, seq FROM ledger WHERE kind = 'award'"))
    return np.array([known[award.award_id] for award in awards])


def waits(prefix: Path, awards: list[Sent], seqs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seconds from sending, and from the answer, to each viewer's first board with the award."""
    who, seen = (np.fromfile(f"{prefix}.{name}", dtype=np.int64) for name in ("who", "seq"))
    times = np.fromfile(f"{prefix}.time", dtype=np.float64)
    sent_s = np.array([award.sent_s for award in awards])
    answered_s = np.array([award.answered_s for award in awards])
    viewers = np.unique(who)
    assert len(viewers) == FRESH_VIEWERS, f"{len(viewers)} viewers were sent boards"
    sent, answered = [], []
    for viewer in viewers:
        mine = who == viewer
        first = np.searchsorted(seen[mine], seqs)
        assert first.max() < mine.sum(), "a viewer never got the last award"
        arrived_s = times[mine][first]
        sent.append(arrived_s - sent_s)
        answered.append(arrived_s - answered_s)
    return np.concatenate(sent), np.concatenate(answered)
