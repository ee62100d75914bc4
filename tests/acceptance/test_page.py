"""It is promised that the page shows the newest board, live, to everybody, and never pretends."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from scoreboard.web import pages
from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.service_process import Service

__all__ = ["chromium", "open_page"]

SOON_MS = 3_000
BACK_MS = 20_000
JAVASCRIPT_MAX_BYTES = 20_000
LIVE = "score-board [data-state=live]"
USERS = "score-board .rows .user"
SCREENS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
HOSTILE = ["a|b+c@x", "Z" * 128, "x:y.z_-|+@", "0"]


class Elsewhere:
    """A site of another origin that embeds a board with one script tag."""

    def __init__(self) -> None:
        self.body = b""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(site.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def embed(self, service_url: str) -> None:
        self.body = (
            '<!doctype html><html lang="en"><title>Elsewhere</title><link rel="icon" href="data:,">'
            f'<script type="module" src="{service_url}/static/score-board.js"></script>'
            "<score-board></score-board>"
        ).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    site = Elsewhere()
    yield site
    site.close()


def show(page: Page, service: Service, query: str = "") -> None:
    page.goto(f"{service.url}/{query}")
    expect(page.locator(LIVE)).to_be_visible(timeout=SOON_MS)


def award(service: Service, user: str) -> None:
    assert service.award(user, "quiz").status == 200


def top(seq: int, rows: Sequence[tuple[str, int]], epoch: int = 9_000_000_000_000) -> str:
    at = "2026-11-24T00:00:00.000Z"
    ranked = [
        {"rank": place, "user_id": user, "score": score, "updated_at": at}
        for place, (user, score) in enumerate(rows, 1)
    ]
    place = {"board": "default", "period": "all", "epoch": epoch, "seq": seq, "at": at}
    return json.dumps({"type": "top", **place, "rows": ranked})


def welcome(heartbeat_ms: int = 15_000) -> str:
    place = {"epoch": 9_000_000_000_000, "seq": 1}
    return json.dumps({"type": "welcome", **place, "heartbeat_ms": heartbeat_ms, "resumed": False})


def played(page: Page) -> list[WebSocketRoute]:
    """The page's connections, in order, to a server that the test plays."""
    connections: list[WebSocketRoute] = []
    page.route_web_socket("**/ws/scoreboard?*", lambda connection: connections.append(connection))  # noqa: PLW0108 - playwright marks its handlers
    return connections


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("query", ["", "?kiosk"], ids=["page", "kiosk"])
def test_nobody_is_shut_out(open_page: OpenPage, service: Service, screen: str, query: str) -> None:
    with open_page(**SCREENS[screen]) as page:
        show(page, service, query)
        expect(page.locator(".empty")).to_be_visible()
        assert violations(page) == []
        award(service, "ada")
        expect(page.locator(USERS)).to_have_text(["ada"], timeout=SOON_MS)
        assert violations(page) == []


def test_a_second_tab_shows_an_award_within_a_second(open_page: OpenPage, service: Service) -> None:
    with open_page() as page:
        show(page, service)
        second = page.context.new_page()
        show(second, service)
        award(service, "grace")
        for tab in (page, second):
            expect(tab.locator(USERS)).to_have_text(["grace"], timeout=SOON_MS)


def test_a_page_that_is_up_to_date_is_not_sent_the_board_again(
    open_page: OpenPage, service: Service
) -> None:
    award(service, "ada")
    with open_page() as page:
        heard: list[str] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda text: heard.append(str(text))),
        )
        show(page, service)
        expect(page.locator(USERS)).to_have_text(["ada"])
    assert [json.loads(text)["type"] for text in heard] == ["welcome"]
    assert json.loads(heard[0])["resumed"] is True


def test_it_says_that_it_is_stale_and_comes_back_by_itself(
    open_page: OpenPage, service: Service
) -> None:
    with open_page() as page:
        show(page, service)
        award(service, "ada")
        expect(page.locator(USERS)).to_have_text(["ada"], timeout=SOON_MS)
        service.stop()
        status = page.locator("score-board .status")
        expect(status).to_contain_text("board as of", timeout=BACK_MS)
        expect(page.locator("score-board [role=status]")).to_have_text("Connection lost")
        expect(page.locator(USERS)).to_have_text(["ada"])
        assert violations(page) == []
        service.start()
        expect(status).to_have_text("Live", timeout=BACK_MS)
        award(service, "grace")
        expect(page.locator(USERS)).to_have_count(2, timeout=SOON_MS)


def test_it_works_without_javascript(open_page: OpenPage, service: Service) -> None:
    award(service, "ada")
    with open_page(java_script_enabled=False) as page:
        page.goto(service.url)
        expect(page.locator("tbody th")).to_have_text(["ada"])
        expect(page.get_by_text("reload to update")).to_be_visible()
        page.get_by_role("link", name="All time").click()
        expect(page.locator("tbody th")).to_have_text(["ada"])


def test_a_site_of_an_allowed_origin_embeds_it(
    open_page: OpenPage, service_factory: Callable[..., Service], elsewhere: Elsewhere
) -> None:
    service = service_factory(env={"SCOREBOARD_ORIGINS": elsewhere.url})
    award(service, "ada")
    elsewhere.embed(service.url)
    with open_page() as page:
        page.goto(elsewhere.url)
        expect(page.locator(USERS)).to_have_text(["ada"], timeout=SOON_MS)
        expect(page.locator("score-board .status")).to_have_text("Live")


