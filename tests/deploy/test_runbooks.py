"""It is promised that a runbook names what there is: whoever reads it has been woken."""

import json
import re
from pathlib import Path

import pytest
from cyclopts import MissingArgumentError

from scoreboard.cli import application
from scoreboard.settings import SETTINGS
from scoreboard.telemetry import TABLE, Event
from tests.deploy.monitoring import DASHBOARDS, RUNBOOKS, recorded

PAGES = sorted(RUNBOOKS.glob("*.md"))
NAMES = [page.stem for page in PAGES]
STANDS_FOR = {"USER": "ada", "NAME": "shop.1", "URL": "http://10.0.0.1:9100"}


def titles() -> set[str]:
    """Of dashboards, their panels and rows; a row is known by what is before its colon."""
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    found = {board["title"].removeprefix("Scoreboard / ") for board in boards}
    return found | {
        panel["title"].partition(":")[0] for board in boards for panel in board["panels"]
    }


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_runbook_names_no_metric_event_setting_or_panel_that_does_not_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    metrics = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for name in re.findall(r"scoreboard[_:][a-z0-9_:]+", text)
    }
    assert metrics <= set(TABLE) | recorded()
    events = set(re.findall(r"`([a-z]+\.[a-z-]+)`", text))
    assert events <= {event.value for event in Event}
    settings = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)(?:=\w+)?`", text))
    assert settings <= {setting.name for setting in SETTINGS}
    assert set(re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", text)) <= titles()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_commands_of_a_runbook_can_be_typed(page: Path) -> None:
    for typed in re.findall(r"`scoreboard ([^`]+)`", page.read_text("utf-8")):
        words = [STANDS_FOR.get(word, word) for word in typed.split()]
        try:
            application(words).parse_args(words, exit_on_error=False, print_error=False)
        except MissingArgumentError:
            # Named and not spelt out: its help says the rest.
            assert re.fullmatch(r"[a-z -]+", typed), typed
            assert "--" not in typed, typed
