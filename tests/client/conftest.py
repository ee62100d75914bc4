"""Clients that come back sooner than they should, so that tests are quick."""

import pytest

from scoreboard.client import reconnect


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "FIRST_MS", 5)
    monkeypatch.setattr(reconnect, "LONGEST_MS", 50)
