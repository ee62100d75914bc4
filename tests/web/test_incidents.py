"""Rules over HTTP: set by an administrator, met by a player, read as incidents."""

from collections.abc import Iterator

import pytest

from tests.service_process import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("rules"), {"SCOREBOARD_USER_RATE": "0"})
    running.start()
    yield running
    running.end()


def incidents(service: Service, query: str = "") -> dict:
    answer = service.as_admin("GET", f"incidents{query}")
    assert answer.status == 200, answer.body
    found: dict = answer.json()
    return found


def test_a_player_who_breaks_rules_is_refused_and_read_about(service: Service) -> None:
    service.put("boards/default", {"points_per_hour": 25})
    service.put("actions/quiz", {"points": 10, "caps": {"day": 2}})
    service.put("actions/event", {"points": 1, "active_until": "2020-01-01T00:00:00Z"})
    statuses = [service.award("ada", "quiz").status for _ in range(4)]
    statuses.append(service.award("ada", "event").status)
    assert statuses == [200, 200, 403, 403, 403]
    service.put("actions/quiz", {"points": 10})
    refused = service.award("ada", "quiz")
    assert refused.json()["code"] == "suspicious-activity"
    assert b"points-hour" not in refused.body
    found = incidents(service)
    assert [each["rule"] for each in found["incidents"]] == ["points-hour", "time-span", "cap-day"]
    first = found["incidents"][0]
    assert {"limit": 25, "seen": 30, "span_s": 3600, "user_id": "ada", "shadow": False}.items() <= (
        first.items()
    )
    assert found["incidents"][2]["count"] in (1, 2)  # a minute may have begun in between
    assert found["next"] is None
    page = incidents(service, "?limit=1")
    following = incidents(service, f"?limit=1&before={page['next']}")
    assert [*page["incidents"], *following["incidents"]] == found["incidents"][:2]
    assert len(incidents(service, "?rule=time-span&user_id=ada")["incidents"]) == 1
    assert incidents(service, "?user_id=nobody")["incidents"] == []
    assert service.metric("scoreboard_rule_refusals_total") == 4
    assert all(each["open"] for each in found["incidents"])
    path = f"incidents/{first['incident']}/dismiss"
    for body, status in (({}, 400), ({"reason": "a broken button"}, 200)):
        assert service.as_admin("POST", path, body).status == status
    assert not any(each["open"] for each in incidents(service)["incidents"])
    for number, status in (("0", 400), ("x", 400), ("999", 404)):
        answer = service.as_admin("POST", f"incidents/{number}/dismiss", {"reason": "why"})
        assert answer.status == status
    newest = service.as_admin("GET", "audit?limit=1").json()["entries"][0]
    assert (newest["operation"], newest["reason"]) == ("incident.dismiss", "a broken button")


def test_what_an_administrator_sets_is_told_back_to_administrators_alone(service: Service) -> None:
    put = service.put("boards/other", {"points_per_hour": 7, "shadow": True})
    assert (put.json()["points_per_hour"], put.json()["shadow"]) == (7, True)
    told = service.as_admin("GET", "boards/other").json()
    assert (told["points_per_hour"], told["shadow"]) == (7, True)
    assert "points_per_hour" not in service.get("/v1/boards/other").json()
    span = {"active_from": "2026-01-01T00:00:00+01:00", "active_until": "2027-01-01T00:00:00Z"}
    put = service.put("actions/lap", {"points": 1, "shadow": True, **span})
    assert put.json()["active_from"] == "2025-12-31T23:00:00.000Z"
    assert service.as_admin("GET", "actions/lap").json() == put.json()


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("actions/quiz", {"points": 1, "active_until": "2027-01-01"}),
        ("actions/quiz", {"points": 1, "active_until": 1_795_435_200_000}),
        ("actions/quiz", {"points": 1, "shadow": "yes"}),
        (
            "actions/quiz",
            {"points": 1, "active_from": "2027-01-01T00:00Z", "active_until": "2026-01-01T00:00Z"},
        ),
        ("actions/quiz", {"points": 1, "active_until": "1960-01-01T00:00:00Z"}),
        ("boards/default", {"points_per_hour": -1}),
        ("boards/default", {"points_per_hour": 2**53}),
        ("boards/default", {"points_per_hour": 1.5}),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(service: Service, path: str, settings: dict) -> None:
    answer = service.as_admin("PUT", path, {"reason": "test", **settings})
    assert (answer.status, answer.json()["code"]) == (400, "invalid-payload")


@pytest.mark.parametrize(
    "query", ["?rule=none", "?user_id=a%20b", "?limit=0", "?before=0", "?shadow=true", "?rule="]
)
def test_a_query_that_cannot_be_is_refused(service: Service, query: str) -> None:
    answer = service.as_admin("GET", f"incidents{query}")
    assert (answer.status, answer.json()["code"]) == (400, "invalid-parameter")


def test_incidents_are_for_administrators(service: Service) -> None:
    assert service.get("/v1/admin/incidents").status == 401
    token = service.token("ada", "scores:read", "scores:write")
    refused = service.get("/v1/admin/incidents", Authorization=f"Bearer {token}")
    assert refused.json()["code"] == "insufficient-scope"


def test_a_key_with_caps_is_told_with_them(service: Service) -> None:
    public = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
    body = {"key": "game.k1", "reason": "test", "public": public, "caps": {"hour": 5}}
    answer = service.as_admin("POST", "keys", body)
    assert answer.status == 200, answer.body
    assert answer.json()["caps"] == {"minute": 0, "hour": 5, "day": 0}
    [key] = service.as_admin("GET", "keys").json()["keys"]
    assert (key["caps"]["hour"], key["shadow"]) == (5, False)
    more = service.as_admin("POST", "keys", {**body, "caps": {"hour": 6}})
    assert more.status == 400
