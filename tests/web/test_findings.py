"""Findings over HTTP: listed page by page, and closed by a moderator."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.finding import Finding, Irregularity
from tests.service_process import Answer, Service

USERS = ("ada", "bob", "cleo", "dan", "eve")


def spike(user_ref: int) -> Finding:
    return Finding(
        irregularity=Irregularity.SPIKE,
        day=20_000,
        user_ref=user_ref,
        says="Much.",
        numbers={"z": 7.5},
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Five users, each with a finding; nobody is held."""
    running = Service(tmp_path_factory.mktemp("findings"), {"SCOREBOARD_USER_RATE": "0"})
    running.start()
    try:
        assert running.put("actions/quiz", {"points": 10}).status == 200
        for user in USERS:
            assert running.award(user, "quiz").status == 200
        asyncio.run(noted(running, [spike(ref) for ref in range(1, len(USERS) + 1)]))
        yield running
    finally:
        running.end()


async def noted(service: Service, findings: Sequence[Finding]) -> None:
    ledger = await SqliteLedger.open(service.data / "scoreboard.db")
    await ledger.note_findings(findings)
    await ledger.close()


def listed(service: Service, query: str = "") -> Any:
    answer = service.as_admin("GET", f"findings{query}")
    assert answer.status == 200, answer.body
    return answer.json()


def dismissed(service: Service, entry: object, body: object) -> Answer:
    return service.as_admin("POST", f"findings/{entry}/dismiss", body)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def test_pages_follow_each_other_and_a_dismissed_finding_is_last(service: Service) -> None:
    whole = listed(service)
    assert [each["user_id"] for each in whole["findings"]] == list(USERS[::-1])
    assert whole["next"] is None
    entry = whole["findings"][2]["entry"]
    answer = dismissed(service, entry, {"reason": "a tournament"})
    told = answer.json()
    assert (answer.status, told["entry"], told["open"], told["status"]) == (
        200,
        entry,
        False,
        "active",
    )
    assert dismissed(service, entry, {"reason": "again"}).json() == told
    paged, before = [], ""
    while True:
        page = listed(service, f"?limit=2{before}")
        paged += [(each["user_id"], each["open"]) for each in page["findings"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert paged == [
        ("eve", True),
        ("dan", True),
        ("bob", True),
        ("ada", True),
        ("cleo", False),
    ]
    record = service.as_admin("GET", "users/cleo").json()
    assert [(each["operation"], each["reason"]) for each in record["entries"]] == [
        ("finding.dismiss", "a tournament")
    ]
    assert record["status"] == "active"


@pytest.mark.parametrize(
    ("entry", "body", "expected"),
    [
        (999, {"reason": "why"}, (404, "not-found")),
        ("0", {"reason": "why"}, (400, "invalid-parameter")),
        ("x", {"reason": "why"}, (400, "invalid-parameter")),
        ("9" * 16, {"reason": "why"}, (400, "invalid-parameter")),
        (1, {}, (400, "invalid-payload")),
        (1, {"reason": ""}, (400, "invalid-payload")),
        (1, {"reason": "why", "user_id": "ada"}, (400, "invalid-payload")),
    ],
)
def test_a_dismissal_that_cannot_be_is_refused(
    service: Service, entry: object, body: object, expected: tuple[int, str]
) -> None:
    assert code(dismissed(service, entry, body)) == expected


@pytest.mark.parametrize("query", ["?limit=0", "?limit=1001", "?before=0", "?before=x", "?open=1"])
def test_a_query_that_cannot_be_is_refused(service: Service, query: str) -> None:
    assert code(service.as_admin("GET", f"findings{query}")) == (400, "invalid-parameter")


def test_findings_are_for_administrators(service: Service) -> None:
    assert service.get("/v1/admin/findings").status == 401
    token = service.token("ada", "scores:read", "scores:write")
    for method, path in (("GET", "findings"), ("POST", "findings/1/dismiss")):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = service.request(
            method, f"/v1/admin/{path}", body=b'{"reason":"why"}', headers=headers
        )
        assert code(answer) == (403, "insufficient-scope")
