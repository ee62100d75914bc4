"""It is promised that ``check`` says of each server whether it answers, and what follows."""

import json
from collections.abc import Callable

from tests.cluster import Cluster


def test_check_looks_at_every_server(cluster_factory: Callable[..., Cluster]) -> None:
    cluster = cluster_factory("redis")
    (node,) = cluster.started(1)
    found = json.loads(node.command("check", "--json").stdout)
    good = {each["subject"] for each in found if each["verdict"] == "good"}
    assert {"ranking", "bus", "limiter", "database", "clock", "checkpoint"} <= good
    assert any("superuser" in each["says"] for each in found if each["verdict"] == "look")
    cluster.valkey.kill()
    done = node.command("check", "--json", check=False)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert all(each["advice"] for each in found if each["verdict"] != "good")
    said = {each["subject"]: each for each in found if each["verdict"] != "look"}
    assert said["database"]["verdict"] == "good"
    for name in ("ranking", "bus", "limiter"):
        assert said[name]["verdict"] == "bad"
        assert "does not answer" in said[name]["says"]
    shown = node.command("check", check=False).stdout
    assert "does not answer" in shown
