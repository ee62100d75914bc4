"""It is promised that whoever opens an address that leads nowhere gets a page, and the way on."""

import json

import pytest

from scoreboard import errors
from scoreboard.web import app, problem_page
from scoreboard.web.exchange import Exchange
from tests.service_process import Service

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("path", "status", "up"),
    [
        ("/?board=nope", 404, "./"),
        ("/?period=2026-W99", 404, "./"),
        ("/?limit=many", 400, "./"),
        ("/leaderboards/", 404, "../"),
    ],
)
def test_a_browser_gets_a_page(service: Service, path: str, status: int, up: str) -> None:
    answer = service.get(path, **BROWSER)
    assert answer.status == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'class="button" href="{up}"' in answer.body.decode()
    assert "nope" not in answer.body.decode()
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_program_gets_the_problem(service: Service) -> None:
    for answer in (service.get("/?board=nope"), service.get("/v1/boards/nope", **BROWSER)):
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.body)["code"] == "not-found"


@pytest.mark.parametrize(
    ("error", "again"), [(errors.Unavailable(7), True), (errors.NotFound(), False)]
)
def test_what_is_temporary_comes_back_by_itself(error: errors.ScoreboardError, again: bool) -> None:
    exchange = Exchange({"path": "/", "headers": []}, None)  # type: ignore[arg-type]
    page = problem_page.shown(app.refusal(error), exchange)
    assert (b'http-equiv="refresh"' in page.body) is again
    assert (b"retry-after", b"7") in page.headers or not again


def test_a_link_may_pick_up_parameters_where_it_is_shared(service: Service) -> None:
    assert service.get("/?board=default&utm_source=mail&fbclid=1").status == 200
    assert service.get("/v1/scoreboard?utm_source=mail").status == 400
