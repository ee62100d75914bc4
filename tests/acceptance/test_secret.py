"""It is promised that a node without the right secret says so before it does anything."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cluster import Cluster
from tests.service_process import Service


def test_a_database_that_has_a_secret_gets_no_new_one(
    service_factory: Callable[..., Service],
) -> None:
    service = service_factory()
    service.stop()
    secret = service.data / "secret"
    secret.rename(service.data / "kept")
    done = service.command("serve", check=False)
    assert done.returncode == 1
    assert "SECRET_FILE" in done.stderr
    assert "does not exist" in done.stderr
    assert not secret.exists()
    (service.data / "kept").rename(secret)
    service.start()
    assert service.award("alice", "quiz").status == 200


def test_another_secret_is_found_by_check_and_refused_by_serve_before_it_leads(
    cluster_factory: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = cluster_factory("redis")
    (node,) = cluster.started(1)
    other = tmp_path / "other"
    other.write_text("x" * 48)
    other.chmod(0o600)
    stranger = cluster.node({"SCOREBOARD_SECRET_FILE": str(other)}, start=False)
    found = json.loads(stranger.command("check", "--json", check=False).stdout)
    assert [each["says"] for each in found if each["verdict"] == "bad" and "secret" in each["says"]]
    done = stranger.command("serve", check=False)
    assert "another secret" in done.stderr
    assert "leader" not in done.stderr
    lost = cluster.node(
        {"SCOREBOARD_SECRET_FILE": str(tmp_path / "none")}, role="gateway", start=False
    )
    done = lost.command("serve", check=False)
    assert "does not exist" in done.stderr
    assert cluster.leader() is node
