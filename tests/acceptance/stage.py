"""A running service for a whole module of browser tests, with a board of its own for each test."""

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.service_process import Service

SOON_MS = 10_000
BACK_MS = 20_000
LIVE = "score-board [data-state=live]"
USERS = "score-board .rows .row:not([aria-hidden]) .user"
STATUS = "score-board .status"
EPOCH = 9_000_000_000_000
SETTINGS = {"title": "Quiz night", "windows": ["all", "month", "day"]}


class Stage:
    """A board, and an action worth ten points on it."""

    def __init__(self, service: Service, board: str) -> None:
        self.service = service
        self.board = board
        self.url = service.url

    def award(self, user: str, times: int = 1) -> None:
        for _ in range(times):
            assert self.service.award(user, self.board).status == 200

    def address(self, **query: str) -> str:
        """The page of the board; an empty value is a bare name."""
        return f"{self.url}/?{urlencode({'board': self.board, **query})}"

    def show(self, page: Page, **query: str) -> None:
        page.goto(self.address(**query))
        expect(page.locator(LIVE)).to_be_visible(timeout=SOON_MS)

    def set(self, *, frozen: bool) -> None:
        """Freeze the board, or reveal it."""
        self.service.put(f"boards/{self.board}", {**SETTINGS, "frozen": frozen})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("page")
    data.chmod(0o700)
    service = Service(data, {})
    service.start()
    yield service
    service.end()


@pytest.fixture
def stage(shared: Service) -> Stage:
    board = f"b{secrets.token_hex(4)}"
    shared.put(f"boards/{board}", SETTINGS)
    shared.put(f"actions/{board}", {"points": 10, "board": board})
    return Stage(shared, board)


# --- a server that the test plays


def top(seq: int, rows: Sequence[tuple[str, int]]) -> str:
    at = "2026-11-24T00:00:00.000Z"
    ranked = [
        {"rank": place, "user_id": user, "score": score, "updated_at": at}
        for place, (user, score) in enumerate(rows, 1)
    ]
    place = {"board": "default", "period": "all", "epoch": EPOCH, "seq": seq, "at": at}
    return json.dumps({"type": "top", **place, "rows": ranked})


def welcome(heartbeat_ms: int = 15_000) -> str:
    said = {"epoch": EPOCH, "seq": 1, "heartbeat_ms": heartbeat_ms, "resumed": False}
    return json.dumps({"type": "welcome", **said})


def played(page: Page) -> list[WebSocketRoute]:
    """The page's connections, in order, to a server that the test plays."""
    connections: list[WebSocketRoute] = []
    page.route_web_socket("**/ws/scoreboard?*", lambda connection: connections.append(connection))  # noqa: PLW0108 - playwright marks its handlers
    return connections


def connect(page: Page, stage: Stage) -> list[WebSocketRoute]:
    """The connections of a page that has been welcomed."""
    connections = played(page)
    page.goto(stage.address())
    wait_for(page, lambda: bool(connections))
    connections[0].send(welcome())
    return connections


def wait_for(page: Page, condition: Any, deadline_ms: int = BACK_MS) -> None:
    """Let the browser's events in until the condition holds."""
    for _ in range(deadline_ms // 10):
        if condition():
            return
        page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    pytest.fail("the browser did not do it in time")
