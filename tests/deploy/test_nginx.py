"""It is promised that nodes behind nginx are one service, and that nginx lets nobody around it."""

import contextlib
import http.client
import json
import re

import pytest
from websockets.sync.client import connect

from scoreboard import errors
from scoreboard.settings import load
from scoreboard.web import problems
from scoreboard.web.protocol import HttpLimits
from scoreboard.web.scores import BODY_MAX_BYTES
from tests.deploy.conftest import Cluster, Make
from tests.deploy.front import CONFIGURATION, HANDSHAKE
from tests.service_process import Answer, eventually

BOARD = "/v1/boards/default"
SOCKETS_MAX = 200
IDENTITY = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def cluster(cluster_factory: Make) -> Cluster:
    return cluster_factory()


def refused(answer: Answer, error: errors.ScoreboardError) -> bool:
    """Whether this is the service's own problem document of the error, whoever wrote it."""
    status, headers, body = problems.answer(error, "")
    expected, found = json.loads(body), answer.json()
    identity = re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found["instance"]
    )
    told = {name.decode(): value.decode() for name, value in headers}
    kept = ("content-type", "retry-after", "cache-control")
    return (
        answer.status == status
        and identity is not None
        and found | {"instance": ""} == expected | {"instance": ""}
        and all(answer.headers.get(name) == told.get(name) for name in kept)
    )


def test_the_configuration_is_accepted_without_a_warning(steady: Cluster) -> None:
    done = steady.front.accepts()
    assert done.returncode == 0
    assert "[warn]" not in done.stderr


def test_awards_through_nginx_count_on_every_node(cluster: Cluster) -> None:
    for turn in range(4):
        answer = cluster.front.award("ada", "quiz", key=f"award-of-ada-{turn:04d}")
        assert answer.json() == {"success": True, "new_score": 10 * (turn + 1)}
        assert answer.headers["location"].startswith("/v1/awards/")
    assert all(node.metric("scoreboard_awards_total") == 2 for node in cluster.nodes)
    for each in (cluster.front, *cluster.nodes):
        eventually(lambda each=each: each.get(f"{BOARD}/users/ada").json().get("score") == 40)


def test_a_repeated_award_gets_the_same_answer_from_another_node(cluster: Cluster) -> None:
    first, second = (cluster.front.award("ada", "quiz", key="a-key-of-16-bytes") for _ in "ab")
    assert first.body == second.body
    assert second.headers["idempotency-replayed"] == "true"
    assert [node.metric("scoreboard_awards_total") for node in cluster.nodes] == [1, 1]


def test_viewers_on_every_node_get_a_frame_of_an_award_anywhere(cluster: Cluster) -> None:
    url = f"ws://127.0.0.1:{cluster.front.port}/ws/scoreboard"
    with connect(url, compression=None) as one, connect(url, compression=None) as other:
        for viewer in (one, other):
            assert json.loads(viewer.recv(10))["type"] == "welcome"
            assert json.loads(viewer.recv(10))["rows"] == []
        assert [node.metric("scoreboard_viewers") for node in cluster.nodes] == [1, 1]
        assert cluster.front.award("ada", "quiz").status == 200
        for viewer in (one, other):
            (row,) = json.loads(viewer.recv(10))["rows"]
            assert (row["user_id"], row["score"]) == ("ada", 10)


def test_a_page_of_another_origin_gets_no_socket_through_nginx(steady: Cluster) -> None:
    headers = HANDSHAKE | {"Origin": "https://elsewhere.example"}
    answer = steady.front.ask_from("127.0.0.1", "/ws/scoreboard", headers)
    assert refused(answer, errors.OriginNotAllowed())


def test_events_are_passed_on_as_they_come(cluster: Cluster) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cluster.front.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", f"{BOARD}/stream")
        events = connection.getresponse()
        assert events.getheader("content-type") == "text/event-stream"
        assert json.loads(next_data(events))["rows"] == []
        assert cluster.front.award("ada", "quiz").status == 200
        assert json.loads(next_data(events))["rows"][0]["user_id"] == "ada"


def next_data(events: http.client.HTTPResponse) -> bytes:
    """What the next event says."""
    while not (line := events.readline()).startswith(b"data: "):
        assert line
    return line.removeprefix(b"data: ")


def test_nobody_gets_around_the_rate_of_an_address_by_a_header(cluster_factory: Make) -> None:
    front, _ = cluster_factory(1, IP_RATE="5/300s")
    statuses = []
    for number in range(8):
        forged = f"198.51.100.{number}"
        headers = {"X-Forwarded-For": forged, "Forwarded": f"for={forged}", "X-Real-IP": forged}
        statuses.append(front.ask_from("127.0.0.2", BOARD, headers).status)
    assert statuses == [*[200] * 5, *[429] * 3]
    assert front.ask_from("127.0.0.3", BOARD).status == 200


