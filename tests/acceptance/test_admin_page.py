"""It is promised that moderators see and do everything on one page, and what follows beforehand."""

import secrets
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.acceptance.desk import (
    REASON,
    SCOPES,
    SCREENS,
    SECTIONS,
    SOON_MS,
    Desk,
    decide,
    desk,
)
from tests.acceptance.stage import shared
from tests.service_process import eventually

__all__ = ["chromium", "desk", "open_page", "shared"]


@pytest.mark.parametrize("screen", SCREENS)
def test_every_section_is_for_everybody(open_page: OpenPage, desk: Desk, screen: str) -> None:
    user = desk.user("ada", 2)
    desk.post(f"users/{user}/hold", {})
    with open_page("404", **SCREENS[screen]) as page:
        desk.open(page)
        expect(page.get_by_role("heading", name="Now")).to_be_visible(timeout=SOON_MS)
        for place in (*SECTIONS, f"users/{user}"):
            page.evaluate(f"location.hash = '{place}'")
            expect(page.locator("h1")).to_be_visible(timeout=SOON_MS)
            expect(page.get_by_text("Reading…")).to_have_count(0, timeout=SOON_MS)
            assert violations(page) == [], place
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        page.get_by_role("button", name="Release").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"{user} not shown → 1")
        assert violations(page) == []
        assert page.evaluate("broken") == []


