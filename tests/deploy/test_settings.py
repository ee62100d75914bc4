"""It is promised that what deploys the service says what the service understands."""

import shutil
from pathlib import Path

import pytest

from scoreboard import settings
from tests.conftest import Require
from tests.deploy.material import (
    BIN,
    COMPOSE,
    DEPLOY,
    UNIT,
    document,
    environments,
    lines_of,
    pods,
    run,
)

ENVIRONMENTS = dict(environments())


@pytest.mark.parametrize("where", ENVIRONMENTS)
def test_every_setting_is_one_of_the_service(where: str, tmp_path: Path) -> None:
    env = ENVIRONMENTS[where]
    assert settings.load({}, without_secrets(env), tmp_path)


def test_a_node_is_granted_the_time_that_it_takes_to_leave(tmp_path: Path) -> None:
    found = {
        where: settings.load({}, without_secrets(env), tmp_path) for where, env in environments()
    }
    unit = dict(line.split("=", 1) for line in lines_of(UNIT) if line.startswith("Timeout"))
    node = document(COMPOSE)["services"]["node1"]
    assert found["compose"].drain_s + 5 <= int(node["stop_grace_period"].removesuffix("s"))
    assert found["systemd"].drain_s + 5 <= int(unit["TimeoutStopSec"])
    for pod in pods():
        if "terminationGracePeriodSeconds" in pod:
            (container,) = pod["containers"]
            (_, before_s) = container["lifecycle"]["preStop"]["exec"]["command"]
            leaving_s = int(before_s) + found["kubernetes"].drain_s
            assert leaving_s < pod["terminationGracePeriodSeconds"]


def without_secrets(env: dict[str, str]) -> dict[str, str]:
    """Settings without the file that holds passwords, which is not here."""
    return {name: value for name, value in env.items() if name != "SCOREBOARD_CONFIG"}


def test_systemd_knows_every_line_of_the_unit(tmp_path: Path, require: Require) -> None:
    require("systemd", shutil.which("systemd-analyze"), "no systemd-analyze on PATH")
    unit = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8")
    unit.write_text(text.replace("/opt/scoreboard/bin", str(BIN)), "utf-8")
    assert run("systemd-analyze", "verify", "--man=no", unit) == ""
    run("systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", unit)


def test_prometheus_accepts_its_configuration(require: Require) -> None:
    require("promtool", shutil.which("promtool"), "no promtool on PATH")
    for name in ("prometheus.yml", "kubernetes.yml"):
        assert "SUCCESS" in run("promtool", "check", "config", DEPLOY / "prometheus" / name)