TOO_MUCH = {
    "a body": ("POST", "/v1/scores", {}, 1_025, errors.TooLarge()),
    "any body": ("POST", "/v1/boards", {}, 70_000, errors.TooLarge()),
    "a line of the head": (
        "GET",
        "/v1/boards",
        {"X-Long": "x" * 9_000},
        0,
        errors.HeadersTooLarge(),
    ),
    "the head": (
        "GET",
        "/v1/boards",
        {f"X-{number}": "x" * 4_000 for number in range(7)},
        0,
        errors.HeadersTooLarge(),
    ),
    "fields": (
        "GET",
        "/v1/boards",
        {f"X-{number}": "x" for number in range(80)},
        0,
        errors.HeadersTooLarge(),
    ),
    "a target": ("GET", "/v1/boards?" + "x" * 5_000, {}, 0, errors.UriTooLong()),
    "a very long target": ("GET", "/v1/boards?" + "x" * 9_000, {}, 0, errors.UriTooLong()),
}
"""What is too much: method, path, headers, bytes of body, and the refusal."""


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_is_too_much_is_refused_as_the_service_would(steady: Cluster, what: str) -> None:
    method, path, headers, length, error = TOO_MUCH[what]
    body = b"x" * length or None
    assert refused(steady.front.request(method, path, body=body, headers=headers), error)


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/readyz",
        "/livez",
        "/version",
        "/admin",
        "/admin/",
        "/v1/admin/actions",
        "/v1/admin/actions/quiz",
        "//metrics",
        "/%6Detrics",
        "/v1/../metrics",
        "/v1/%61dmin/actions",
        "/.award-with-id",
        "/.problems/unavailable",
    ],
)
def test_what_is_for_operators_is_not_for_everybody(steady: Cluster, path: str) -> None:
    token = steady.front.token("admin", "scores:admin")
    answer = steady.front.get(path, Authorization=f"Bearer {token}")
    assert refused(answer, errors.NotFound())
    assert steady.nodes[0].get("/v1/admin/actions", Authorization=f"Bearer {token}").status == 200


def test_one_address_cannot_take_all_the_sockets(cluster_factory: Make) -> None:
    front, _ = cluster_factory(1, VIEWERS_PER_ADDRESS="1000")
    with contextlib.ExitStack() as open_sockets:
        for _ in range(SOCKETS_MAX):
            open_sockets.enter_context(front.viewer())
        full = front.ask_from("127.0.0.1", "/ws/scoreboard", HANDSHAKE)
        assert refused(full, errors.TooManyConnections(10))
        assert front.ask_from("127.0.0.2", "/ws/scoreboard", HANDSHAKE).status == 101


def test_the_log_has_failures_alone_and_no_user_in_them(cluster: Cluster) -> None:
    front = cluster.front
    assert front.award("ada", "quiz").status == 200
    assert front.get(f"{BOARD}/users/somebody").status == 404
    front.end()
    lines = [line for line in front.log().splitlines() if " GET " in line or " POST " in line]
    assert [line.split()[1:3] for line in lines] == [["404", "GET"]]
    assert "somebody" not in front.log()
    assert "ada" not in front.log()


def test_the_service_does_not_say_which_nginx_it_has(steady: Cluster) -> None:
    assert steady.front.get("/v1/boards").headers["server"] == "nginx"


def test_limits_of_nginx_and_of_the_nodes_agree() -> None:
    limits = HttpLimits()
    defaults = load({}, {}, CONFIGURATION)
    site = (CONFIGURATION / "scoreboard.conf").read_text("utf-8")
    upstreams = (CONFIGURATION / "scoreboard.upstreams").read_text("utf-8")
    assert values(site, "client_max_body_size") == ["64k", "1k", "1k"]
    assert (limits.body_max_bytes, BODY_MAX_BYTES) == (64 * 1024, 1024)
    assert (
        values(site, "limit_conn scoreboard_addresses") == [str(defaults.viewers_per_address)] * 2
    )
    (usual, *viewers) = (seconds(each) for each in values(site, "proxy_read_timeout"))
    assert usual > limits.request_within_s
    assert viewers == [5 * defaults.heartbeat_ms / 1000] * 2
    (idle,) = values(upstreams, "keepalive_timeout")
    assert seconds(idle) < limits.idle_s


def values(text: str, directive: str) -> list[str]:
    return re.findall(rf"^\s*{directive} ([^;]+);", text, re.MULTILINE)


def seconds(value: str) -> int:
    return int(value.removesuffix("s"))
