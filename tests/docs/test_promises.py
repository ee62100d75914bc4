"""What the pages promise an operator: a backup that restores, and a log without secrets."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import pytest

from scoreboard.telemetry import Event
from tests.docs.pages import DOCS, fences
from tests.service_process import Service, eventually


def statements() -> list[str]:
    return [each.text for each in fences(DOCS / "operate.md") if each.language == "sql"]


def execute(service: Service, statement: str) -> None:
    db = sqlite3.connect(service.data / "scoreboard.db")
    try:
        with db:
            db.execute(statement.replace("'backup.db'", f"'{service.data}/backup.db'"))
    finally:
        db.close()


def test_a_backup_of_a_running_service_restores_as_the_page_says(service: Service) -> None:
    (copy,) = statements()
    assert service.award("ada", "quiz").status == 200
    db = sqlite3.connect(service.data / "scoreboard.db", isolation_level=None)
    db.execute(copy.replace("'backup.db'", f"'{service.data}/backup.db'"))
    db.close()
    assert service.award("ada", "quiz").json()["new_score"] == 20
    before = eventually(
        lambda: (top := service.get("/v1/scoreboard").json())["rows"][0]["score"] == 20 and top
    )
    assert service.stop() == 0
    for name in ("scoreboard.db-wal", "scoreboard.db-shm"):
        (service.data / name).unlink(missing_ok=True)
    (service.data / "backup.db").replace(service.data / "scoreboard.db")
    assert 'scoreboard ledger new-epoch --reason "' in (DOCS / "operate.md").read_text("utf-8")
    service.command("ledger", "new-epoch", "--reason", "backup of Monday restored")
    service.start()
    after = service.get("/v1/scoreboard").json()
    assert after["rows"][0]["score"] == 10
    assert after["epoch"] > before["epoch"]
    assert service.award("ada", "quiz").json()["new_score"] == 20
    assert service.command("rebuild").returncode == 0


def test_a_service_says_what_the_page_lists(service: Service) -> None:
    service.award("ada", "quiz")
    service.stop()
    lines = [json.loads(line) for line in service.log().splitlines()]
    events = [line["event"] for line in lines]
    assert events[-2:] == [Event.SERVICE_DRAINING, Event.SERVICE_STOPPED]
    page = (DOCS / "logs.md").read_text("utf-8")
    for line in lines:
        assert f"| `{line['event']}` | {line['level']} |" in page
    assert "ada" not in service.log()


FAILING = """
import sys
from scoreboard.telemetry import Event, Log, Telemetry, log

def fail(token):
    raise KeyError(len(token))

Log("info", sys.argv[1], Telemetry()).configure()
secret = "-".join(("very", "secret"))
try:
    fail(secret)
except KeyError:
    log().exception(Event.REQUEST_FAILED, route="/v1/scores")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_in_the_log_holds_no_values(form: str) -> None:
    command = [sys.executable, "-c", FAILING, form]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "fail" in said
    assert "KeyError" in said
    assert "very-secret" not in said


def test_no_probe_asks_for_a_token(service: Service) -> None:
    for path in ("/livez", "/readyz", "/version", "/metrics"):
        assert service.get(path).status == 200


def test_every_exposed_metric_is_in_the_table(service_factory: Callable[..., Service]) -> None:
    service = service_factory()
    text = service.get("/metrics").body.decode()
    exposed = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    page = (DOCS / "metrics.md").read_text("utf-8")
    assert [name for name in exposed if f"| `{name}` |" not in page] == []
