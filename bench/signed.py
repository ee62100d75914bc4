"""What a signature costs an award: signed, named and plain awards on one service, in turn."""

import secrets
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench import server
from bench.load import ACTION, Load, LoadError, award_once
from bench.plan import Plan, Section, median, say, table, whole
from scoreboard.client.signing import HEADER, Signer

CONNECTIONS = 64
LINES_A_SECOND = 20_000
"""More than are sent: each award is one of its own."""
AIM_US = 150
KEY = "bench.k1"
PLAIN, NAMED, SIGNED = "plain", "with an `Idempotency-Key`", "signed, Ed25519"

Header = Callable[[str], str]
"""What is sent with an award of a user: a header, or nothing."""


def signed(plan: Plan) -> Section:
    place = server.new_place(plan.root, plan.secret)
    with server.running(_SIGNING, place) as running:
        signer = Signer.from_file(KEY, place.data / "keys" / KEY)
        kinds: dict[str, Header] = {
            PLAIN: lambda _: "",
            NAMED: lambda _: f"Idempotency-Key: {secrets.token_urlsafe(18)}",
            SIGNED: lambda user: f"{HEADER}: {signer.sign(user, ACTION)}",
        }
        spent: dict[str, list[float]] = defaultdict(list)
        for number in range(plan.rounds + 1):
            for kind, header in kinds.items():
                cpu_us = _measured(plan, running, kind, header)
                if number:  # the first round warms up
                    spent[kind].append(cpu_us)
    return Section("Signed awards", _text(spent))


def _preparations(windows: tuple[str, ...]) -> list[list[str]]:
    key = [sys.executable, "-m", "scoreboard", "key", "new", KEY]
    return [*server.OURS.preparations(windows), key]


_SIGNING = replace(server.OURS, preparations=_preparations)


def _measured(plan: Plan, running: server.Running, kind: str, header: Header) -> float:
    lines = round(LINES_A_SECOND * plan.seconds)
    file = _written(plan, lines, header)
    load = Load(running.port, CONNECTIONS, plan.seconds)
    before = running.cost().cpu_s
    outcome = award_once(load, file)
    cpu_us = (running.cost().cpu_s - before) / outcome.requests * 1e6
    if outcome.requests > lines:
        raise LoadError(f"{outcome.requests} awards were sent and only {lines} made")
    say(f"  {kind:26} {outcome.rate:7.0f}/s  cpu {cpu_us:.0f} us an award")
    return cpu_us


def _written(plan: Plan, lines: int, header: Header) -> Path:
    users = plan.tokens.read_text().splitlines()
    path = plan.root / "awards"
    with path.open("w") as file:
        for number in range(lines):
            line = users[number * 7919 % len(users)]
            file.write(f"{line} {header(line.partition(' ')[0])}\n")
    return path


def _text(spent: dict[str, list[float]]) -> str:
    plain = median(spent[PLAIN])
    rows = [
        (
            kind,
            whole(median(found)),
            f"{median(found) / plain:.2f}",
            f"{median(found) - plain:+.0f}",
        )
        for kind, found in spent.items()
    ]
    head = ("awards", "CPU us", "times a plain one", "us more")
    more = _more(spent[PLAIN], spent[SIGNED])
    return (
        f"CPU of the whole service an award at {CONNECTIONS} connections, the kinds in turn on one "
        "service, each award a new one with a signature of its own; medians. A signature names "
        "its award, as an `Idempotency-Key` does, so its place is also looked up. Round by round "
        f"a signed award took {more} us more than a plain one; at most {AIM_US} are wanted.\n\n"
        + table(head, rows)
    )


def _more(plain: Sequence[float], dear: Sequence[float]) -> str:
    return ", ".join(f"{two - one:.0f}" for one, two in zip(plain, dear, strict=True))
