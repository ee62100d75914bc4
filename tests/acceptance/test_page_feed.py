"""It is promised that the page comes back by itself, and never pretends to be live."""

import json

import pytest
from playwright.sync_api import Route, expect

from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.acceptance.stage import (
    BACK_MS,
    SOON_MS,
    STATUS,
    USERS,
    Stage,
    connect,
    shared,
    stage,
    top,
    wait_for,
    welcome,
)
from tests.service_process import Service

__all__ = ["chromium", "open_page", "shared", "stage"]


def test_a_page_that_is_up_to_date_is_not_sent_the_board_again(
    open_page: OpenPage, stage: Stage
) -> None:
    stage.award("ada")
    with open_page() as page:
        heard: list[str] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda text: heard.append(str(text))),
        )
        stage.show(page)
        expect(page.locator(USERS)).to_have_text(["ada"])
    assert [json.loads(text)["type"] for text in heard] == ["welcome"]
    assert json.loads(heard[0])["resumed"] is True


def test_it_says_that_it_is_stale_and_comes_back_by_itself(
    open_page: OpenPage, shared: Service, stage: Stage
) -> None:
    stage.award("ada")
    with open_page() as page:
        stage.show(page)
        shared.stop()
        status = page.locator(STATUS)
        expect(status).to_contain_text("board as of", timeout=BACK_MS)
        expect(page.locator("score-board [role=status]")).to_have_text("Connection lost")
        expect(page.locator(USERS)).to_have_text(["ada"])
        assert violations(page) == []
        shared.start()
        expect(status).to_have_text("Live", timeout=BACK_MS)
        stage.award("grace")
        expect(page.locator(USERS)).to_have_count(2, timeout=SOON_MS)


def test_offline_it_keeps_the_last_board_and_says_so(open_page: OpenPage, stage: Stage) -> None:
    with open_page() as page:
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 2)]))
        expect(page.locator(USERS)).to_have_text(["ada"])
        page.context.set_offline(True)
        connections[0].close(code=1011)
        expect(page.locator(STATUS)).to_contain_text("Offline, board as of")
        expect(page.locator(USERS)).to_have_text(["ada"])
        assert page.locator(".empty").is_hidden()
        # The network is back: no wait for the next attempt.
        page.context.set_offline(False)
        wait_for(page, lambda: len(connections) > 1)
        connections[-1].send(welcome())
        connections[-1].send(top(3, [("ben", 3)]))
        expect(page.locator(STATUS)).to_have_text("Live")
        expect(page.locator(USERS)).to_have_text(["ben"])


def test_a_network_that_goes_while_it_waits_is_told_too(open_page: OpenPage, stage: Stage) -> None:
    with open_page() as page:
        page.clock.install()
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 2)]))
        expect(page.locator(USERS)).to_have_text(["ada"])
        connections[0].close(code=1011)
        expect(page.locator(STATUS)).to_contain_text("Reconnecting, board as of")
        page.context.set_offline(True)
        expect(page.locator(STATUS)).to_contain_text("Offline, board as of")
        # An attempt that hangs does not pretend that there is a network.
        page.clock.run_for(1_000)
        wait_for(page, lambda: len(connections) > 1)
        expect(page.locator(STATUS)).to_contain_text("Offline, board as of")
        # Nor that there is none when it is back.
        page.context.set_offline(False)
        expect(page.locator(STATUS)).to_contain_text("Reconnecting, board as of")


