"""The dashboards, rules and cases in deploy/, read as the tests need them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.material import DEPLOY

RULES = sorted((DEPLOY / "prometheus/rules").glob("*.yml"))
CASES = sorted((DEPLOY / "prometheus/tests").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
RUNBOOKS = DEPLOY.parent / "docs/runbooks"
DURATION = re.compile(r"\b(\d+)([smhd])\b")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
FASTER = 60


def rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def queries() -> list[tuple[str, str, str]]:
    """Dashboard, panel and expression of everything that a dashboard asks."""
    found = []
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            found += [
                (path.stem, panel["title"], target["expr"]) for target in panel.get("targets", ())
            ]
        for annotation in board["annotations"]["list"]:
            found.append((path.stem, f"annotation {annotation['name']}", annotation["expr"]))
    return found


def metrics_in(expression: str) -> set[str]:
    """The names of the series that an expression reads, without suffixes of histograms."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\b(?:by|without|ignoring|on|group_left|group_right) ?\([^)]*\)", "", bare)
    found = re.findall(r"\b(?:scoreboard|process)[a-z0-9_:]+", bare)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


def in_a_hurry(text: str) -> str:
    """The same rules sixty times as fast: an hour is a minute, a minute is a second."""

    def shorter(match: re.Match[str]) -> str:
        ms = int(match[1]) * SECONDS[match[2]] * 1_000 // FASTER
        return f"{ms}ms" if ms % 1_000 else f"{ms // 1_000}s"

    lines = []
    for line in text.splitlines():
        duration = not re.match(r"\s*(#|- record|- alert|summary|description|runbook)", line)
        lines.append(DURATION.sub(shorter, line) if duration else line)
    return "\n".join(lines)


def write_in_a_hurry(folder: Path) -> list[Path]:
    written = []
    for path in RULES:
        copy = folder / path.name
        copy.write_text(in_a_hurry(path.read_text()))
        written.append(copy)
    return written
