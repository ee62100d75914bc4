"""It is promised that one script and one element put the board on any allowed page."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.acceptance.stage import BACK_MS, SOON_MS, STATUS, USERS, wait_for
from tests.docs.pages import DOCS, fences
from tests.service_process import Service

__all__ = ["chromium", "open_page"]


def award(service: Service, user: str) -> None:
    assert service.award(user, "quiz").status == 200


class Elsewhere:
    """A site of another origin that embeds a board with one script tag."""

    def __init__(self) -> None:
        self.body = b""
        self.policy = "default-src 'none'"
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", site.policy)
                self.end_headers()
                self.wfile.write(site.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def embed(self, service_url: str) -> None:
        """The first example of the page about embedding, for this service."""
        example = next(each.text for each in fences(DOCS / "embed.md") if each.language == "html")
        example = example.replace("https://scores.example", service_url)
        example = example.replace('period="week"', 'period="all"')
        live = service_url.replace("http", "ws")
        self.policy = (
            f"default-src 'none'; img-src data:; script-src {service_url}; "
            f"connect-src {service_url} {live}; require-trusted-types-for 'script'"
        )
        self.body = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Elsewhere</title>'
            f'<link rel="icon" href="data:,"><main><h1>Elsewhere</h1>{example}</main>'
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


def test_a_site_of_an_allowed_origin_embeds_it(
    open_page: OpenPage, service_factory: Callable[..., Service], elsewhere: Elsewhere
) -> None:
    service = service_factory(env={"SCOREBOARD_ORIGINS": elsewhere.url})
    award(service, "ada")
    elsewhere.embed(service.url)
    with open_page() as page:
        page.goto(elsewhere.url)
        expect(page.locator(USERS)).to_have_text(["ada"], timeout=SOON_MS)
        expect(page.locator(STATUS)).to_have_text("Live")
        assert page.get_by_text("This week", exact=True).is_visible()
        page.evaluate(
            """([token]) => Object.assign(document.querySelector('score-board'), {
                token, dir: 'rtl', words: { live: 'مباشر', you: 'أنت في المرتبة {rank}',
                ordinal: { other: '{n}' } }}).setAttribute('locale', 'ar-EG')""",
            [service.token("ada")],
        )
        expect(page.locator(STATUS)).to_have_text("مباشر", timeout=SOON_MS)
        expect(page.locator("score-board .own[part=own] span")).to_have_text("أنت في المرتبة ١")
        # Without a token, and another board: all by itself.
        page.evaluate("document.querySelector('score-board').token = ''")
        expect(page.locator("score-board .own[part=own]")).to_be_hidden(timeout=SOON_MS)
        assert violations(page) == []


def test_a_site_of_another_origin_gets_no_frame(
    open_page: OpenPage, service: Service, elsewhere: Elsewhere
) -> None:
    award(service, "ada")
    elsewhere.embed(service.url)
    # The embedded board asks why it was refused; the browser reports that it may not know.
    with open_page("CORS policy", "SCOREBOARD_ORIGINS") as page:
        heard: list[str] = []
        warned: list[str] = []
        page.on("console", lambda said: said.type == "warning" and warned.append(said.text))
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda text: heard.append(str(text))),
        )
        page.goto(elsewhere.url)
        status = page.locator(STATUS)
        expect(status).to_contain_text("Reconnecting", timeout=BACK_MS)
        expect(page.locator(USERS)).to_have_count(0)
        wait_for(page, lambda: bool(warned))
        assert heard == []
        assert f"is it up, and {elsewhere.url} in SCOREBOARD_ORIGINS?" in warned[0]
