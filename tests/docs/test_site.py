"""The site is whole, and what a reader's browser loads for it comes from nowhere else."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scoreboard import cli
from scoreboard.settings.table import BY_NAME, PREFIX
from scoreboard.telemetry import METRICS
from scoreboard.web.contract import OPERATIONS
from scoreboard.web.documents import asyncapi
from scoreboard.web.problems import SHAPES
from tests.docs.pages import DOCS, ROOT

WITHIN_S = 60
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
OWN = re.compile("default-src '(self|none)'")
ONLY_NAMED = {"canonical", "prev", "next", "alternate"}


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """``make site``, in a folder of the test."""
    stage = [
        sys.executable,
        DOCS / "publish" / "stage.py",
        folder / "build" / "pages",
        folder / "viewer",
    ]
    subprocess.run(stage, check=True, timeout=WITHIN_S)
    return zensical(folder)


def zensical(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "zensical", "build", "--strict"],
        cwd=folder, capture_output=True, text=True, timeout=WITHIN_S, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(DOCS / "publish" / "theme", folder / "docs" / "publish" / "theme")
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Loaded(HTMLParser):
    """What a browser fetches for a page without being asked."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.policies: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADS:
            self.found.append(given.get(LOADS[tag]) or "")
        if tag == "link" and given.get("rel") not in ONLY_NAMED:
            self.found.append(given.get("href") or "")
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policies.append(given.get("content") or "")


def test_no_page_loads_anything_from_elsewhere(folder: Path) -> None:
    site = folder / "build" / "site"
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    for page in pages:
        loaded = Loaded(page.read_text("utf-8"))
        for address in loaded.found:
            assert not re.match(r"(https?:)?//", address), f"{page.name}: {address}"
            path = address.partition("?")[0]
            assert not path or path.startswith("data:") or (page.parent / path).exists(), path
        if page.name != "service.html":
            assert [each for each in loaded.policies if OWN.match(each)], page
    for style in site.rglob("*.css"):
        text = style.read_text("utf-8")
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", text), style


def test_a_link_that_leads_nowhere_fails_the_build(folder: Path) -> None:
    page = folder / "build" / "pages" / "start.md"
    text = page.read_text("utf-8")
    page.write_text(text + "\n[gone](gone.md)\n", "utf-8")
    try:
        assert zensical(folder).returncode != 0
    finally:
        page.write_text(text, "utf-8")


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    named = set(re.findall(r": ([\w/-]+\.md)$", navigation, re.MULTILINE))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    pages -= {page for page in pages if re.fullmatch(r"runbooks/Scoreboard\w+\.md", page)}
    assert pages <= named, "add it to nav in mkdocs.yml"


def test_the_reference_leaves_nothing_out(folder: Path) -> None:
    reference = folder / "build" / "pages" / "reference"
    text = {page.name: page.read_text("utf-8") for page in reference.glob("*.md")}
    for name in BY_NAME:
        assert f"| `{PREFIX}{name}` |" in text["settings.md"]
    for metric in METRICS:
        assert f"| `{metric.name}` | {metric.kind.__name__.lower()} |" in text["metrics.md"]
    for shape in SHAPES:
        assert f"| {shape.status} | `{shape.error.code}` |" in text["errors.md"]
    for each in OPERATIONS:
        if each.path.startswith("/v1/"):
            assert f"### `{each.method} {each.path}`" in text["http.md"]
    for name in json.loads(asyncapi())["channels"]["scoreboard"]["messages"]:
        assert f"### scoreboard: {name}\n" in text["live.md"]
    for command in cli._COMMANDS:
        assert f"## scoreboard {command[1]}\n" in text["commands.md"]
    assert "--cooldown-s" in text["commands.md"]
