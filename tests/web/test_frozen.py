"""It is promised that over HTTP a frozen board is that of the freeze, but for who may see."""

import http.client
import json
from typing import Any

import pytest

from tests.service_process import Answer, Service, eventually

BOARD = "/v1/boards/default"
TOP = f"{BOARD}/top"
WAS = [("ada", 30), ("ben", 20), ("cy", 10), ("dee", 10)]
IS = [("cy", 60), ("ada", 30), ("eve", 30), ("ben", 20), ("dee", 10)]


@pytest.fixture
def played(service: Service) -> Service:
    service.put("boards/default", {"windows": ["all", "day"]})
    service.put("actions/quiz", {"points": 10})
    for user, times in (("ada", 3), ("ben", 2), ("cy", 1), ("dee", 1)):
        award(service, user, times)
    eventually(lambda: rows(service.get(TOP)) == WAS)
    return service


def award(service: Service, user: str, times: int) -> None:
    for _ in range(times):
        assert service.award(user, "quiz").status == 200


def turn(service: Service, *, frozen: bool) -> None:
    service.put("boards/default", {"windows": ["all", "day"], "frozen": frozen})


def freeze(service: Service) -> None:
    """And let cy overtake all, and eve come from nowhere."""
    turn(service, frozen=True)
    award(service, "cy", 5)
    award(service, "eve", 3)
    eventually(lambda: rows(read(service, TOP, "mo", "scores:read")) == IS)


def rows(answer: Answer) -> list[tuple[str, int]]:
    return [(row["user_id"], row["score"]) for row in answer.json().get("rows", ())]


def read(service: Service, path: str, user: str, *scopes: str) -> Answer:
    return service.get(path, Authorization=f"Bearer {service.token(user, *scopes)}")


def known(service: Service, path: str, tag: str, *scopes: str) -> int:
    token = {"Authorization": f"Bearer {service.token('mo', *scopes)}"} if scopes else {}
    return service.get(path, **{"If-None-Match": tag}, **token).status


def test_only_who_may_see_everybodys_awards_sees_past_a_freeze(played: Service) -> None:
    freeze(played)
    tokens = [
        ("cy",),
        ("mo", "scores:write"),
        ("eve",),
    ]
    for path in ("/v1/scoreboard", TOP, f"{TOP}?limit=7", f"{TOP}?period=day"):
        public = played.get(path)
        assert rows(public) == WAS, path
        assert public.headers["cache-control"] == "no-cache"
        assert rows(played.get(path, Authorization="Bearer nonsense")) == WAS
        for token in tokens:
            assert rows(read(played, path, *token)) == WAS, (path, token)
        for scope in ("scores:read", "scores:admin"):
            live = read(played, path, "mo", scope)
            assert rows(live) == IS, (path, scope)
            assert live.headers["cache-control"] == "no-store"
            assert "etag" not in live.headers
    users = f"{BOARD}/users"
    cy = played.get(f"{users}/cy").json()
    assert cy == read(played, f"{users}/cy", "cy").json()
    told = (cy["rank"], cy["score"], cy["total_users"], cy["percentile"], cy["to_next"])
    assert told == (3, 10, 4, 25.0, {"rank": 2, "points": 11})
    live = read(played, f"{users}/cy", "mo", "scores:read")
    assert (live.json()["rank"], live.json()["total_users"]) == (1, 5)
    assert live.headers["cache-control"] == "no-store"
    assert rows(played.get(f"{users}/cy/around?radius=1")) == WAS[1:]
    assert rows(read(played, f"{users}/cy/around?radius=1", "mo", "scores:admin")) == IS[:2]
    assert played.get(BOARD).json()["total_users"] == 4


def test_who_came_from_nowhere_is_nobody_until_the_reveal(played: Service) -> None:
    freeze(played)
    path = f"{BOARD}/users/eve"
    for asked in (path, f"{path}/around"):
        assert played.get(asked).status == 404
        assert read(played, asked, "eve").status == 404
        assert read(played, asked, "mo", "scores:read").status == 200
    # What is eve's own goes on.
    assert played.award("eve", "quiz").json()["new_score"] == 40
    assert len(read(played, "/v1/users/eve/awards", "eve").json()["postings"]) == 4
    told = read(played, "/v1/users/eve/explain", "eve").json()
    assert (told["score"], told["standing"], told["tied"]) == (40, None, [])
    told = read(played, "/v1/users/cy/explain", "cy").json()
    assert (told["score"], told["standing"]["score"]) == (60, 10)
    assert [row["user_id"] for row in told["tied"]] == ["cy", "dee"]
    told = read(played, "/v1/users/cy/explain", "mo", "scores:read").json()
    assert (told["score"], told["standing"]["score"]) == (60, 60)
    turn(played, frozen=False)
    eventually(lambda: played.get(path).json().get("score") == 40)


def test_what_a_cache_has_is_told_apart_before_during_and_after(played: Service) -> None:
    paths = (TOP, f"{TOP}?limit=3")
    before = [tag(played, path) for path in paths]
    freeze(played)
    eventually(lambda: tag(played, TOP) != before[0])
    during = [tag(played, path) for path in paths]
    for path, old, new in zip(paths, before, during, strict=True):
        assert known(played, path, old) == 200
        assert known(played, path, new) == 304
        assert known(played, path, new, "scores:read") == 200
    award(played, "ben", 9)
    eventually(lambda: rows(read(played, TOP, "mo", "scores:read"))[0] == ("ben", 110))
    assert [tag(played, path) for path in paths] == during
    turn(played, frozen=False)
    eventually(lambda: rows(played.get(TOP))[0] == ("ben", 110))
    for path, old, new in zip(paths, before, during, strict=True):
        assert known(played, path, old) == 200
        assert known(played, path, new) == 200


def tag(service: Service, path: str) -> str:
    return service.get(path).headers["etag"]


def test_pages_go_on_where_they_were(played: Service) -> None:
    first = played.get(f"{TOP}?limit=2").json()
    freeze(played)
    cursor = first["next"]
    second = played.get(f"{TOP}?limit=2&cursor={cursor}")
    assert rows(second) == WAS[2:]
    assert [row["rank"] for row in second.json()["rows"]] == [3, 4]
    assert second.json()["next"] is None
    again = played.get(f"{TOP}?limit=3").json()
    assert rows(played.get(f"{TOP}?limit=3&cursor={again['next']}")) == WAS[3:]
    turn(played, frozen=False)
    eventually(lambda: rows(played.get(TOP)) == IS)
    assert rows(played.get(f"{TOP}?limit=2&cursor={cursor}")) == IS[4:]


def test_streams_and_the_page_show_what_was(played: Service) -> None:
    freeze(played)
    eventually(lambda: first_event(played) == WAS)  # a screen is a frame behind
    page = played.get("/").body.decode()
    assert ">ben<" in page
    assert ">eve<" not in page


def first_event(service: Service) -> list[tuple[str, int]]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    try:
        connection.request("GET", f"{BOARD}/stream")
        stream: Any = connection.getresponse()
        while not (line := stream.readline()).startswith(b"data: "):
            pass
        found = json.loads(line[6:])["rows"]
        return [(row["user_id"], row["score"]) for row in found]
    finally:
        connection.close()
