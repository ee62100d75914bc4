"""What moderators ask over HTTP, and what becomes of the others' board."""

import json
from typing import Any

import pytest

from tests.service_process import Answer, Service

SINCE = "2026-01-01T00:00:00Z"


def post(service: Service, path: str, body: Any, *scopes: str) -> Answer:
    headers = {
        "Authorization": f"Bearer {service.token('mo', *(scopes or ('scores:admin',)))}",
        "Content-Type": "application/json",
    }
    sent = json.dumps(body).encode()
    return service.request("POST", f"/v1/admin/{path}", body=sent, headers=headers)


def told(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


def test_a_user_is_banned_released_and_erased(service: Service) -> None:
    service.award("ada", "quiz")
    service.award("bob", "quiz")
    foreseen = told(post(service, "users/ada/ban", {"reason": "odd", "preview": True}))
    assert (foreseen["status"], foreseen["changed"], foreseen["seq"]) == ("banned", True, None)
    assert foreseen["moves"] == [
        {
            "board": "default",
            "period": "all",
            "count": 2,
            "moves": [
                {"user_id": "ada", "before": 1, "after": None},
                {"user_id": "bob", "before": 2, "after": 1},
            ],
        }
    ]
    done = told(post(service, "users/ada/ban", {"reason": "odd"}))
    assert (done["status"], done["changed"]) == ("banned", True)
    assert told(post(service, "users/ada/ban", {"reason": "odd"}))["changed"] is False
    assert code(service.award("ada", "quiz")) == (403, "user-suspended")
    assert told(post(service, "users/ada/release", {"reason": "a mistake"}))["seq"] > done["seq"]
    assert service.award("ada", "quiz").status == 200
    headers = {"Authorization": f"Bearer {service.token('mo', 'scores:admin')}"}
    record = told(service.request("GET", "/v1/admin/users/ada?limit=1", headers=headers))
    assert (record["status"], record["entries"][0]["operation"]) == ("active", "user.release")
    assert record["next"] is not None
    assert told(post(service, "users/ada/erase", {"reason": "asked for"}))["status"] == "erased"
    assert code(post(service, "users/ada/erase", {"reason": "asked for"})) == (404, "not-found")
    assert service.request("GET", "/v1/admin/users/ada", headers=headers).status == 404


def test_awards_are_taken_back_once(service: Service) -> None:
    award_id = service.award("ada", "quiz").headers["award-id"]
    service.award("ada", "quiz")
    one = {"reason": "a bug", "award_id": award_id}
    foreseen = told(post(service, "reversals", {**one, "preview": True}))
    assert (foreseen["awards"], foreseen["points"], foreseen["complete"]) == (1, -10, False)
    assert told(post(service, "reversals", one))["awards"] == 1
    assert told(post(service, "reversals", one)) == {
        "awards": 0,
        "points": 0,
        "complete": True,
        "moves": None,
    }
    every = {"reason": "a bug", "user_id": "ada", "since": SINCE}
    assert told(post(service, "reversals", every))["awards"] == 1
    signed = {"reason": "stolen", "key": "game.main", "since": SINCE}
    assert told(post(service, "reversals", signed))["awards"] == 0
    service.award("bob", "quiz")
    for_quiz = {"reason": "a bug", "action_id": "quiz", "since": SINCE}
    assert told(post(service, "reversals", {**for_quiz, "preview": True}))["awards"] >= 1
    assert told(post(service, "reversals", for_quiz))["awards"] >= 1
    assert told(post(service, "reversals", for_quiz))["awards"] == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/award_id"),
        ({"user_id": "ada"}, "/since"),
        ({"award_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "since": SINCE}, "/since"),
        ({"user_id": "ada", "key": "game.main", "since": SINCE}, "/key"),
        ({"action_id": "quiz"}, "/since"),
        ({"key": "game.main", "action_id": "quiz", "since": SINCE}, "/action_id"),
    ],
)
def test_a_reversal_names_one_thing(running: Service, body: dict[str, Any], pointer: str) -> None:
    answer = post(running, "reversals", {"reason": "why", **body})
    assert (answer.status, json.loads(answer.body)["pointer"]) == (400, pointer)


def test_moderators_need_their_scope_and_a_reason(running: Service) -> None:
    reason = {"reason": "why"}
    assert code(post(running, "users/ada/ban", reason, "scores:write"))[0] == 403
    assert code(post(running, "reversals", reason, "scores:read"))[0] == 403
    assert code(post(running, "users/ada/ban", {}))[0] == 400
    assert code(post(running, "users/ada/ban", {"reason": ""}))[0] == 400
    assert code(post(running, "users/a%20b/ban", reason)) == (400, "invalid-parameter")
    assert code(post(running, "users/nobody/ban", reason)) == (404, "not-found")


def test_those_who_are_not_shown_are_listed(service: Service) -> None:
    for user in ("ada", "bob", "cleo", "dan"):
        service.award(user, "quiz")
    for user, deed in (("ada", "hold"), ("bob", "ban"), ("cleo", "hold"), ("dan", "hide")):
        told(post(service, f"users/{user}/{deed}", {"reason": "odd"}))

    def listed(query: str) -> tuple[list[str], str | None]:
        headers = {"Authorization": f"Bearer {service.token('mo', 'scores:admin')}"}
        page = told(service.request("GET", f"/v1/admin/users{query}", headers=headers))
        return [each["user_id"] for each in page["users"]], page["next"]

    assert listed("") == (["ada", "bob", "cleo", "dan"], None)
    assert listed("?status=held") == (["ada", "cleo"], None)
    assert listed("?status=held&limit=1") == (["ada"], "ada")
    assert listed("?status=held&limit=1&after=ada") == (["cleo"], "cleo")
    assert listed("?status=held&after=cleo") == ([], None)
    assert listed("?limit=4") == (["ada", "bob", "cleo", "dan"], None)
    told(post(service, "users/ada/release", {"reason": "a mistake"}))
    assert listed("?status=held") == (["cleo"], None)
    for query in ("?status=active", "?limit=0", "?after=", "?x=1"):
        headers = {"Authorization": f"Bearer {service.token('mo', 'scores:admin')}"}
        answer = service.request("GET", f"/v1/admin/users{query}", headers=headers)
        assert code(answer) == (400, "invalid-parameter"), query
    assert service.get("/v1/admin/users").status == 401


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    service = Service(tmp_path_factory.mktemp("moderated"), {})
    service.start()
    yield service
    service.end()
