"""The page of the documents, for people."""

import json
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from scoreboard.web import problems
from scoreboard.web.contract import OPERATIONS
from scoreboard.web.documents import asyncapi, docs_page
from tests.service_process import Service

ASYNCAPI = json.loads(asyncapi())
DOCUMENTED = [operation for operation in OPERATIONS if operation.documented]


@pytest.fixture
def running(service_factory: Callable[..., Service]) -> Service:
    return service_factory()


class Page(HTMLParser):
    """What a page loads, where it leads, and what it can be led to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")


HTML = docs_page().decode()
PAGE = Page(HTML)


def test_the_page_loads_nothing_from_elsewhere_and_nothing_inline() -> None:
    assert not PAGE.tags & {"script", "style", "iframe", "img"}
    assert "style" not in PAGE.attributes
    assert not [name for name in PAGE.attributes if name.startswith("on")]
    assert not [link for link in PAGE.links if "//" in link]


def test_every_link_of_the_page_leads_somewhere() -> None:
    assert len(set(PAGE.ids)) == len(PAGE.ids)
    inside = {link.removeprefix("#") for link in PAGE.links if link.startswith("#")}
    assert inside <= set(PAGE.ids)
    outside = {link for link in PAGE.links if not link.startswith("#")}
    assert outside == {
        "./",
        "openapi.json",
        "asyncapi.json",
        "static/site.css",
        "static/docs.css",
        "static/favicon.svg",
    }


def test_the_page_explains_every_operation_message_and_error() -> None:
    ids = set(PAGE.ids)
    assert {each.name.replace("_", "-") for each in DOCUMENTED} <= ids
    assert {f"message-{name}" for name in ASYNCAPI["components"]["messages"]} <= ids
    assert {shape.error.code for shape in problems.SHAPES} <= ids


def test_the_page_and_what_it_loads_are_served(running: Service) -> None:
    answer = running.get("/docs")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.decode() == HTML
    for link in PAGE.links:
        if not link.startswith("#"):
            assert running.get(f"/{link.removeprefix('./')}").status == 200, link
