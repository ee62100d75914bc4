"""``scoreboard status``: a running cluster, node by node, once or live."""

import asyncio
import sys
import time
from typing import Annotated

from cyclopts import Parameter
from msgspec import Struct
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from scoreboard import assembly
from scoreboard.cli.cluster import Node, advice, look
from scoreboard.cli.options import Data, Json, load, operations_url
from scoreboard.cli.terminal import OUT, Failure, print_json
from scoreboard.client.address import service_url
from scoreboard.core.token import Scope
from scoreboard.errors import Misconfigured
from scoreboard.settings import Settings

NODES_MAX = 100
TOKEN_TTL_S = 86_400
EVERY_MAX_S = 3_600
GIB = 1 << 30

WIDE = (
    "node", "state", "role", "version", "leads", "viewers", "awards/s", "waiting", "lag s",
    "behind", "posting", "free",
)  # fmt: skip
NARROW = ("node", "state", "leads", "viewers", "awards/s", "lag s", "behind")
WIDE_FROM = 120
TEXTS = frozenset({"node", "state", "role", "version", "leads"})

_STATES = {
    "ready": ("● ready", "green"),
    "degraded": ("● degraded", "yellow"),
    "not ready": ("● not ready", "yellow"),
    "away": ("✗ away", "bold red"),
    "refused": ("✗ refused", "bold red"),
}


class Status(Struct, frozen=True):
    """What ``--json`` prints."""

    nodes: tuple[Node, ...]
    advice: tuple[str, ...]


async def status(
    *urls: Annotated[
        str,
        Parameter(
            help="Each node's own address, or its OPS_LISTEN's; several with spaces or commas "
            "between. By default the one that the settings name."
        ),
    ],
    token: Annotated[
        str | None,
        Parameter(
            help="Token with the scope scores:admin. By default one signed with the local secret; "
            "without any, what /metrics tells everybody."
        ),
    ] = None,
    once: Annotated[
        bool, Parameter(negative="", show_default=False, help="Look once; exit code 1 if advised.")
    ] = False,
    every: Annotated[float, Parameter(help="Seconds between two looks.")] = 2.0,
    json: Json = False,
    data: Data = None,
) -> None:
    """Look at every node of a running cluster: who leads, how far behind it is, who watches.

    Nodes are those that you name: an address of a load balancer shows one node, a different one
    each time. It goes on until Ctrl-C; with --json, --once or no terminal it looks once.
    """
    if not 0.2 <= every <= EVERY_MAX_S:  # noqa: PLR2004 - said in the sentence
        raise Failure("--every is a number of seconds from 0.2 to 3600.")
    settings = load(data=data)
    addresses = _addresses(urls, settings)
    asked = token or _own_token(settings)
    if json or once or not OUT.is_terminal:
        _show_once(await look(addresses, asked), json=json)
        return
    await _watch(addresses, asked, every)


def _show_once(nodes: tuple[Node, ...], *, json: bool) -> None:
    found = Status(nodes, advice(nodes))
    if json:
        print_json(found)
    else:
        OUT.print(_drawn(nodes, {}))
    if found.advice:
        sys.exit(1)


async def _watch(addresses: tuple[str, ...], token: str | None, every_s: float) -> None:
    before: dict[str, tuple[float, int]] = {}
    with Live(console=OUT, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            nodes = await look(addresses, token)
            live.update(_drawn(nodes, _rates(nodes, before)), refresh=True)
            await asyncio.sleep(every_s)


def _rates(nodes: tuple[Node, ...], before: dict[str, tuple[float, int]]) -> dict[str, float]:
    """Awards a second since the last look; ``before`` is brought up to date."""
    now_s, rates = time.monotonic(), {}
    for node in nodes:
        if node.detail is None:
            before.pop(node.url, None)
            continue
        recorded = node.detail.recorded_awards
        if node.url in before:
            then_s, then = before[node.url]
            rates[node.url] = max(0, recorded - then) / (now_s - then_s)
        before[node.url] = (now_s, recorded)
    return rates


def _addresses(urls: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    named = [each.strip() for part in urls for each in part.split(",") if each.strip()]
    if not named:
        return (operations_url(settings),)
    if len(named) > NODES_MAX:
        raise Failure(f"Name at most {NODES_MAX} nodes.")
    try:
        return tuple(dict.fromkeys(service_url(each) for each in named))
    except ValueError as error:
        raise Failure(f"{error}.") from None


def _own_token(settings: Settings) -> str | None:
    """None where there is no secret to sign one with, or where it would not be taken."""
    if not settings.secret_file.exists():
        return None
    try:
        return assembly.local_token(
            settings, "cli:status", frozenset({Scope.ADMIN.value}), TOKEN_TTL_S
        )
    except Misconfigured:
        return None


def _drawn(nodes: tuple[Node, ...], rates: dict[str, float]) -> RenderableType:
    titles = WIDE if OUT.width >= WIDE_FROM else NARROW
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        right = title not in TEXTS
        table.add_column(title, justify="right" if right else "left", no_wrap=title != "node")
    for node in nodes:
        cells = _cells(node, rates.get(node.url))
        table.add_row(*(cells.get(title, Text()) for title in titles))
    lines = [Text.assemble(("! ", "yellow"), each) for each in advice(nodes)]
    return Group(table, *(lines or [Text("✓ nothing to see to", "green")]))


def _cells(node: Node, rate: float | None) -> dict[str, Text]:
    word, colour = _STATES[node.state]
    cells = {"node": Text(node.url.removeprefix("http://")), "state": Text(word, colour)}
    found = node.detail
    if found is None:
        return cells
    cells |= {
        "role": Text(found.role),
        "version": Text(found.version),
        "viewers": Text(f"{found.viewers:,}"),
        "awards/s": Text("" if rate is None else f"{rate:,.1f}"),
        "waiting": Text(f"{found.waiting_awards:,}"),
        "free": Text(f"{found.data_free_bytes / GIB:,.1f} GiB"),
    }
    if found.leading:
        cells |= {
            "leads": Text(f"term {found.term}" if found.term else "yes", "bold green"),
            "lag s": Text(f"{found.relay_lag_s:.2f}"),
            "behind": Text(f"{found.relay_backlog:,}"),
            "posting": Text(f"{found.ledger_seq:,}"),
        }
    return cells
