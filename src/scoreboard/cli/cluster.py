"""The nodes of a cluster, asked all at once, and what to say of them."""

import asyncio
import time
from datetime import datetime

import httpx2
import msgspec
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from scoreboard import wire
from scoreboard.web.node_detail import detail

ANSWER_S = 3.0
LAG_MAX_S = 1.0
CLOCKS_MAX_S = 1.0
FREE_MIN = 0.1

FORBIDDEN = (401, 403)

_TODO = {
    "degraded": "`scoreboard check` there says what, and why",
    "not ready": "wait if it has just been started or is leaving; else `scoreboard check` there",
    "refused": "name one with --token, or the cluster's SECRET_FILE",
}
"""What somebody does about a node in this state; of one that is away, it depends on how."""

HANGS = (
    "it was stopped, hangs, or has too much to do: `py-spy dump` shows where; end it and start it "
    "again, meanwhile another leads."
)


class Node(Struct, frozen=True, omit_defaults=True):
    """One node as it was seen.

    ``state`` is ready, degraded, not ready, away or refused; ``clock_s`` how far its clock is
    ahead of this machine's, if it said.
    """

    url: str
    state: str
    says: str = ""
    detail: wire.NodeDetail | None = None
    clock_s: float | None = None


async def look(urls: tuple[str, ...], token: str | None) -> tuple[Node, ...]:
    """Ask every node once; a node that does not answer is away."""
    async with httpx2.AsyncClient(timeout=ANSWER_S, trust_env=False) as http:
        return tuple(await asyncio.gather(*(_node(http, url, token) for url in urls)))


async def _node(http: httpx2.AsyncClient, url: str, token: str | None) -> Node:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = await http.get(f"{url}/readyz", headers=headers)
        if answer.status_code in FORBIDDEN:
            return Node(url, "refused", "the token is not one of an administrator here.")
        readiness = msgspec.json.decode(answer.content, type=wire.Readiness)
        if isinstance(readiness.node, wire.NodeDetail):
            return _seen(url, readiness, readiness.node)
        metrics = await http.get(f"{url}/metrics")
        return _seen(url, readiness, _from_metrics(metrics.text))
    except httpx2.ReadTimeout:
        return Node(url, "away", f"it takes connections and says nothing: {HANGS}")
    except httpx2.HTTPError:
        return Node(
            url, "away", "nothing answers: start it, or see why it is not reached from here."
        )
    except (msgspec.DecodeError, ValueError):
        return Node(url, "away", "something else than a node of scoreboard answers.")


def _seen(url: str, readiness: wire.Readiness, node: wire.NodeDetail) -> Node:
    clock_s = None
    if node.at is not None:
        clock_s = round(datetime.fromisoformat(node.at).timestamp() - time.time(), 3)
    if not readiness.ready:
        return Node(url, "not ready", ", ".join(readiness.reasons), node, clock_s)
    state = "degraded" if readiness.degraded else "ready"
    return Node(url, state, ", ".join(readiness.degraded), node, clock_s)


def totals_in(text: str) -> dict[str, float]:
    """The sum of each metric's samples, by name."""
    totals: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals


def _from_metrics(text: str) -> wire.NodeDetail:
    totals = totals_in(text)
    version = ""
    for family in text_string_to_metric_families(text):
        if family.name == "scoreboard_build_info":
            version = family.samples[0].labels["version"]
    return detail(
        lambda name: totals.get(name, 0.0),
        name="",
        role="",
        version=version,
        at=None,
        term=None,
        now_ms=int(time.time() * 1000),
    )


def advice(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """What somebody should see to, in sentences; nothing when all is well."""
    said = [_of_state(node) for node in nodes if node.state != "ready"]
    seen = [(node, node.detail) for node in nodes if node.detail is not None]
    leaders = [node.url for node, found in seen if found.leading]
    if seen and not leaders:
        said.append(
            "None of these nodes leads: boards stand still unless one that is not named does. "
            "If it lasts for more than ten seconds, look for lease.failed in their logs."
        )
    if len(leaders) > 1:
        said.append(f"More than one leads ({', '.join(leaders)}): they are of different clusters.")
    versions = sorted({found.version for _, found in seen})
    if len(versions) > 1:
        said.append(
            f"Versions differ ({', '.join(versions)}): fine during an upgrade, not after it."
        )
    for node, found in seen:
        said += _of_node(node, found)
    return tuple(said)


def _of_state(node: Node) -> str:
    said = f"{node.url}: {node.state}, {node.says}".rstrip(", ")
    todo = _TODO.get(node.state)
    return f"{said.rstrip('.')}: {todo}." if todo else said


def _of_node(node: Node, found: wire.NodeDetail) -> list[str]:
    said = []
    if found.relay_lag_s > LAG_MAX_S:
        said.append(
            f"{node.url}: the ranking is {found.relay_lag_s:.1f} s and {found.relay_backlog:,} "
            "postings behind: look at scoreboard_dependency_seconds, and at RANKING."
        )
    if found.data_size_bytes and found.data_free_bytes < FREE_MIN * found.data_size_bytes:
        share = found.data_free_bytes / found.data_size_bytes
        said.append(f"{node.url}: only {share:.0%} of the disk of DATA is free: make room.")
    if node.clock_s is not None and abs(node.clock_s) > CLOCKS_MAX_S + ANSWER_S:
        ahead = "ahead of" if node.clock_s > 0 else "behind"
        said.append(
            f"{node.url}: its clock is {abs(node.clock_s):.1f} s {ahead} this machine's: let both "
            "follow a time server."
        )
    return said
