"""It is promised that somebody who operates a cluster sees what ails it at a glance."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scoreboard import wire
from scoreboard.cli import cluster, running
from scoreboard.cli.cluster import Node, advice
from scoreboard.settings import load
from tests.service_process import Answer, Service, free_port

NODE = wire.NodeDetail(
    name="a:1:x", role="all", version="1.0.0", at=None, uptime_s=1, leading=True, term=1,
    ledger_seq=1, ranking_seq=1, relay_lag_s=0.0, relay_backlog=0, feed_backlog=0,
    waiting_awards=0, recorded_awards=0, viewers=0, data_free_bytes=50, data_size_bytes=100,
)  # fmt: skip
STANDBY = replace(NODE, leading=False, term=None)


def ready(detail: wire.NodeDetail, url: str = "http://a", **more: Any) -> Node:
    return Node(url, "ready", detail=detail, **more)


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([ready(NODE), ready(STANDBY)], None),
        ([ready(NODE), Node("http://b", "away", "nothing answers.")], "http://b: away"),
        ([ready(STANDBY)], "None of these nodes leads"),
        ([ready(NODE), ready(NODE, "http://b")], "More than one leads (http://a, http://b)"),
        ([ready(NODE), ready(replace(STANDBY, version="1.1.0"))], "Versions differ (1.0.0, 1.1.0)"),
        ([ready(replace(NODE, relay_lag_s=2.5, relay_backlog=1_200))], "2.5 s and 1,200 postings"),
        ([ready(replace(NODE, data_free_bytes=9))], "only 9% of the disk"),
        ([ready(NODE, clock_s=-9.0)], "9.0 s behind this machine's"),
        (
            [Node("http://a", "degraded", "bus", NODE)],
            "degraded, bus: `scoreboard check`",
        ),
        ([Node("http://a", "not ready", "ranking", NODE)], "a: not ready, ranking: wait if"),
    ],
    ids=[
        "well",
        "away",
        "no leader",
        "two leaders",
        "versions",
        "lag",
        "disk",
        "clock",
        "bus",
        "ranking",
    ],
)
def test_what_ails_a_cluster_is_said(nodes: list[Node], says: str | None) -> None:
    found = advice(tuple(nodes))
    assert found == () if says is None else (len(found) == 1 and says in found[0])


async def test_a_node_that_hangs_is_told_from_one_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in (cluster, running):
        monkeypatch.setattr(module, "ANSWER_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        hangs, gone = await cluster.look(
            (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"), None
        )
        settings = load({}, {"SCOREBOARD_PORT": str(port)}, tmp_path)
        (remark,) = running.service(settings)
    assert (hangs.state, gone.state) == ("away", "away")
    assert "end it and start it again" in hangs.says
    assert "start it, or see why" in gone.says
    assert remark.verdict == "bad"
    assert "end it and start it again" in remark.advice


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json().get("code")


def test_a_node_tells_an_administrator_of_itself_and_nobody_else(service: Service) -> None:
    service.award("ada", "quiz")
    asked = {"Authorization": f"Bearer {service.token('admin', 'scores:admin')}"}
    assert "node" not in service.get("/readyz").json()
    assert code(service.get("/readyz", Authorization="Bearer x.y.z")) == (401, "invalid-token")
    user = f"Bearer {service.token('ada')}"
    assert code(service.get("/readyz", Authorization=user)) == (403, "insufficient-scope")
    node = service.get("/readyz", **asked).json()["node"]
    assert (node["role"], node["leading"], node["recorded_awards"]) == ("all", True, 1)
    assert node["data_size_bytes"] > node["data_free_bytes"] > 0
    process = Path(f"/proc/{service.process.pid}" if service.process else "")
    if process.exists():
        assert (process / "comm").read_text() == "scoreboard\n"
        threads = {(task / "comm").read_text().strip() for task in (process / "task").iterdir()}
        assert {"log-write", "ledger-write_0"} <= threads


def test_status_looks_at_every_node_that_is_named(service: Service) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    done = service.command("status", "--json")
    (node,) = json.loads(done.stdout)["nodes"]
    assert (node["url"], node["state"]) == (service.url, "ready")
    assert node["detail"]["name"]
    done = service.command("status", f"{service.url},{away}", "--once", check=False)
    assert done.returncode == 1
    assert "ready" in done.stdout
    assert f"{away}: away" in " ".join(done.stdout.split())


def test_status_makes_do_with_the_metrics(service: Service) -> None:
    service.award("ada", "quiz")
    service.env["SCOREBOARD_SECRET_FILE"] = "/nowhere/secret"
    (node,) = json.loads(service.command("status", "--json").stdout)["nodes"]
    assert node["detail"]["leading"]
    assert node["detail"]["recorded_awards"] == 1
    assert node["detail"]["uptime_s"] < 120


def test_a_token_that_is_not_good_is_said_to_be_so(service: Service) -> None:
    token = service.token("ada")
    done = service.command("status", "--once", "--token", token, check=False)
    assert done.returncode == 1
    assert "not one of an administrator" in " ".join(done.stdout.split())


def test_nonsense_is_refused(service_factory: Callable[..., Service]) -> None:
    service = service_factory(start=False)
    for arguments in (("ftp://x",), ("--every", "0"), ("--every", "nan")):
        done = service.command("status", *arguments, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ")
