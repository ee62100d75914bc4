"""It is promised that dashboards and alerts ask for what there is, and that alerts are heard."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from deploy.monitoring.boards import rendered
from scoreboard.telemetry import TABLE
from tests.conftest import Require
from tests.deploy.material import DEPLOY, run
from tests.deploy.monitoring import (
    CASES,
    DASHBOARDS,
    RULES,
    RUNBOOKS,
    alerts,
    metrics_in,
    queries,
    recorded,
    rules,
)

PROCESS = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}
UNITS_PER_ROW = 24


def known() -> set[str]:
    return set(TABLE) | recorded() | PROCESS


def test_the_dashboards_are_what_their_code_says() -> None:
    found = {path.name: path.read_text() for path in DASHBOARDS}
    assert found == rendered(), "run: make dashboards"


@pytest.mark.parametrize(("board", "panel", "expression"), queries())
def test_no_dashboard_asks_for_what_does_not_exist(board: str, panel: str, expression: str) -> None:
    asked = metrics_in(expression)
    assert asked
    assert asked <= known()


def test_no_rule_asks_for_what_does_not_exist() -> None:
    for rule in rules():
        asked = metrics_in(rule["expr"])
        assert asked, rule
        assert asked <= known(), rule


def test_every_metric_is_on_some_dashboard_or_in_some_rule() -> None:
    asked = set.union(*(metrics_in(expression) for _, _, expression in queries()))
    asked |= set.union(*(metrics_in(rule["expr"]) for rule in rules()))
    assert set(TABLE) - asked == {"scoreboard_ranking_seq"}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    named = {rule["alert"] for rule in alerts()}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*named, "README"}
    index = (RUNBOOKS / "README.md").read_text()
    for rule in alerts():
        name = rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/runbooks/{name}.md"
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert f"[{name}]({name}.md)" in index


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent() -> None:
    verdicts: dict[tuple[str, ...], set[bool]] = {}
    for path in CASES:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test.get("promql_expr_test", ()):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', case["expr"]))
                which = (labels["alertname"], labels["severity"], labels.get("burn", ""))
                verdicts.setdefault(which, set()).add(bool(case["exp_samples"]))
    wanted = {
        (rule["alert"], rule["labels"]["severity"], rule["labels"].get("burn", ""))
        for rule in alerts()
    }
    assert set(verdicts) == wanted
    assert all(found == {True, False} for found in verdicts.values()), verdicts


def test_alerts_fire_and_stay_silent_as_their_cases_say(require: Require) -> None:
    require("promtool", shutil.which("promtool"), "no promtool on PATH")
    assert run("promtool", "check", "rules", *RULES).count("SUCCESS") == len(RULES)
    assert run("promtool", "test", "rules", *CASES).count("SUCCESS") == len(CASES)


def test_alertmanager_accepts_the_example_of_its_routing(require: Require) -> None:
    require("amtool", shutil.which("amtool"), "no amtool on PATH")
    routing = DEPLOY / "alertmanager/alertmanager.yml"
    assert "SUCCESS" in run("amtool", "check-config", routing)

    def receiver(*labels: str) -> str:
        said = run("amtool", "config", "routes", "test", f"--config.file={routing}", *labels)
        return next(line for line in said.splitlines() if not line.startswith("Warning"))

    assert receiver("alertname=ScoreboardNotReady", "severity=page") == "pager"
    assert receiver("alertname=ScoreboardRankingDrift", "severity=ticket") == "mail"


def test_grafana_is_told_where_everything_is() -> None:
    compose = yaml.safe_load((DEPLOY.parent / "compose.yaml").read_text())
    mounted = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])
    provisioning = DEPLOY / "grafana/provisioning"
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards/scoreboard.yml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] == mounted["./deploy/grafana/dashboards"]
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["type"] == "prometheus"
    home = compose["services"]["grafana"]["environment"][
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
    ]
    assert Path(home).name in {path.name for path in DASHBOARDS}


def test_panels_of_a_row_fill_it_and_do_not_overlap() -> None:
    for name, text in rendered().items():
        taken: set[tuple[int, int]] = set()
        for panel in yaml.safe_load(text)["panels"]:
            place = panel["gridPos"]
            cells = {
                (place["x"] + across, place["y"] + down)
                for across in range(place["w"])
                for down in range(place["h"])
            }
            assert not cells & taken, (name, panel["title"])
            assert place["x"] + place["w"] <= UNITS_PER_ROW
            taken |= cells
