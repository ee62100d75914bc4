"""The pages are whole: links lead somewhere, blocks are what they say, tables are tables."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from scoreboard import settings
from tests.docs.pages import DOCS, NAMES, PAGES, README, ROOT, anchors, fences, links, prose

LINES_MAX = 200
# The bench writes a section for each of its parts.
LINES_MAX_MEASURED = 400
PICTURE_MAX_BYTES = 200_000
LANGUAGES = {"sh", "text", "json", "toml", "sql", "html", "css", "js", "ini", "python"}

each_page = pytest.mark.parametrize("page", PAGES, ids=NAMES)


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_blocks_say_what_they_are_and_are_it(page: Path) -> None:
    for fence in fences(page):
        assert fence.language in LANGUAGES, f"{page.name}:{fence.line}"
        match fence.language:
            case "json":
                json.loads(fence.text)
            case "toml":
                tomllib.loads(fence.text)
            case "python":
                compile(fence.text, f"{page.name}:{fence.line}", "exec")
            case "sh":
                subprocess.run(["bash", "-n"], input=fence.text, text=True, check=True)


@each_page
def test_a_table_has_the_same_cells_in_every_line(page: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", prose(page), re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table
        assert re.fullmatch(r"\|( -+ \|)+", table.splitlines()[1]), table


@each_page
def test_pages_are_short_and_every_block_ends(page: Path) -> None:
    text = page.read_text("utf-8")
    most = LINES_MAX_MEASURED if page.name == "measure.md" else LINES_MAX
    assert len(text.splitlines()) <= most
    assert "```" not in prose(page)


def test_every_page_is_within_reach_of_the_readme() -> None:
    linked = {(README.parent / link.partition("#")[0]).resolve() for link in links(README)}
    pages = {page.resolve() for page in DOCS.rglob("*.md") if page.parent.name != "runbooks"}
    assert pages - linked == set()


def test_the_list_of_settings_is_what_the_command_prints() -> None:
    page = (DOCS / "configure.md").read_text("utf-8")
    assert page.endswith(settings.markdown() + "\n"), "run `make docs`"


def test_an_example_of_the_settings_file_is_valid(tmp_path: Path) -> None:
    (example,) = (each for each in fences(DOCS / "configure.md") if each.language == "toml")
    (tmp_path / "scoreboard.toml").write_text(example.text, "utf-8")
    assert settings.load({}, {}, tmp_path).port == 9000


def test_the_picture_is_a_small_one() -> None:
    picture = (DOCS / "board.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < PICTURE_MAX_BYTES


@pytest.mark.parametrize(
    ("target", "does"),
    [("demo", "scoreboard demo"), ("test", "pytest"), ("docs", "--markdown"), ("site", "zensical")],
)
def test_the_targets_that_the_pages_name_can_be_made(target: str, does: str) -> None:
    done = subprocess.run(
        ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert does in done.stdout
