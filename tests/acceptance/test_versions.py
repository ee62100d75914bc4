"""It is promised that an older version and this one work side by side while nodes are replaced."""

import asyncio
import contextlib
import io
import signal
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.crowd import until
from tests.acceptance.traffic import Traffic
from tests.cluster import Cluster
from tests.conftest import Require
from tests.service_process import Service

ROOT = Path(__file__).parents[2]
OLDER = "a9761bd0dadf369104086e9002fb6a65fcd32bfd"
"""Many nodes, before users had a status and rules more than caps."""

GRACE_S = 12

Make = Callable[..., Cluster]


@pytest.fixture
def older(tmp_path: Path, require: Require) -> str:
    """The folder of the older version's package."""
    asked = ["git", "-C", str(ROOT), "archive", OLDER, "src"]
    try:
        archive = subprocess.run(asked, capture_output=True, check=False)
        found = archive.returncode == 0
    except FileNotFoundError:
        found = False
    require("history", found, "a clone of the repository with its history, and git")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(tmp_path / "older", filter="data")
    return str(tmp_path / "older/src")


async def test_nodes_are_replaced_by_newer_ones_under_load(
    cluster_factory: Make, older: str
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    nodes = [cluster.node({"PYTHONPATH": older}, start=False) for _ in range(3)]
    for node in nodes:
        await asyncio.to_thread(node.start)
    for action, points in (("quiz", 10), ("slip", -3)):
        await asyncio.to_thread(nodes[0].put, f"actions/{action}", {"points": points})
    for node in nodes:
        await until(lambda node=node: knows(node, "slip"))
    async with Traffic.on(cluster) as traffic:
        await asyncio.to_thread(Service(cluster.home, cluster.env).command, "migrate")
        await traffic.lively()
        for node in nodes:
            await asyncio.to_thread(leave, node)
            del node.env["PYTHONPATH"]
            await asyncio.to_thread(node.start)
            await traffic.lively()
        await traffic.settle()
    # And what is new works on what the older one has left.
    assert nodes[0].get("/v1/ledger/head").json()["seq"] > 0


def leave(node: Service) -> None:
    """As a supervisor does it: the older version now and then hangs on its way out."""
    assert node.process is not None
    node.process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        node.process.wait(GRACE_S)
    node.kill()


def knows(node: Service, action: str) -> bool:
    token = node.token("admin", "scores:admin")
    return node.get(f"/v1/admin/actions/{action}", Authorization=f"Bearer {token}").status == 200