def test_a_token_that_is_refused_costs_nobody_the_board(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada")
    with open_page() as page:
        stage.show(page)
        page.get_by_text("Where am I?").click()
        page.get_by_label("Your token").fill("no.such.token")
        page.get_by_role("button", name="Show my place").click()
        expect(page.get_by_role("alert")).to_contain_text("no longer, valid", timeout=SOON_MS)
        expect(page.locator(STATUS)).to_have_text("Live", timeout=SOON_MS)
        expect(page.locator("score-board .own[part=own]")).to_be_hidden()
        assert page.evaluate("sessionStorage.token") == ""
        stage.award("ben")
        expect(page.locator(USERS)).to_have_count(2, timeout=SOON_MS)


@pytest.mark.parametrize("code", [4000, 4001, 4003])
def test_a_40xx_close_ends_it(open_page: OpenPage, stage: Stage, code: int) -> None:
    with open_page() as page:
        page.clock.install()
        connections = connect(page, stage)
        connections[0].close(code=code)
        expect(page.locator(STATUS)).to_contain_text("Stopped")
        page.clock.run_for(120_000)
        assert len(connections) == 1


def test_a_bye_is_obeyed(open_page: OpenPage, stage: Stage) -> None:
    with open_page() as page:
        page.clock.install()
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 2)]))
        expect(page.locator(USERS)).to_have_text(["ada"])
        page.clock.run_for(6_000)
        connections[0].send(json.dumps({"type": "bye", "code": 1012, "retry_after_ms": 60_000}))
        connections[0].close(code=1012)
        status = page.locator(STATUS)
        expect(status).to_contain_text("Reconnecting in")
        page.clock.run_for(40_000)  # real seconds count too: a busy machine takes some
        assert len(connections) == 1
        page.clock.run_for(20_000)
        wait_for(page, lambda: len(connections) == 2)
        assert "since=9000000000000-2" in connections[1].url


LOOK_MS = 7_000


def test_a_freeze_and_its_end_show_at_once_and_awards_ask_nothing(
    open_page: OpenPage, stage: Stage
) -> None:
    with open_page() as page:
        page.clock.install()
        asked: list[str] = []
        heard: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda text: heard.append(str(text))),
        )

        def views() -> int:
            return sum(url.endswith(f"/v1/boards/{stage.board}") for url in asked)

        def set_and_look(*, frozen: bool) -> None:
            before = len(heard)
            stage.set(frozen=frozen)
            wait_for(page, lambda: len(heard) > before)
            page.clock.run_for(LOOK_MS)

        stage.show(page)
        page.clock.run_for(LOOK_MS)
        wait_for(page, lambda: views() == 1)
        for user in ("ada", "ben"):
            stage.award(user)
            expect(page.locator(USERS).filter(has_text=user)).to_be_visible(timeout=SOON_MS)
            page.clock.run_for(LOOK_MS)
        assert views() == 1
        set_and_look(frozen=True)
        expect(page.locator(STATUS)).to_contain_text("Frozen since")
        set_and_look(frozen=False)
        expect(page.locator(STATUS)).to_have_text("Live")
        assert views() == 3


def test_a_reveal_and_an_award_in_one_frame_end_a_freeze(open_page: OpenPage, stage: Stage) -> None:
    stage.set(frozen=True)
    with open_page() as page:
        page.clock.install()
        connections = connect(page, stage)
        connections[0].send(top(2, [("ada", 2)]))
        page.clock.run_for(LOOK_MS)
        expect(page.locator(STATUS)).to_contain_text("Frozen since")
        stage.set(frozen=False)
        connections[0].send(top(3, [("ben", 3)]))
        expect(page.locator(USERS)).to_have_text(["ben"])
        page.clock.run_for(LOOK_MS)
        expect(page.locator(STATUS)).to_have_text("Live")


def test_a_frozen_board_beside_a_card_says_when_it_resets(
    open_page: OpenPage, stage: Stage
) -> None:
    stage.award("ada")
    stage.set(frozen=True)
    yesterday = {"frozen_at": "2026-10-31T23:59:59.000Z"}

    def dated(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), **yesterday})

    for width in (1280, 320):
        with open_page(viewport={"width": width, "height": 800}) as page:
            page.route(f"**/v1/boards/{stage.board}", dated)
            page.goto(stage.address(period="month", user="ada"))
            expect(page.locator(STATUS)).to_contain_text("Frozen since", timeout=SOON_MS)
            period = page.locator("score-board .period")
            expect(period).to_contain_text("resets in", timeout=SOON_MS)
            assert period.evaluate("(it) => it.scrollWidth <= it.clientWidth")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_silence_is_taken_for_death(open_page: OpenPage, stage: Stage) -> None:
    with open_page() as page:
        page.clock.install()
        connections = connect(page, stage)
        connections[0].send(welcome(heartbeat_ms=40_000))
        connections[0].send(top(2, [("ada", 2)]))
        expect(page.locator(STATUS)).to_have_text("Live")
        page.clock.run_for(80_000)
        expect(page.locator(STATUS)).to_have_text("Live")
        page.clock.run_for(20_000)
        expect(page.locator(STATUS)).to_contain_text("board as of")
        page.clock.run_for(31_000)
        wait_for(page, lambda: len(connections) > 1)
