"""It is promised that a reader finds any user, and that only the user sees the history."""

import json
from itertools import pairwise

from playwright.sync_api import Page, expect

from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.acceptance.stage import (
    SOON_MS,
    USERS,
    Stage,
    shared,
    stage,
    top,
    wait_for,
)

__all__ = ["chromium", "open_page", "shared", "stage"]

OWN = "score-board .own[part=own]"
LOOKED_MS = 8_000


def test_a_user_is_found_and_pinned(open_page: OpenPage, stage: Stage) -> None:
    for place in range(12):
        stage.award(f"user-{place}", 3 if place < 2 else 2)
    stage.award("ada")
    with open_page() as page:
        stage.show(page)
        page.get_by_label("Find a user").fill("ada")
        page.keyboard.press("Enter")
        expect(page.locator(OWN)).to_have_text("13ada is 13th, 11 points to the next10")
        neighbours = page.get_by_role("region", name="ada").locator("tbody th")
        expect(neighbours).to_have_text(["user-9", "user-10", "user-11", "ada"])
        expect(page.locator("figure")).to_be_hidden()
        stage.award("ada", 5)
        expect(page.locator(f"{USERS} >> text=ada")).to_be_visible(timeout=SOON_MS)
        expect(page.locator(OWN)).to_have_text("1ada is 1st60", timeout=LOOKED_MS)
        expect(neighbours).to_have_text(["ada", "user-0", "user-1", "user-2"], timeout=LOOKED_MS)
        expect(page.locator("score-board .row.own .user")).to_have_text("ada")


def test_a_user_is_found_without_javascript(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada")
    stage.award("ben", 2)
    with open_page(java_script_enabled=False) as page:
        page.goto(stage.address())
        page.get_by_label("Find a user").fill("ada")
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_text("ada is 2nd, 11 points to the next.")).to_be_visible()
        expect(page.get_by_role("region").locator("[aria-current] th")).to_have_text("ada")
        page.get_by_role("link", name="Unfollow").click()
        expect(page.get_by_role("region")).to_have_count(0)


def test_whoever_is_nobody_is_said_to_have_no_points(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ben")
    for nobody in ("no one at all", "<b>x</b>", "eve"):
        # Not found, or not a name that a user can have: the browser logs both.
        with open_page("404", "400") as page:
            stage.show(page, user=nobody)
            expect(page.get_by_role("region", name=nobody)).to_contain_text("No points here yet")
    with open_page("404") as page:
        stage.show(page, user="eve")
        expect(page.locator(OWN)).to_contain_text("No points here yet", timeout=SOON_MS)
        stage.award("eve", 2)
        expect(page.locator(OWN)).to_have_text("1eve is 1st20", timeout=LOOKED_MS)


def test_a_token_shows_the_reader_place_and_history(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada", 3)
    stage.award("ben", 5)
    with open_page() as page:
        stage.show(page)
        paste(page, stage.service.token("ada"))
        expect(page.locator(OWN)).to_have_text(
            "2You are 2nd, 21 points to the next30", timeout=SOON_MS
        )
        assert "user=ada" in page.url
        expect(page.locator("figcaption")).to_contain_text("20 points since", timeout=LOOKED_MS)
        points = page.locator("polyline").get_attribute("points") or ""
        heights = [float(each.split(",")[1]) for each in points.split(" ")]
        assert len(heights) == 3
        assert all(later < earlier for later, earlier in pairwise(heights))
        assert violations(page) == []
        # The socket tells: no waiting for the next look.
        stage.award("ada", 4)
        expect(page.locator(OWN)).to_have_text("1You are 1st70", timeout=SOON_MS)
        # The tab knows the token, also on another page of it.
        page.get_by_role("link", name="Today").click()
        expect(page.locator(OWN)).to_have_text("1You are 1st70", timeout=SOON_MS)
        page.get_by_text("Where am I?").click()
        page.get_by_role("button", name="Forget it").click()
        expect(page.locator(OWN)).to_have_text("1ada is 1st70", timeout=SOON_MS)


def test_nobody_sees_the_history_of_another(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada", 3)
    stage.award("ben")
    # A refused read is no secret; the browser logs it.
    with open_page("403") as page:
        stage.show(page, user="ada")
        with page.expect_response("**/v1/users/ada/awards*") as refused:
            paste(page, stage.service.token("ben"))
        assert refused.value.status == 403
        expect(page.locator(OWN)).to_contain_text("You are 2nd")
        expect(page.locator("figure")).to_be_hidden()


def test_a_reader_of_scores_sees_the_history_of_all(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada", 3)
    stage.award("coach")
    with open_page() as page:
        stage.show(page, user="ada")
        paste(page, stage.service.token("coach", "scores:read"))
        expect(page.locator("figcaption")).to_contain_text("20 points since", timeout=LOOKED_MS)


def test_rank_and_row_of_a_followed_user_agree_at_once(open_page: OpenPage, stage: Stage) -> None:
    stage.award("ada", 2)
    with open_page("503") as page:
        # Where the standing cannot be read, the row is what is known.
        page.route("**/users/ada?*", lambda route: route.fulfill(status=503))
        served: list[object] = []

        def serve(socket: object) -> None:
            served.append(socket)

        page.route_web_socket("**/ws/scoreboard?*", serve)
        page.goto(stage.address(user="ada"))
        wait_for(page, lambda: bool(served))
        said = {"type": "welcome", "epoch": 9_000_000_000_000, "seq": 1}
        served[0].send(json.dumps({**said, "heartbeat_ms": 15_000, "resumed": False}))
        served[0].send(top(2, [("ben", 99), ("ada", 55)]))
        expect(page.locator(OWN)).to_have_text("2ada is 2nd55", timeout=900)


def paste(page: Page, token: str) -> None:
    page.get_by_text("Where am I?").click()
    page.get_by_label("Your token").fill(token)
    page.get_by_role("button", name="Show my place").click()
