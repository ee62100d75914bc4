"""nginx in front of nodes that share one database."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Require
from tests.deploy.front import Front
from tests.service_process import Service


class Cluster(NamedTuple):
    """Nodes, and nginx in front of them; ``front.data`` has the database that they share."""

    front: Front
    nodes: list[Service]


Make = Callable[..., Cluster]


@pytest.fixture(scope="session")
def nginx(require: Require) -> None:
    require("nginx", shutil.which("nginx"), "no nginx on PATH")


@pytest.fixture
def cluster_factory(tmp_path: Path, nginx: None) -> Iterator[Make]:
    """Starts nodes on one database with actions ``quiz`` (10) and ``slip`` (-3); nginx in front.

    ``first`` are addresses that stand in the list before those of the nodes; other parameters are
    settings of the nodes.
    """
    with contextlib.ExitStack() as stack:
        yield lambda *asked, **env: _started(tmp_path, stack, *asked, **env)


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory, nginx: None) -> Iterator[Cluster]:
    """Two nodes behind nginx for tests that change nothing."""
    with contextlib.ExitStack() as stack:
        yield _started(tmp_path_factory.mktemp("steady"), stack)


def _started(
    folder: Path,
    stack: contextlib.ExitStack,
    nodes: int = 2,
    *,
    first: Sequence[str] = (),
    **env: str,
) -> Cluster:
    shared = folder / "shared"
    shared.mkdir(mode=0o700)
    settings = {
        "SCOREBOARD_DATA": str(shared),
        "SCOREBOARD_TRUSTED_PROXIES": "127.0.0.1",
        **{f"SCOREBOARD_{name}": value for name, value in env.items()},
    }
    started = []
    for number in range(nodes):
        logs = folder / f"node{number}"
        logs.mkdir()
        node = Service(logs, settings)
        stack.callback(node.end)
        node.start()
        started.append(node)
        if number == 0:  # the next ones find them at once
            for action, points in (("quiz", 10), ("slip", -3)):
                node.put(f"actions/{action}", {"points": points})
    front = Front(shared, settings, [*first, *(f"127.0.0.1:{each.port}" for each in started)])
    stack.callback(front.end)
    front.start()
    return Cluster(front, started)