def test_a_token_stays_in_its_tab_and_needs_the_scope(open_page: OpenPage, desk: Desk) -> None:
    with open_page("401", "403") as page:
        page.goto(f"{desk.service.url}/admin#keys")
        field = page.get_by_label("Your token")
        field.fill("nonsense")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not, or no longer, valid")
        expect(page.get_by_text("You were signed out")).to_be_hidden()
        field.fill(desk.service.token("eve"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("lacks the scope scores:admin")
        token = desk.service.token("mo", *SCOPES)
        field.fill(token)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Keys that sign actions")).to_be_visible()
        assert token not in page.url
        assert page.evaluate("JSON.stringify(localStorage)") == "{}"
        page.reload()
        expect(page.get_by_role("heading", name="Keys that sign actions")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(field).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0


def test_a_user_is_held_reviewed_and_released(open_page: OpenPage, desk: Desk) -> None:
    ada, ben = desk.user("ada", 2), desk.user("ben")
    with open_page("404") as page:
        desk.open(page, f"users/{ada}")
        expect(page.get_by_role("row", name="Quiz night")).to_contain_text("1 of 2")
        page.get_by_role("button", name="Hold", exact=True).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Disappears from every board and screen at once")
        expect(dialog).to_contain_text(f"{ada} 1 → not shown")
        expect(dialog).to_contain_text(f"{ben} 2 → 1")
        dialog.get_by_role("button", name="Hold").click()
        expect(dialog).to_be_visible()
        assert desk.status(ada) == "active"
        decide(page, "Hold", "far too fast")
        expect(page.get_by_role("status").first).to_contain_text(f"{ada} is now held.")
        expect(page.get_by_role("row", name="user.hold")).to_contain_text("far too fast")
        page.get_by_role("button", name="Release again").click()
        eventually(lambda: desk.status(ada) == "active")
        page.get_by_role("button", name="Hold", exact=True).click()
        decide(page, "Hold", "again")
        expect(page.locator(".badge")).to_have_text("held")
        # The queue, by keys alone.
        page.locator("#view").focus()
        page.keyboard.press("2")
        item = page.get_by_role("listitem").filter(has_text=ada)
        expect(item).to_contain_text("held", timeout=SOON_MS)
        for _ in range(50):
            page.keyboard.press("j")
            if item.evaluate("(line) => line === document.activeElement"):
                break
        expect(item).to_be_focused()
        page.keyboard.press("r")
        page.get_by_label(REASON).fill("a mistake")
        page.keyboard.press("Enter")
        expect(item).to_have_count(0, timeout=SOON_MS)
        assert desk.status(ada) == "active"


def test_what_an_audit_noticed_waits_to_be_decided(open_page: OpenPage, desk: Desk) -> None:
    ada = desk.user("ada")
    says = "83 awards in an hour, where 4 an hour are usual"
    finding = {"entry": 1, "at": "2026-11-24T03:10:00.000Z", "irregularity": "spike"}
    of_ada = {"user_id": ada, "status": "active", "key": None, "open": True, "says": says}
    of_key = {"user_id": None, "status": None, "key": "game.k1", "open": True, "says": "many"}
    dealt_with = {**of_ada, "user_id": "x", "open": False}
    found = [
        {**finding, "entry": entry, "numbers": {}, "day": "d", **each}
        for entry, each in enumerate((of_ada, of_key, dealt_with), 1)
    ]
    with open_page() as page:
        # Audits judge weeks; what they would have noticed is played.
        answer = {"findings": found, "next": None}
        page.route("**/v1/admin/findings*", lambda route: route.fulfill(json=answer))
        asked: list[Any] = []

        def dismissed(route: Any) -> None:
            asked.append(route.request.post_data_json)
            found.pop(1)
            route.fulfill(json=of_key)

        page.route("**/v1/admin/findings/2/dismiss", dismissed)
        desk.open(page, "review")
        items = page.locator(".item")
        expect(items.filter(has_text=says)).to_have_count(1)
        expect(items.filter(has_text="key game.k1")).to_have_count(1)
        assert "x" not in items.locator("h2").all_inner_texts()
        items.filter(has_text="key game.k1").focus()
        page.keyboard.press("d")
        page.get_by_label(REASON).fill("a campaign")
        page.keyboard.press("Enter")
        expect(items.filter(has_text="key game.k1")).to_have_count(0)
        assert asked == [{"reason": "a campaign"}]
        items.filter(has_text=says).focus()
        page.keyboard.press("h")
        expect(page.get_by_role("dialog")).to_contain_text(f"Hold {ada}")
        page.get_by_label(REASON).fill("to be looked at")
        page.keyboard.press("Enter")
        expect(items.filter(has_text=ada).locator(".badge")).to_have_text("held")
        assert desk.status(ada) == "held"
        items.filter(has_text=ada).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=ada)).to_be_visible()


@pytest.mark.parametrize(
    ("hit", "says"),
    [
        (("cooldown", False, 1_578, 2_000), "1 refused, 1.6 s after the last, not 2 "),
        (("cap-day", False, 5, 4), "1 refused, more than 4 "),
        (
            ("points-hour", True, 1_200, 1_000),
            "1 would have been refused, 1,200 points in an hour,",
        ),
        (("time-span", False, 9, 1_795_651_200_000), "1 refused, it begins"),
    ],
)
def test_an_incident_has_the_unit_of_its_rule(
    open_page: OpenPage, desk: Desk, hit: tuple[str, bool, int, int], says: str
) -> None:
    rule, shadow, seen, limit = hit
    at = "2026-11-26T01:00:00.000Z"
    incident = {
        "incident": 1, "open": True, "at": at, "last_at": at, "count": 1, "rule": rule,
        "user_id": "mallory", "action_id": "quiz", "board": "default", "key": None, "caller": None,
        "shadow": shadow, "limit": limit, "seen": seen, "span_s": 2,
    }  # fmt: skip
    with open_page(locale="en-US") as page:
        page.route(
            "**/v1/admin/incidents*",
            lambda route: route.fulfill(json={"incidents": [incident], "next": None}),
        )
        desk.open(page, "review")
        expect(page.locator(".item").filter(has_text="mallory")).to_contain_text(says)


def test_awards_are_reversed_after_a_look(open_page: OpenPage, desk: Desk) -> None:
    ada, ben = desk.user("ada", 3), desk.user("ben", 2)
    with open_page("404") as page:
        desk.open(page, f"users/{ada}")
        page.get_by_role("button", name="Reverse awards").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("3 awards, -30 points.")
        expect(dialog).to_contain_text(f"{ada} 1 → 2")
        expect(dialog).to_contain_text(f"{ben} 2 → 1")
        decide(page, "Reverse")
        expect(page.get_by_role("status").first).to_contain_text("3 awards taken back: -30 points.")
        expect(page.get_by_text("taken back", exact=True)).to_have_count(3)
        page.get_by_role("button", name="Explain").first.click()
        sums = page.get_by_role("table", name=f"Score by action on {desk.action}")
        expect(sums.get_by_role("row").last).to_contain_text(f"{desk.action}330")
        page.get_by_label("Window").select_option("Today")
        today = page.get_by_role("table", name="Standing on every board, Today")
        expect(today.get_by_role("row", name="Quiz night")).to_contain_text("2 of 2")
        today.get_by_role("button", name="Explain").click()
        expect(page.get_by_role("heading", name="How 0 points on")).to_contain_text("today")
        page.evaluate(f"location.hash = 'users/{ben}'")
        expect(page.get_by_role("heading", name=ben)).to_be_visible()
        page.get_by_role("button", name="Reverse", exact=True).first.click()
        expect(dialog).to_contain_text("1 award, -10 points.")
        decide(page, "Reverse")
        expect(page.get_by_role("status").first).to_contain_text("1 award taken back")


def test_an_erasure_has_to_be_typed(open_page: OpenPage, desk: Desk) -> None:
    ada = desk.user("ada")
    with open_page("404") as page:
        desk.open(page, f"users/{ada}")
        page.get_by_role("button", name="Erase").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("There is no way back.")
        page.get_by_label(f"Type {ada}").fill(ada[:-1])
        decide(page, "Erase")
        expect(dialog).to_be_visible()
        assert desk.status(ada) == "active"
        page.get_by_label(f"Type {ada}").fill(ada)
        dialog.get_by_role("button", name="Erase").click()
        expect(page.get_by_text("knows nobody of this id")).to_be_visible()


def test_the_ledger_is_seen_to_have_only_grown(open_page: OpenPage, desk: Desk) -> None:
    desk.user("ada", 3)
    eventually(lambda: desk.service.get("/v1/ledger/checkpoint").status == 200)
    with open_page() as page:
        desk.open(page, "ledger")
        verdict = page.locator(".verdict")
        page.get_by_role("button", name="Verify now").click()
        expect(verdict).to_contain_text("The first look of this browser")
        expect(page.get_by_role("row", name="Seen by this browser")).not_to_contain_text("none yet")
        size = page.evaluate("JSON.parse(localStorage.adminCheckpoint).size")
        desk.user("ben", 2)

        def grown() -> bool:
            note = desk.service.get("/v1/ledger/checkpoint").body
            return int(note.split(b"\n")[1]) > int(size)

        eventually(grown)
        page.get_by_role("button", name="Verify now").click()
        expect(verdict).to_contain_text("It has only grown")
        # Another past, of the same size: the proof must not fit it.
        page.evaluate(
            """() => {
              const seen = JSON.parse(localStorage.adminCheckpoint);
              const root = "A" + seen.root.slice(1) === seen.root ? "B" : "A";
              seen.root = root + seen.root.slice(1);
              localStorage.adminCheckpoint = JSON.stringify(seen);
            }"""
        )
        page.get_by_role("button", name="Verify now").click()
        expect(verdict).to_contain_text("does not begin with")


def test_now_counts_what_happens(open_page: OpenPage, desk: Desk) -> None:
    with open_page() as page:
        desk.open(page)
        awards = page.locator(".figures section").first
        expect(awards.locator(".figure")).to_have_text("0", timeout=SOON_MS)
        desk.user("ada", 12)
        expect(awards.locator(".figure")).not_to_have_text("0", timeout=SOON_MS)
        expect(awards.locator("svg")).to_be_visible()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("next, previous item")
        page.get_by_label("Shortcuts are on").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("3")
        expect(page.get_by_role("heading", name="Now")).to_be_visible()


def test_what_rules_refused_is_dismissed(open_page: OpenPage, desk: Desk) -> None:
    ada = desk.user("ada")
    seldom = f"seldom-{secrets.token_hex(4)}"
    desk.service.put(f"actions/{seldom}", {"points": 1, "cooldown_s": 86_400})
    statuses = [desk.service.award(ada, seldom).status for _ in range(2)]
    assert statuses == [200, 403]
    with open_page() as page:
        desk.open(page, "review")
        item = page.locator(".item").filter(has_text=ada)
        expect(item).to_contain_text("cooldown")
        item.get_by_role("button", name="Dismiss").click()
        expect(page.get_by_role("dialog")).to_contain_text("What rules refused so far is closed")
        page.get_by_label(REASON).fill("a broken button")
        page.keyboard.press("Enter")
        expect(item).to_have_count(0)
        assert desk.status(ada) == "active"
