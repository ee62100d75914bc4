"""It is promised that the past is told over HTTP, to those who may know it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.service_process import Answer, Service, eventually

TOP = "/v1/boards/default/top"


@pytest.fixture
def played(service: Service) -> Service:
    service.put("actions/quiz", {"points": 10})
    service.put("actions/slip", {"points": -10})
    for user, action in [("ada", "quiz"), ("ben", "quiz"), ("ada", "quiz"), ("ada", "slip")]:
        assert service.award(user, action).status == 200
    eventually(lambda: rank(service, "ada") == 2)
    return service


def rank(service: Service, user: str) -> int:
    return service.get(f"/v1/boards/default/users/{user}").json().get("rank")


def read(service: Service, path: str, user: str, *scopes: str) -> Answer:
    return service.get(path, Authorization=f"Bearer {service.token(user, *scopes)}")


def test_a_score_is_explained_to_its_user(played: Service) -> None:
    told = read(played, "/v1/users/ada/explain?board=default", "ada")
    assert (told.status, told.headers["cache-control"]) == (200, "no-store")
    found = told.json()
    assert (found["score"], found["complete"], found["tie"]) == (10, True, "first-reached")
    assert [(each["action_id"], each["awards"], each["points"]) for each in found["actions"]] == [
        ("quiz", 2, 20),
        ("slip", 1, -10),
    ]
    assert [(row["rank"], row["user_id"]) for row in found["tied"]] == [(1, "ben"), (2, "ada")]
    assert found["standing"]["to_next"] == {"rank": 1, "points": 1}
    assert found["seq"] == played.get("/v1/ledger/head").json()["seq"]


def test_a_score_is_explained_to_nobody_else_without_the_scope(played: Service) -> None:
    path = "/v1/users/ada/explain"
    assert played.get(path).status == 401
    assert read(played, path, "ben").status == 403
    assert read(played, path, "ben", "scores:read").json()["score"] == 10
    assert read(played, "/v1/users/nobody/explain", "nobody").status == 404
    assert read(played, f"{path}?board=none", "ada").status == 404
    assert read(played, f"{path}?period=day", "ada").status == 404
    assert read(played, f"{path}?limit=3", "ada").status == 400
    assert read(played, "/v1/users/a%20b/explain", "ada").status == 400


def test_a_board_is_shown_as_it_was_to_those_who_may(played: Service) -> None:
    head = played.get("/v1/ledger/head").json()["seq"]
    path = f"{TOP}?as_of={head - 1}"
    assert played.get(path).status == 401
    assert read(played, path, "ada").status == 403
    told = read(played, path, "ada", "scores:read")
    assert (told.status, told.headers["cache-control"]) == (200, "no-store")
    found = told.json()
    assert found["seq"] == head - 1
    assert [(row["rank"], row["user_id"], row["score"]) for row in found["rows"]] == [
        (1, "ada", 20),
        (2, "ben", 10),
    ]
    user = f"/v1/boards/default/users/ada?as_of={head - 1}"
    assert played.get(user).status == 401
    assert read(played, user, "ada").status == 403
    assert read(played, user, "ada", "scores:read").json()["rank"] == 1
    now = read(played, f"{TOP}?as_of={tomorrow()}", "ada", "scores:read").json()
    assert [row["user_id"] for row in now["rows"]] == ["ben", "ada"]


def test_a_moment_that_is_none_is_refused(played: Service) -> None:
    for as_of, status in {
        "0": 400,
        "9999999": 400,
        "-1": 400,
        "yesterday": 400,
        "2026-13-45T99:99:99Z": 400,
        "2026-11-23T12:00:00": 400,
        "2001-01-01T00:00:00Z": 404,
        "0001-01-01T00:00:00Z": 404,
        "": 400,
        "3&cursor=" + "A" * 43: 400,
    }.items():
        told = read(played, f"{TOP}?as_of={as_of}", "ada", "scores:read")
        assert told.status == status, as_of


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
