"""Nothing that exists is left out of the pages, and nothing is named that does not exist."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from scoreboard import cli, wire
from scoreboard.adapters.keys import jwks
from scoreboard.core.token import LIFE_MAX_S
from scoreboard.service import group_commit, hub
from scoreboard.settings.table import BY_NAME, PREFIX
from scoreboard.telemetry import METRICS, TABLE, Event, Metric
from scoreboard.web import (
    admin,
    listener,
    live,
    own_feed,
    protocol,
    scores,
    tokens,
    viewer,
    websocket,
)
from scoreboard.web.contract import OPERATIONS, Operation
from scoreboard.web.live_node import LiveSettings
from scoreboard.web.pages import STATIC_FILES
from scoreboard.web.problems import SHAPES, Shape
from tests.docs.pages import DOCS, NAMES, PAGES, prose, rows

API, ADMIN, LIVE = DOCS / "api.md", DOCS / "admin.md", DOCS / "live.md"
TABLE_OF_METRICS, TABLE_OF_EVENTS = DOCS / "metrics.md", DOCS / "logs.md"
HTTP = protocol.HttpLimits()
VIEWERS = LiveSettings()

each_page = pytest.mark.parametrize("page", PAGES, ids=NAMES)


def squeezed(page: Path) -> str:
    """The prose as one line."""
    return " ".join(prose(page).split())


# --- what exists is explained


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_explained(metric: Metric) -> None:
    (row,) = (row for row in rows(TABLE_OF_METRICS) if row[0] == f"`{metric.name}`")
    assert row[1:3] == [metric.kind.__name__.lower(), metric.help]
    named = set(re.findall(r"`(\w+)`", row[3]))
    assert set(metric.labels) <= named


@pytest.mark.parametrize("event", Event)
def test_every_log_event_is_explained(event: Event) -> None:
    (row,) = (row for row in rows(TABLE_OF_EVENTS) if row[0] == f"`{event.value}`")
    assert row[1] in {"info", "warning", "error"}
    assert row[2]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.error.code)
def test_every_error_is_explained(shape: Shape) -> None:
    (row,) = (row for row in rows(API) if row[1:2] == [f"`{shape.error.code}`"])
    assert row[0] == str(shape.status)
    assert row[2]
    assert not shape.error.temporary or "`Retry-After`" in row[3]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_every_route_is_explained(operation: Operation) -> None:
    text = API.read_text("utf-8") + ADMIN.read_text("utf-8")
    if operation.path.startswith("/v1/"):
        pattern = rf"`{operation.method} {re.escape(operation.path)}(\?[^`]*)?`"
        documented = re.search(pattern, text)
        assert documented
        query = documented[1] or ""
        for field in msgspec.structs.fields(operation.query) if operation.query else ():
            assert f"{field.encode_name}=" in query
    else:
        assert re.search(rf"`(GET )?{re.escape(operation.path)}`", text)


@pytest.mark.parametrize("header", sorted({name for each in OPERATIONS for name in each.told}))
def test_every_header_of_an_answer_is_explained(header: str) -> None:
    assert f"`{header}" in API.read_text("utf-8")


@pytest.mark.parametrize(
    "message",
    [*get_args(wire.ServerMessage), *get_args(wire.ClientMessage)],
    ids=lambda message: message.__name__,
)
def test_every_live_message_and_its_members_are_explained(message: type[msgspec.Struct]) -> None:
    tag = message.__struct_config__.tag
    (row,) = (row for row in rows(LIVE) if row[0] == f"`{tag}`" and len(row) == 3)
    assert {field.name for field in msgspec.structs.fields(message)} <= set(
        re.findall(r"`(\w+)`", row[1])
    )


def test_every_close_code_is_explained() -> None:
    sent = {
        viewer.BAD_MESSAGE, viewer.BAD_TOKEN, viewer.FORBIDDEN, viewer.TOKEN_EXPIRED,
        viewer.TOO_MANY, hub.BYE_RESTART, websocket.POLICY_VIOLATION, websocket.INVALID_DATA,
        1009, 1011,
    }  # fmt: skip
    table = {code for row in rows(LIVE) for code in re.findall(r"\b[14]\d{3}\b", row[0])}
    assert sent <= set(map(int, table))


NAMED = r'(\w+): (?:"|\{ one)'
NUMBERS = {"one", "two", "few", "other"}


def test_what_the_element_takes_is_explained() -> None:
    text = (DOCS / "embed.md").read_text("utf-8")
    files = {name: file.body.decode() for name, file in STATIC_FILES.items()}
    script = files["score-board.js"]
    listed = re.search(r"observedAttributes = \[(.*)\]", script)
    assert listed
    for attribute in re.findall(r'"(\w+)"', listed[1]):
        assert f"| `{attribute}` |" in text
    for variable in re.findall(r"--score-board-[a-z-]+", files["score-board.css"]):
        assert f"`{variable}`" in text
    for part in re.findall(r'node\("\w+\.(\w+)"', files["face.js"] + files["rows.js"]):
        assert f"`{part}`" in text
    for event in re.findall(r'#tell\("([a-z-]+)"', script):
        assert f"`score-board-{event}`" in text
    english = re.search(r"const ENGLISH = \{(.*?)^\};", files["words.js"], re.DOTALL | re.MULTILINE)
    french = re.search(r"\.words = \{(.*?)^\};", text, re.DOTALL | re.MULTILINE)
    assert english
    assert french
    ours, theirs = ({*re.findall(NAMED, words[1])} - NUMBERS for words in (english, french))
    assert ours == theirs
    assert len(ours) > 30


# --- what is named exists


@each_page
def test_settings_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    prefixed = set(re.findall(rf"{PREFIX}([A-Z_]*[A-Z])", text))
    assert prefixed <= BY_NAME.keys() | {"CONFIG", "TEST_REQUIRE"}
    plain = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", text.replace(PREFIX, "")))
    assert plain <= BY_NAME.keys()


@each_page
def test_metrics_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"`(scoreboard_[a-z_]+)`", page.read_text("utf-8")))
    assert named <= TABLE.keys()


@each_page
def test_routes_that_a_page_names_exist(page: Path) -> None:
    named = set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^`? ]*)", page.read_text("utf-8")))
    assert named <= {(each.method, each.path) for each in OPERATIONS}


@each_page
def test_commands_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"(?:^|`)scoreboard ([a-z]+)", text, re.MULTILINE))
    assert named <= {command[1] for command in cli._COMMANDS}


@pytest.mark.parametrize(
    ("page", "says", "value"),
    [
        (API, "at most 1 KiB", scores.BODY_MAX_BYTES == 1_024),
        (API, "16 KiB for settings", admin.BODY_MAX_BYTES == 16 * 1_024),
        (API, "| 16 KiB, 4 KiB, 64; complete within 5 s |",
         (HTTP.head_max_bytes, HTTP.target_max_bytes, HTTP.fields_max, HTTP.head_within_s)
         == (16_384, 4_096, 64, 5.0)),
        (API, "complete within 10 s; idle connections close after 30 s",
         (HTTP.request_within_s, HTTP.idle_s) == (10.0, 30.0)),
        (API, "each for at most 2 s", group_commit.WAIT_MAX_S == 2.0),
        (API, "`USER_RATE`, 10 in any 60 s", BY_NAME["USER_RATE"].default == "10/60s"),
        (API, "`SERVICE_RATE`, off", BY_NAME["SERVICE_RATE"].default == "0"),
        (API, "`IP_RATE`, 600 in any 60 s", BY_NAME["IP_RATE"].default == "600/60s"),
        (API, "`QUEUE_MAX`, 4096", BY_NAME["QUEUE_MAX"].default == "4096"),
        (API, "at most 24 h", LIFE_MAX_S == 86_400),
        (API, "leeway 30 s", tokens.LEEWAY_S == 30),
        (API, "more than 4 KiB", tokens.TOKEN_MAX_BYTES == 4_096),
        (API, "at most 60 s", tokens.CACHE_MAX_S == 60),
        (API, "kept 300 s, up to 24 h",
         (jwks.JWKS_FRESH_S, jwks.JWKS_STALE_S) == (300.0, 86_400.0)),
        (API, "once in 30 s", jwks.JWKS_SPACING_S == 30.0),
        (LIVE, "at most 20 messages a minute, each at most 8 KiB",
         (VIEWERS.messages_per_minute, live.MESSAGE_MAX_BYTES) == (20, 8_192)),
        (LIVE, "| 256 a minute |", websocket.FRAMES_PER_MINUTE == 256),
        (LIVE, "by the kernel after 12 s", listener.USER_TIMEOUT_MS == 12_000),
        (LIVE, "at most once a second", own_feed.OWN_EVERY_S == 1.0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_limits_are_those_of_the_code(page: Path, says: str, value: bool) -> None:
    assert says in squeezed(page)
    assert value, "the code has another limit now: correct the page"
