"""What metrics cost an award: the same awards in one process, with metrics and without, in turn."""

import asyncio
import contextlib
import statistics
import time
from pathlib import Path
from typing import Any

from bench.plan import Plan, Section, say, table
from scoreboard import assembly
from scoreboard.assembly.node import Node
from scoreboard.assembly.services import services_of
from scoreboard.core.award import Recorded
from scoreboard.core.posting import Kind, Posting
from scoreboard.service.tally import Tally
from scoreboard.settings import load
from scoreboard.telemetry import Telemetry, now_s
from scoreboard.telemetry.request import RequestContext
from scoreboard.web.access import AccessLog
from scoreboard.web.answered import Answered

AWARDS = 640
AT_ONCE = 64
TURNS, QUICK_TURNS = 60, 30
AIM_US = 8.0
CALLS = 200_000


class Nothing:
    """Stands for every metric, and does nothing."""

    def labels(self, *_: object) -> "Nothing":
        return self

    def time(self) -> Any:
        return _NULL

    def inc(self, *_: object) -> None: ...

    dec = set = observe = set_function = inc


_NULL = contextlib.nullcontext()


class Silent(Telemetry):
    """No metrics: what a call costs is still there, what it does is not."""

    def child(self, name: str, *labels: str) -> Any:  # noqa: ARG002 - the same for all
        return _NOTHING


_NOTHING = Nothing()


def calls_us(telemetry: Telemetry) -> float:
    """CPU of the calls that one award makes, the only one of its group; the least of 3 rounds."""
    answered = Answered("/v1/scores", AccessLog(0), telemetry)
    recorded = telemetry.child("scoreboard_awards_total", "recorded")
    size, commit = (
        telemetry.child(f"scoreboard_{name}") for name in ("group_size", "commit_seconds")
    )
    tally, request = Tally(telemetry), RequestContext()
    posting = Posting(
        seq=1, epoch=1, award_id="a", kind=Kind.AWARD, board="default", at=1, counts_at=1,
        caller="b", user_id="u", action_id="quiz", points=1, score_after=1,
    )  # fmt: skip
    outcomes = [Recorded(posting)]
    rounds = []
    for _ in range(3):
        began_s = time.process_time()
        for _ in range(CALLS):
            at_s = now_s()
            commit.observe(now_s() - at_s, None)
            size.observe(1)
            tally.count(outcomes)
            recorded.inc()
            answered.note("POST", 200, at_s, request)
        rounds.append((time.process_time() - began_s) / CALLS * 1e6)
    return min(rounds)


def metrics(plan: Plan) -> Section:
    with_us, without_us = calls_us(Telemetry()), calls_us(Silent())
    say(f"  {with_us:.2f} us of calls an award, {without_us:.2f} with nothing behind them")
    turns = QUICK_TURNS if plan.quick else TURNS
    found = asyncio.run(_turns(plan.root, turns))
    differences = [on - off for on, off in found]
    cost = statistics.median(differences)
    quarter, _, third = statistics.quantiles(differences, n=4)
    say(f"  {cost:.1f} us an award")
    rows = [
        (how, f"{statistics.median(us):.1f}", f"{min(us):.1f}")
        for how, us in zip(("on", "off"), zip(*found, strict=True), strict=True)
    ]
    text = (
        f"CPU an award (user and system) of two nodes in one process without a network, "
        f"{AT_ONCE} awards at once, {turns} turns of {AWARDS:,} each. *off* has a telemetry that "
        f"does nothing. Median of the turns' differences: **{cost:.1f} us** (quartiles "
        f"{quarter:.1f} and {third:.1f}), with the machine's noise in it. The same "
        f"calls alone, {CALLS:,} "
        f"awards in groups of one, the least of 3 rounds: **{with_us:.2f} us** an award, "
        f"{without_us:.2f} with nothing behind them; the aim is at most {AIM_US:.0f}.\n\n"
        + table(("metrics", "median us", "least us"), rows)
    )
    return Section("Metrics", text, {"cost_us": cost, "calls_us": with_us})


async def _turns(root: Path, turns: int) -> list[tuple[float, float]]:
    async with contextlib.AsyncExitStack() as stack:
        nodes = [
            await _node(root / "on", Telemetry(), stack),
            await _node(root / "off", Silent(), stack),
        ]
        for app, token in nodes:
            await _awards(app, token, AWARDS)
        return [await _turn(nodes, number) for number in range(turns)]


async def _turn(nodes: list[tuple[Any, str]], number: int) -> tuple[float, float]:
    spent = [0.0, 0.0]
    for place in (0, 1) if number % 2 else (1, 0):
        began_s = time.process_time()
        await _awards(*nodes[place], AWARDS)
        spent[place] = (time.process_time() - began_s) / AWARDS * 1e6
    return spent[0], spent[1]


async def _node(
    home: Path, telemetry: Telemetry, stack: contextlib.AsyncExitStack
) -> tuple[Any, str]:
    home.mkdir(mode=0o700, parents=True)  # noqa: ASYNC240 - nothing else runs yet
    flags = {"DATA": home, "USER_RATE": "0", "IP_RATE": "0"}
    settings = load(flags, {}, home)
    scopes = frozenset({"scores:write", "scores:admin"})
    token = assembly.local_token(settings, "bench", scopes, 3_600)
    services = await services_of(settings, telemetry, stack)
    node = await Node.made(services, services.backends.secret, "http://127.0.0.1:8000", stack)
    await _ask(node.app, token, "PUT", "/v1/admin/actions/quiz", b'{"points":1,"reason":"b"}')
    return node.app, token


async def _awards(app: Any, token: str, count: int) -> None:
    async def player(number: int) -> None:
        body = b'{"user_id":"user-%d","action_id":"quiz"}' % number
        for _ in range(count // AT_ONCE):
            await _ask(app, token, "POST", "/v1/scores", body)

    await asyncio.gather(*(player(number) for number in range(AT_ONCE)))


async def _ask(app: Any, token: str, method: str, path: str, body: bytes) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200, message

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "client": ("127.0.0.1", 1), "root_path": "", "extensions": {},
        "headers": [
            (b"authorization", b"Bearer " + token.encode()), (b"content-type", b"application/json"),
        ],
    }  # fmt: skip
    await app(scope, receive, send)
