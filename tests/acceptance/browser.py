"""A real browser for tests: the system's Chromium, and pages that may not complain."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import Require

OpenPage = Callable[..., AbstractContextManager[Page]]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000
"""How long a page on a busy machine may take to show what is expected."""

# A connection that is refused or cut is what these tests are about; the browser logs each.
EXPECTED = ("WebSocket connection to", "net::ERR_")


# One module, not one session: while it is open, no asyncio test can run in this thread.
@pytest.fixture(scope="module")
def chromium(require: Require) -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    require("chromium", path, "chromium is not installed")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> OpenPage:
    """A page in a profile of its own; on leaving, it must have had nothing to complain about."""

    @contextmanager
    def opened(*expected: str, **options: Any) -> Iterator[Page]:
        context = chromium.new_context(**options)
        complaints: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                complaints.append(message.text)

        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        try:
            yield context.new_page()
            harmless = (*EXPECTED, *expected)
            rest = [said for said in complaints if not any(word in said for word in harmless)]
            assert not rest, rest
        finally:
            context.close()

    return opened


def violations(page: Page) -> list[str]:
    """What axe-core finds, as ``rule: first element``."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['target']}" for rule in found]