def test_a_site_of_another_origin_gets_no_frame(
    open_page: OpenPage, service: Service, elsewhere: Elsewhere
) -> None:
    award(service, "ada")
    elsewhere.embed(service.url)
    # The embedded board asks why it was refused; the browser reports that it may not know.
    with open_page("CORS policy") as page:
        heard: list[str] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda text: heard.append(str(text))),
        )
        page.goto(elsewhere.url)
        status = page.locator("score-board .status")
        expect(status).to_contain_text("Reconnecting", timeout=BACK_MS)
        expect(page.locator(USERS)).to_have_count(0)
        assert heard == []


def test_strange_names_are_shown_as_they_are(open_page: OpenPage, service: Service) -> None:
    for user in HOSTILE:
        award(service, user)
    with open_page(viewport={"width": 320, "height": 640}) as page:
        show(page, service)
        expect(page.locator(USERS)).to_have_count(len(HOSTILE))
        assert sorted(page.locator(USERS).all_text_contents()) == sorted(HOSTILE)
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_markup_in_a_frame_stays_text(open_page: OpenPage, service: Service) -> None:
    evil = "<img src=x onerror=document.title='owned'>"
    with open_page() as page:
        connections = played(page)
        page.goto(service.url)
        wait_for(page, lambda: bool(connections))
        connections[0].send(welcome())
        connections[0].send(top(2, [(evil, 7)]))
        expect(page.locator(USERS)).to_have_text([evil])
        assert page.locator("score-board img").count() == 0


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
@pytest.mark.parametrize("seed", range(3))
def test_after_any_frames_the_newest_is_shown(
    open_page: OpenPage, service: Service, seed: int, motion: str
) -> None:
    random = Random(seed)
    names = [f"user-{number}" for number in range(16)]
    frames = [
        [
            (name, random.randrange(-50, 5_000))
            for name in random.sample(names, random.randrange(11))
        ]
        for _ in range(40)
    ]
    frames = [sorted(rows, key=lambda row: -row[1]) for rows in frames]
    order = list(range(len(frames)))
    random.shuffle(order)
    with open_page(reduced_motion=motion) as page:
        connections = played(page)
        page.goto(service.url)
        wait_for(page, lambda: bool(connections))
        connections[0].send(welcome())
        for index in order:
            connections[0].send(top(index + 1, frames[index]))
        newest = frames[-1]
        expect(page.locator(USERS)).to_have_text([user for user, _ in newest])
        scores = [f"{score:,}" for _, score in newest]
        expect(page.locator("score-board .rows .score b")).to_have_text(scores)


def test_reduced_motion_moves_nothing(open_page: OpenPage, service: Service) -> None:
    moving = (
        "document.querySelector('score-board').shadowRoot.getAnimations()"
        ".filter(({effect}) => effect.getKeyframes().some(({transform}) => transform)).length"
    )
    with open_page(reduced_motion="reduce") as page:
        connections = played(page)
        page.goto(service.url)
        wait_for(page, lambda: bool(connections))
        connections[0].send(welcome())
        connections[0].send(top(2, [("ada", 2), ("grace", 1)]))
        connections[0].send(top(3, [("grace", 3), ("ada", 2)]))
        expect(page.locator(USERS)).to_have_text(["grace", "ada"])
        assert page.evaluate(moving) == 0


@pytest.mark.parametrize("code", [4000, 4001, 4003])
def test_a_40xx_close_ends_it(open_page: OpenPage, service: Service, code: int) -> None:
    with open_page() as page:
        connections = played(page)
        page.clock.install()
        page.goto(service.url)
        wait_for(page, lambda: bool(connections))
        connections[0].send(welcome())
        connections[0].close(code=code)
        expect(page.locator("score-board .status")).to_contain_text("Stopped")
        page.clock.run_for(120_000)
        assert len(connections) == 1


def test_a_bye_is_obeyed(open_page: OpenPage, service: Service) -> None:
    with open_page() as page:
        connections = played(page)
        page.clock.install()
        page.goto(service.url)
        wait_for(page, lambda: bool(connections))
        connections[0].send(welcome())
        connections[0].send(top(2, [("ada", 2)]))
        expect(page.locator(USERS)).to_have_text(["ada"])
        page.clock.run_for(6_000)
        connections[0].send(json.dumps({"type": "bye", "code": 1012, "retry_after_ms": 9_000}))
        connections[0].close(code=1012)
        status = page.locator("score-board .status")
        expect(status).to_contain_text("Reconnecting in")
        page.clock.run_for(8_000)
        assert len(connections) == 1
        page.clock.run_for(1_500)
        wait_for(page, lambda: len(connections) == 2)
        assert "since=9000000000000-2" in connections[1].url


def test_silence_is_taken_for_death(open_page: OpenPage, service: Service) -> None:
    with open_page() as page:
        connections = played(page)
        page.clock.install()
        page.goto(service.url)
        wait_for(page, lambda: bool(connections))
        connections[0].send(welcome(heartbeat_ms=4_000))
        connections[0].send(top(2, [("ada", 2)]))
        expect(page.locator("score-board .status")).to_have_text("Live")
        page.clock.run_for(9_500)
        expect(page.locator("score-board .status")).to_have_text("Live")
        page.clock.run_for(1_000)
        expect(page.locator("score-board .status")).to_contain_text("board as of")
        page.clock.run_for(31_000)
        wait_for(page, lambda: len(connections) > 1)


def test_our_javascript_stays_small() -> None:
    scripts = [file for name, file in pages.STATIC_FILES.items() if name.endswith(".js")]
    assert sum(len(file.body) for file in scripts) < JAVASCRIPT_MAX_BYTES


def wait_for(page: Page, condition: Any, deadline_ms: int = BACK_MS) -> None:
    """Let the browser's events in until the condition holds."""
    for _ in range(deadline_ms // 10):
        if condition():
            return
        page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    pytest.fail("the browser did not do it in time")
