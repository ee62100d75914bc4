"""It is promised that a real Prometheus sees what happens, says so, and can draw every panel.

The rules are those of deploy/, sixty times as fast: an hour of theirs is a minute here.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import pytest

from bench.viewers import watching
from tests.acceptance.test_faults_viewers import UPGRADE
from tests.cluster import Cluster
from tests.conftest import Require
from tests.deploy.monitoring import queries, write_in_a_hurry
from tests.servers.prometheus import Prometheus, program, running
from tests.service_process import Service, eventually

HEARD = {"pending", "firing"}
SEEN_WITHIN_S = 60
USERS = 20
LIMITS = {
    "SCOREBOARD_USER_RATE": "600/60s",
    "SCOREBOARD_VIEWERS_PER_ADDRESS": "4",
}
VARIABLES = {"$job": ".*", "$instance": ".*", "$__rate_interval": "5s", "$__interval": "5s"}


class States:
    """Every state in which an alert was seen, looked at all the time."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._ended = threading.Event()
        self._seen: dict[str, set[str]] = {}
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def of(self, alert: str) -> set[str]:
        return set(self._seen.get(alert, ()))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            for alert, states in self._prometheus.alerts().items():
                self._seen.setdefault(alert, set()).update(states)


@contextlib.contextmanager
def playing(nodes: list[Service]) -> Iterator[None]:
    """Ordinary players: each gets some points now and then."""
    ended = threading.Event()
    tokens = {f"u{number}": nodes[0].token(f"u{number}") for number in range(USERS)}

    def play() -> None:
        turn = 0
        while not ended.wait(0.02):
            for user, token in tokens.items():
                with contextlib.suppress(OSError):
                    nodes[turn % len(nodes)].award(user, "quiz", token=token)
                turn += 1
                if ended.is_set():
                    return

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.xdist_group("prometheus")
def test_alerts_are_heard_and_every_panel_has_data(
    cluster_factory: Callable[..., Cluster], tmp_path: Path, require: Require
) -> None:
    require("prometheus", program(), "no prometheus on PATH")
    cluster = cluster_factory("mock")
    nodes = cluster.started(2, LIMITS)
    rules = write_in_a_hurry(tmp_path)
    ports = [node.port for node in nodes]
    with contextlib.ExitStack() as stack:
        prometheus = stack.enter_context(running(tmp_path / "prometheus", ports, rules))
        states = States(prometheus)
        stack.callback(states.end)
        stack.enter_context(watching(ports, 4))
        stack.enter_context(playing(nodes))
        provoke_refusals(nodes[0])
        eventually(
            lambda: prometheus.query("scoreboard:user_gain_points:usual1d"), within_s=SEEN_WITHIN_S
        )
        ensure_every_panel_has_data(prometheus)
        assert not states.of("ScoreboardScoreSpike")
        assert not states.of("ScoreboardDependencyLost")
        assert not states.of("ScoreboardRelayLag")

        nodes[0].put("actions/jackpot", {"points": 1_000_000})
        eventually(lambda: nodes[0].award("lucky", "jackpot").status == 200)
        eventually(lambda: "firing" in states.of("ScoreboardScoreSpike"), within_s=SEEN_WITHIN_S)

        cluster.valkey.pause()
        for alert in ("ScoreboardDependencyLost", "ScoreboardRelayLag"):
            eventually(lambda a=alert: states.of(a) >= HEARD, within_s=SEEN_WITHIN_S)
        cluster.valkey.resume()
        eventually(
            lambda: "ScoreboardDependencyLost" not in prometheus.alerts(), within_s=SEEN_WITHIN_S
        )
        eventually(lambda: "ScoreboardRelayLag" not in prometheus.alerts(), within_s=SEEN_WITHIN_S)


def ensure_every_panel_has_data(prometheus: Prometheus) -> None:
    wanting = []
    for board, panel, expression in queries():
        asked = reduce(lambda text, pair: text.replace(*pair), VARIABLES.items(), expression)
        found = prometheus.query(asked)  # also: Prometheus understands it
        if not found and not panel.startswith("annotation "):
            wanting.append(f"{board}: {panel}: {expression}")
    assert not wanting, "\n".join(wanting)


def provoke_refusals(node: Service) -> None:
    """One of everything that is counted by reason, so that each panel has a line."""
    node.put("actions/rare", {"points": 1, "cooldown_s": 3_600})
    node.put("actions/shadowed", {"points": 1, "cooldown_s": 3_600, "shadow": True})
    for action in ("rare", "shadowed"):
        eventually(lambda a=action: node.award("refused", a).status != 400)
        node.award("refused", action)
    node.award("refused", "quiz", token="no.token.at-all")
    signature = f"key=nobody.1,ts=1,nonce={'n' * 16},v1={'A' * 86}"
    node.award("refused", "quiz", headers={"Action-Signature": signature})
    node.get("/v1/scoreboard", padding="x" * 20_000)
    for _ in range(601):
        node.award("greedy", "quiz")
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(_viewer(node)) for _ in range(6)]
        peers[0].sendall(b"\xff" * 64)  # no frame of any kind
        peers[0].recv(4_096)


@contextlib.contextmanager
def _viewer(node: Service) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", node.port), 10) as peer:
        peer.sendall(UPGRADE)
        peer.recv(12)
        yield peer
