"""The API pages draw every operation and message, and tell nobody who reads them."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from mimetypes import guess_type
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from scoreboard.web.documents import asyncapi, openapi
from tests.acceptance.browser import OpenPage, chromium, open_page
from tests.conftest import Require
from tests.docs.pages import DOCS

__all__ = ["chromium", "open_page"]

DRAWN_MS = 30_000
# Not a loopback name: a viewer that tells its maker about readers is silent on those.
SITE = "https://docs.example/"


def viewer() -> Any:
    """The script's own module, which is in no package."""
    spec = spec_from_file_location("viewer", DOCS / "publish/viewer.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reference(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("npm", which("npm"), "npm is not installed")
    folder = tmp_path_factory.mktemp("reference")
    made = viewer().pages(folder / "viewer")
    assert "redoc.js" in made
    made |= {"openapi.json": openapi(), "asyncapi.json": asyncapi()}
    for name, body in made.items():
        (folder / name).write_bytes(body)
    return folder


def visit(page: Page, folder: Path, name: str) -> list[str]:
    """Open a page of the site; answers where to requests go that are not the site's."""
    elsewhere: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        file = folder / urlsplit(url).path.removeprefix("/")
        if not url.startswith(SITE) or not file.is_file():
            elsewhere.append(url)
            route.abort()
            return
        kind = guess_type(file.name)[0] or "text/plain"
        route.fulfill(body=file.read_bytes(), content_type=kind)

    page.route("**/*", answer)
    page.clock.install()
    page.goto(SITE + name)
    return elsewhere


def let_it_tell(page: Page) -> None:
    """Two minutes pass for the page, in which it could send what it had gathered."""
    expect(page.get_by_text("API docs by").first).to_be_attached(timeout=DRAWN_MS)
    expect(page.locator("img").first).to_be_attached(timeout=DRAWN_MS)
    page.clock.fast_forward(120_000)
    page.evaluate("fetch('api.css').then((answer) => answer.text())")


def test_an_operation_is_drawn(open_page: OpenPage, reference: Path) -> None:
    with open_page() as page:
        elsewhere = visit(page, reference, "openapi.html#/awards/award")
        document = json.loads((reference / "openapi.json").read_text())
        award = document["paths"]["/v1/scores"]["post"]["summary"]
        expect(page.get_by_role("heading", name=award).first).to_be_visible(timeout=DRAWN_MS)
        expect(page.get_by_text("action_id").first).to_be_visible(timeout=DRAWN_MS)
        let_it_tell(page)
    assert elsewhere == []


def test_every_message_is_drawn(open_page: OpenPage, reference: Path) -> None:
    with open_page() as page:
        elsewhere = visit(page, reference, "asyncapi.html")
        document = json.loads((reference / "asyncapi.json").read_text())
        for message in document["channels"]["scoreboard"]["messages"]:
            link = page.locator(f'a[href$="/messages&m={message}"]').first
            expect(link).to_be_attached(timeout=DRAWN_MS)
        let_it_tell(page)
    assert elsewhere == []


def test_without_npm_the_pages_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    files = viewer().pages(tmp_path)
    said = capsys.readouterr().err
    assert "site: the API pages are left out" in said
    assert "npm is not installed" in said
    for name in ("openapi.html", "asyncapi.html"):
        assert b"built without npm" in files[name]
        assert b"<script" not in files[name]
    assert "redoc.js" not in files


def test_another_package_than_the_known_one_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = viewer()
    package = tmp_path / f"{module.PACKAGE.replace('@', '-')}.tgz"
    package.write_bytes(b"another")
    with pytest.raises(SystemExit) as end:
        module.pages(tmp_path)
    assert end.value.code == 1
    assert "does not have the hash" in capsys.readouterr().err
    assert not package.exists()
