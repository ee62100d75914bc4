"""The rule of coming back gives the known answers, which the other clients give too."""

import json
from pathlib import Path
from typing import Any

import pytest

from scoreboard.client.reconnect import delay_ms, is_newer

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "live_client.json").read_text())


@pytest.mark.parametrize("case", VECTORS["newer"], ids=str)
def test_what_is_newer(case: dict[str, Any]) -> None:
    other = None if case["other"] is None else tuple(case["other"])
    assert is_newer(tuple(case["one"]), other) is case["newer"]


@pytest.mark.parametrize("case", VECTORS["delay"], ids=str)
def test_how_long_to_stay_away(case: dict[str, Any]) -> None:
    wait_ms = delay_ms(case["code"], case["failures"], case["asked_ms"], lambda: case["chance"])
    assert wait_ms == case["wait_ms"]
