"""It is promised that moderators see and do everything on one page, and what follows beforehand."""

import json
import secrets
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from scoreboard.client.signing import HEADER, Signer
from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.acceptance.stage import shared
from tests.service_process import Service, eventually

__all__ = ["chromium", "open_page", "shared"]

SOON_MS = 10_000
SCOPES = ("scores:admin", "scores:read")
VIOLATIONS = """
window.broken = [];
addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective));
"""
SCREENS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
SECTIONS = ("now", "review", "users", "actions", "keys", "record", "ledger")
PUBLIC = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
REASON = "Reason, for the audit record"


class Desk:
    """A moderator's browser tab, and users of its own beside others on the service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.mark = secrets.token_hex(3)
        self.action = f"a{self.mark}"
        service.put(f"boards/{self.action}", {"title": "Quiz night", "windows": ["all", "day"]})
        service.put(f"actions/{self.action}", {"points": 10, "board": self.action})

    def user(self, name: str, times: int = 1) -> str:
        user = f"{name}-{self.mark}"
        for _ in range(times):
            assert self.service.award(user, self.action).status == 200
        return user

    def post(self, path: str, body: Any) -> Any:
        headers = {
            "Authorization": f"Bearer {self.service.token('boss', 'scores:admin')}",
            "Content-Type": "application/json",
        }
        sent = json.dumps({"reason": "test", **body}).encode()
        answer = self.service.request("POST", f"/v1/admin/{path}", body=sent, headers=headers)
        assert answer.status == 200, answer.body
        return answer.json()

    def status(self, user: str) -> str:
        headers = {"Authorization": f"Bearer {self.service.token('boss', 'scores:admin')}"}
        answer = self.service.request("GET", f"/v1/admin/users/{user}", headers=headers)
        return str(answer.json()["status"])

    def open(self, page: Page, place: str = "now", *scopes: str) -> None:
        page.add_init_script(VIOLATIONS)
        page.goto(f"{self.service.url}/admin#{place}")
        page.get_by_label("Your token").fill(self.service.token("mo", *(scopes or SCOPES)))
        page.keyboard.press("Enter")


@pytest.fixture
def desk(shared: Service) -> Desk:
    return Desk(shared)


def decide(page: Page, button: str, reason: str = "odd") -> None:
    page.get_by_label(REASON).fill(reason)
    page.get_by_role("dialog").get_by_role("button", name=button).click()


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


def test_an_action_is_set_after_a_look_at_what_changes(open_page: OpenPage, desk: Desk) -> None:
    desk.user("ben", 3)
    with open_page() as page:
        desk.open(page, "actions")
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=desk.action))
        row.first.get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Changes nothing.")
        page.get_by_label("Points", exact=True).fill("50")
        page.get_by_label("Most a day").fill("20")
        expect(dialog).to_contain_text("points: 10 → 50, caps.day: 0 → 20.")
        expect(dialog).to_contain_text("with 3 awards of it")
        expect(dialog).to_contain_text("No award refused.")
        page.get_by_label("Most a day").fill("2")
        expect(dialog).to_contain_text("Refused: 1 by cap-day.")
        assert violations(page) == []
        page.get_by_label("Most a day").fill("20")
        decide(page, "Set", "spring season")
        expect(row.first).to_contain_text("50")
        expect(row.first).to_contain_text("20 a day")
        desk.user("ada")
        page.evaluate("location.hash = 'record'")
        expect(page.get_by_role("row", name="spring season")).to_contain_text("points: 10 → 50")


def test_a_token_that_ends_while_somebody_writes_costs_nothing_written(
    open_page: OpenPage, desk: Desk
) -> None:
    end = "sessionStorage.adminToken = 'ended'"
    with open_page("401") as page:
        desk.open(page, "actions")
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=desk.action))
        row.first.get_by_role("button", name="Edit").click()
        another = page.get_by_label("Another token")
        expect(another).to_be_hidden()
        page.get_by_label("Points", exact=True).fill("50")
        expect(page.get_by_role("dialog")).to_contain_text("points: 10 → 50")
        page.evaluate(end)
        decide(page, "Set", "spring season")
        expect(another).to_be_visible()
        expect(page.get_by_label("Points", exact=True)).to_have_value("50")
        expect(page.get_by_label(REASON)).to_have_value("spring season")
        assert violations(page) == []
        another.fill(desk.service.token("mo", *SCOPES))
        page.get_by_role("dialog").get_by_role("button", name="Set").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(row.first).to_contain_text("50")
        # Who gives none is asked by the page.
        row.first.get_by_role("button", name="Edit").click()
        page.evaluate(end)
        decide(page, "Set")
        expect(another).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_label("Your token")).to_be_visible()


def test_a_moment_that_is_not_rewritten_stays_to_the_millisecond(
    open_page: OpenPage, desk: Desk
) -> None:
    until = "2027-03-01T12:34:56.789Z"
    settings = {"points": 10, "board": desk.action, "active_until": until}
    desk.service.put(f"actions/{desk.action}", settings)
    with open_page() as page:
        desk.open(page, "actions")
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=desk.action))
        row.first.get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Changes nothing.")
        page.get_by_label("Until").fill("2027-03-02T00:00:00")
        expect(dialog).to_contain_text(f"active_until: {until} →")
        page.get_by_label("Until").fill("")
        expect(dialog).to_contain_text(f"active_until: {until} → nothing")


def test_a_board_is_frozen_and_revealed(open_page: OpenPage, desk: Desk) -> None:
    path = f"/v1/boards/{desk.action}"
    with open_page() as page:
        desk.open(page, "actions")
        row = page.get_by_role("table", name="Boards").get_by_role("row", name=desk.action)
        expect(row).to_contain_text("live", timeout=SOON_MS)
        row.get_by_role("button", name="Freeze").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("everybody sees the board as it stands at this moment")
        expect(dialog).to_contain_text("Awards go on and count")
        assert desk.service.get(path).json()["frozen_at"] is None
        meanwhile = {"title": "Set meanwhile", "windows": ["all", "day", "week"]}
        desk.service.put(f"boards/{desk.action}", meanwhile)
        decide(page, f"Freeze {desk.action}", "the last hour")
        expect(page.get_by_role("status").first).to_contain_text(f"{desk.action} is frozen.")
        expect(row).to_contain_text("frozen")
        told = desk.service.get(path).json()
        assert told["frozen_at"] is not None
        assert (told["title"], len(told["windows"])) == ("Set meanwhile", 3)

        row.get_by_role("button", name="Reveal").click()
        expect(dialog).to_contain_text("cannot be hidden again")
        decide(page, f"Reveal {desk.action}", "the prizes")
        expect(dialog).to_be_visible()  # its name has to be typed first
        page.get_by_label(f"Type {desk.action} to go on").fill(desk.action)
        decide(page, f"Reveal {desk.action}", "the prizes")
        expect(row).to_contain_text("live")
        assert desk.service.get(path).json()["frozen_at"] is None


def test_a_key_is_added_and_revoked(open_page: OpenPage, desk: Desk) -> None:
    key = f"game.{desk.mark}"
    with open_page() as page:
        desk.open(page, "keys")
        page.get_by_role("button", name="Add a key").click()
        page.get_by_label("Name", exact=True).fill(key)
        page.get_by_label("Public half").fill(PUBLIC)
        decide(page, "Add the key", "a new game")
        row = page.get_by_role("row", name=key)
        expect(row).to_contain_text("in use")
        row.get_by_role("button", name="Revoke").click()
        expect(page.get_by_role("dialog")).to_contain_text("For ever")
        decide(page, "Revoke", "it leaked")
        expect(row).to_contain_text("revoked")
        expect(row.get_by_role("button", name="Revoke")).to_have_count(0)


def test_a_secret_is_made_and_limited(open_page: OpenPage, desk: Desk) -> None:
    key = f"hmac.{desk.mark}"
    with open_page() as page:
        desk.open(page, "keys")
        page.get_by_role("button", name="Add a key").click()
        page.get_by_label("Name", exact=True).fill(key)
        page.get_by_label("Algorithm").select_option("hmac-sha256")
        expect(page.get_by_label("Public half")).to_be_hidden()
        page.get_by_role("button", name="Make one").click()
        secret = page.get_by_label("Secret", exact=True).input_value()
        page.get_by_label("Only for these actions").fill(f"{desk.action}, other")
        page.get_by_label("Most a day").fill("1")
        page.get_by_label("Signs from").fill("2026-01-02T03:04:05")
        page.get_by_label("Until (your time)").fill("2036-01-02T03:04:05")
        assert violations(page) == []
        decide(page, "Add the key", "a new game")
        row = page.get_by_role("row", name=key)
        expect(row).to_contain_text("1 a day")
        expect(row).to_contain_text(f"{desk.action}, other")
        expect(row).to_contain_text("2036")
        assert secret not in page.content()
    signer = Signer(key, secret)
    signed = [{HEADER: signer.sign(name, desk.action)} for name in ("ada", "ben")]
    statuses = [
        desk.service.award(name, desk.action, headers=header).status
        for name, header in zip(("ada", "ben"), signed, strict=True)
    ]
    assert statuses == [200, 403], "the key's cap of a day"


def test_the_ledger_is_seen_to_have_only_grown(open_page: OpenPage, desk: Desk) -> None:
    desk.user("ada", 3)
    eventually(lambda: desk.service.get("/v1/ledger/checkpoint").status == 200, within_s=15)
    size = int(desk.service.get("/v1/ledger/checkpoint").body.split(b"\n")[1])
    with open_page() as page:
        desk.open(page, "ledger")
        verdict = page.locator(".verdict")
        page.get_by_role("button", name="Verify now").click()
        expect(verdict).to_contain_text("The first look of this browser")
        expect(page.get_by_role("row", name="Seen by this browser")).not_to_contain_text("none yet")
        desk.user("ben", 2)

        def grown() -> bool:
            note = desk.service.get("/v1/ledger/checkpoint").body
            return int(note.split(b"\n")[1]) > size

        eventually(grown, within_s=15)
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
