"""Valkey emptied every second under load: latency beside quiet, wrong answers, lost awards."""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ResponseError

from bench import scale, server
from bench.load import ACTION
from bench.nodes import everything_on
from bench.plan import Plan, Section, say, table, whole
from bench.servers import Deployment, metrics, serving
from bench.viewers import watching

CONNECTIONS = 64
SPAN_S, QUICK_SPAN_S = 60, 10
EVERY_S = 1.0
# All load comes from one address, whose log would hold a minute of everybody's requests.
NO_ADDRESSES = {"SCOREBOARD_IP_RATE": "0/60s"}
WITNESS = "witness"
PAUSE_S = 0.02
TOP = 10


@dataclass
class Witness:
    """One user's awards and reads, each answer judged, and tops kept to be judged later."""

    port: int
    token: str
    score: int = 0
    answers: int = 0
    refused: int = 0
    behind: int = 0
    wrong: list[str] = field(default_factory=list)
    tops: list[dict[str, Any]] = field(default_factory=list)

    def turn(self) -> None:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(link):
            self._award(link)
            self._standing(link)
            status, top = _ask(link, "GET", "/v1/boards/default/top?limit=10")
            self._judge(status == 200, f"top {status}")
            if status == 200:
                self.tops.append(top)

    def _award(self, link: http.client.HTTPConnection) -> None:
        body = json.dumps({"user_id": WITNESS, "action_id": ACTION})
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        status, answer = _ask(link, "POST", "/v1/scores", body, headers)
        if status == 200:
            self.score += server.POINTS
            self._judge(answer["new_score"] == self.score, f"new_score {answer}")
        else:
            self._judge(False, f"POST {status}")  # noqa: FBT003 - it was judged

    def _standing(self, link: http.client.HTTPConnection) -> None:
        status, answer = _ask(link, "GET", f"/v1/boards/default/users/{WITNESS}")
        if status == 503:
            self.refused += 1  # said so, instead of a wrong rank
        elif status == 404:
            # Where the ranking is, the first award may still be on its way.
            self._judge(self.score <= server.POINTS, "no standing")
        else:
            score = answer["score"] if status == 200 else -1
            self.behind += score < self.score
            self._judge(0 < score <= self.score and score % server.POINTS == 0, f"{answer}")

    def _judge(self, right: bool, said: str) -> None:  # noqa: FBT001 - the verdict
        self.answers += 1
        if not right:
            self.wrong.append(said)


def flush(plan: Plan) -> Section:
    span_s = QUICK_SPAN_S if plan.quick else SPAN_S
    with serving(kafka=True) as servers:
        deployment = Deployment.new(plan, servers, "flush", everything_on(servers) | NO_ADDRESSES)
        with deployment.started(2) as several, watching(several[-1].port, 1):
            scale.measure(deployment, several, 16, 1)
            witness = Witness(several[0].port, plan.secret.token(WITNESS))
            found = {}
            with _every(PAUSE_S, witness.turn):
                found["quiet"] = scale.measure(deployment, several, CONNECTIONS, span_s)
                with _flushed(servers.valkey.client) as flushes:
                    found["flushed every second"] = scale.measure(
                        deployment, several, CONNECTIONS, span_s
                    )
                found["quiet again"] = scale.measure(deployment, several, CONNECTIONS, span_s)
            for name, span in found.items():
                scale.tell(name, CONNECTIONS, span)
            rebuilds = sum(metrics(node, "scoreboard_rebuilds_total")[0] for node in several)
        deployment.acknowledged += witness.score // server.POINTS
        deployment.check()
        wrong = [*witness.wrong, *wrong_tops(deployment, witness.tops)]
        words = servers.words
    say(f"  {witness.answers} answers judged, {len(wrong)} wrong: {wrong[:5]}")
    usual = (found["quiet"].outcome.p99_ms + found["quiet again"].outcome.p99_ms) / 2
    worse = found["flushed every second"].outcome.p99_ms / usual
    rows = [
        (name, whole(span.outcome.rate), f"{span.outcome.p50_ms:.1f}", f"{span.outcome.p99_ms:.1f}")
        for name, span in found.items()
    ]
    text = (
        f"{words}. Limits by address are off. Two nodes, {CONNECTIONS} connections of load for "
        f"{span_s} s each, one viewer; "
        f"`FLUSHALL` {flushes[0]} times, {rebuilds:.0f} rebuilds. A POST's p99 is {worse:.2f} "
        f"times that without. One user's awards and standings and the top ten were read beside it: "
        f"{witness.answers:,} answers judged, {len(wrong)} wrong (each top is compared with the "
        f"ledger's at its seq), {witness.refused} standings refused with 503, {witness.behind} "
        "behind the newest award. No acknowledged award is missing.\n\n"
    )
    head = ("", "awards/s", "p50 ms", "p99 ms")
    return Section("Valkey emptied", text + table(head, rows), {"worse": [worse, len(wrong)]})


def wrong_tops(deployment: Deployment, tops: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What tops say that the ledger did not say at their seq."""
    ledger = deployment.servers.postgres.psql(
        "SELECT l.seq, u.user_id, l.points FROM ledger l JOIN users u USING (user_ref) "
        "WHERE l.kind = 'award' ORDER BY l.seq",
        deployment.database,
    )
    lines = iter(line.split("|") for line in ledger.splitlines())
    scores: dict[str, tuple[int, int]] = {}  # the score, and minus the seq that reached it
    seq = 0
    for top in sorted({each["seq"]: each for each in tops}.values(), key=lambda each: each["seq"]):
        while seq < top["seq"]:
            found = next(lines, None)
            if found is None:
                break
            seq = int(found[0])
            scores[found[1]] = (scores.get(found[1], (0, 0))[0] + int(found[2]), -seq)
        best = sorted(scores.items(), key=lambda item: item[1], reverse=True)[:TOP]
        right = [(user, score) for user, (score, _) in best]
        said = [(row["user_id"], row["score"]) for row in top["rows"]]
        if said != right:
            yield f"top at {top['seq']}: {said} instead of {right}"


@contextlib.contextmanager
def _flushed(client: Callable[[], Any]) -> Iterator[list[int]]:
    flushes = [0]
    with contextlib.closing(client()) as redis:

        def empty() -> None:
            with contextlib.suppress(ResponseError):  # BUSY: a script runs for seconds
                redis.flushall()
                flushes[0] += 1

        with _every(EVERY_S, empty):
            yield flushes
        slow = max((each["duration"] / 1e6 for each in redis.slowlog_get(128)), default=0.0)
        say(f"  the longest command of Valkey took {slow:.2f} s")


@contextlib.contextmanager
def _every(pause_s: float, turn: Callable[[], None]) -> Iterator[None]:
    """Do something again and again in a thread, for as long as this lasts."""
    ended, failed = threading.Event(), []

    def run() -> None:
        try:
            while not ended.wait(pause_s):
                turn()
        except Exception as error:  # noqa: BLE001 - raised again where it is awaited
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failed:
        raise failed[0]


def _ask(
    link: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any]:
    link.request(method, path, body, headers or {})
    answer = link.getresponse()
    return answer.status, json.loads(answer.read())
