"""It is promised that actions, boards and keys are set on the page, after a look at the effect."""

from playwright.sync_api import expect

from scoreboard.client.signing import HEADER, Signer
from tests.acceptance.browser import OpenPage, chromium, open_page, violations
from tests.acceptance.desk import (
    PUBLIC,
    REASON,
    SCOPES,
    SOON_MS,
    Desk,
    decide,
    desk,
)
from tests.acceptance.stage import shared

__all__ = ["chromium", "desk", "open_page", "shared"]


def test_an_action_is_set_after_a_look_at_what_changes(open_page: OpenPage, desk: Desk) -> None:
    desk.user("ben", 3)
    with open_page() as page:
        row = desk.edit(page)
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
        expect(row).to_contain_text("50")
        expect(row).to_contain_text("20 a day")
        desk.user("ada")
        page.evaluate("location.hash = 'record'")
        expect(page.get_by_role("row", name="spring season")).to_contain_text("points: 10 → 50")


def test_a_token_that_ends_while_somebody_writes_costs_nothing_written(
    open_page: OpenPage, desk: Desk
) -> None:
    end = "sessionStorage.adminToken = 'ended'"
    with open_page("401") as page:
        row = desk.edit(page)
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
        expect(row).to_contain_text("50")
        # Who gives none is asked by the page.
        row.get_by_role("button", name="Edit").click()
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
        desk.edit(page)
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
