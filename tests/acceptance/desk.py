"""A moderator's desk: a tab of the administrator's page, and users of its own."""

import json
import secrets
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.service_process import Service

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

    def edit(self, page: Page) -> Locator:
        """Open the dialog of its action; answers the action's row."""
        self.open(page, "actions")
        rows = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=self.action))
        rows.first.get_by_role("button", name="Edit").click()
        return rows.first


@pytest.fixture
def desk(shared: Service) -> Desk:
    return Desk(shared)


def decide(page: Page, button: str, reason: str = "odd") -> None:
    page.get_by_label(REASON).fill(reason)
    page.get_by_role("dialog").get_by_role("button", name=button).click()
