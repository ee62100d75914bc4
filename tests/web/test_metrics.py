"""It is promised that a node has less than 2,000 series, whatever it is asked."""

import contextlib
import json
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from scoreboard import assembly
from scoreboard.assembly.node import Node
from scoreboard.assembly.services import services_of
from scoreboard.core.finding import Irregularity
from scoreboard.core.rule import Rule
from scoreboard.core.signing_key import Fault
from scoreboard.core.token import Scope
from scoreboard.service.scorer import Scorer
from scoreboard.settings import Settings, load
from scoreboard.telemetry import METRICS, TABLE, Telemetry
from scoreboard.web.contract import OPERATIONS
from scoreboard.web.tokens import Reason

SERIES_MAX = 2_000
REQUESTS = 6_000
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW", "get", "")
WORDS = ("default", "quiz", "ada", "all", "0", "x" * 300, "fuzz\nfuzz", 'fuzz"}', "fuzz-é", "..")
BODIES = (b"", b"{", b"[]", b'{"user_id":"ada","action_id":"quiz"}', b'{"points":1,"reason":"f"}')
STREAM = "/v1/boards/{board}/stream"


class Asked:
    """The application of a node, asked without a server."""

    def __init__(self, app: Any, settings: Settings, telemetry: Telemetry) -> None:
        self.app = app
        self.telemetry = telemetry
        everything = frozenset(scope.value for scope in Scope)
        self.tokens = [
            assembly.local_token(settings, "ada", scopes, 3_600)
            for scopes in (frozenset(), everything)
        ]

    async def ask(
        self, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes = b""
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        path, _, query = path.partition("?")
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "headers": headers, "client": ("127.0.0.1", 1),
            "root_path": "", "scheme": "http", "http_version": "1.1", "extensions": {},
        }  # fmt: skip
        await self.app(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m["body"] for m in sent[1:])


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    flags = {"data": tmp_path, "user_rate": "20/60s", "ip_rate": "4000/60s"}
    settings = load({name.upper(): value for name, value in flags.items()}, {}, tmp_path)
    telemetry = Telemetry()
    async with contextlib.AsyncExitStack() as stack:
        services = await services_of(settings, telemetry, stack)
        secret = services.backends.secret
        node = await Node.made(services, secret, "http://127.0.0.1:8000", stack)
        yield Asked(node.app, settings, telemetry)


def path_of(template: str, chance: random.Random) -> str:
    if chance.random() < 0.05:
        return "/" + "/".join(chance.choices(WORDS, k=chance.randrange(1, 4)))
    path = re.sub(r"\{\w+\}", lambda _: chance.choice(WORDS), template)
    query = "&".join(f"{name}={chance.choice(WORDS)}" for name in ("board", "period", "limit"))
    return f"{path}?{query}" if chance.random() < 0.3 else path


def headers_of(tokens: list[str], chance: random.Random) -> list[tuple[bytes, bytes]]:
    fields = [
        (
            b"authorization",
            b"Bearer " + chance.choice([*tokens, *tokens, "fuzz", "a.b.c"]).encode(),
        ),
        (b"content-type", chance.choice([b"application/json", b"text/fuzz"])),
        (b"idempotency-key", b"fuzz-" * chance.randrange(1, 40)),
        (b"action-signature", b"fuzz"),
        (b"origin", b"https://fuzz.example"),
        (b"if-none-match", b'"fuzz"'),
    ]
    return [field for field in fields if chance.random() < 0.5]


async def test_a_fuzzed_node_has_few_series_and_no_label_of_a_request(asked: Asked) -> None:
    chance = random.Random(2026)
    templates = [each.path for each in OPERATIONS if each.path != STREAM]
    statuses = set()
    for _ in range(REQUESTS):
        path = path_of(chance.choice(templates), chance)
        headers = headers_of(asked.tokens, chance)
        method = chance.choice(METHODS[:3] * 5 + METHODS)
        status, _, _ = await asked.ask(method, path, headers, chance.choice(BODIES))
        statuses.add(status)
    assert statuses >= {200, 204, 400, 401, 403, 404, 405, 415, 429}
    text = asked.telemetry.exposition().decode()
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) < SERIES_MAX
    assert "fuzz" not in text
    assert "ada" not in re.sub(r"[a-z]*ada[a-z]+|[a-z]+ada", "", text)
    routes = set(re.findall(r'route="([^"]*)"', text))
    assert routes <= {*templates, STREAM, "/ws/scoreboard", "/v1/admin", "other"}
    methods = set(re.findall(r'method="([^"]*)"', text))
    assert methods <= {"GET", "POST", "PUT", "DELETE", "other"}


@pytest.mark.parametrize(
    ("accept", "media_type", "parse"),
    [
        (None, b"text/plain; version=0.0.4; charset=utf-8", families),
        (b"application/openmetrics-text; version=1.0.0,text/plain;q=0.5",
         b"application/openmetrics-text; version=1.0.0; charset=utf-8", open_families),
    ],
    ids=["text", "OpenMetrics"],
)  # fmt: skip
async def test_what_is_exposed_is_what_its_format_says(
    asked: Asked, accept: bytes | None, media_type: bytes, parse: Any
) -> None:
    headers = [] if accept is None else [(b"accept", accept)]
    status, answered, body = await asked.ask("GET", "/metrics", headers)
    assert (status, answered[b"content-type"]) == (200, media_type)
    assert answered[b"vary"] == b"Accept"
    found = {family.name: family for family in parse(body.decode())}
    for metric in METRICS:
        assert metric.name.removesuffix("_total") in found
        assert len(metric.help) > 10


def test_what_has_a_closed_list_of_reasons_is_there_before_the_first_of_them() -> None:
    """A rate does not see the first time of a series that was not there."""
    for name, values in (
        ("scoreboard_token_failures_total", get_args(Reason)),
        ("scoreboard_signature_failures_total", Fault),
        ("scoreboard_rule_refusals_total", Rule),
        ("scoreboard_rule_shadow_hits_total", Rule),
        ("scoreboard_findings_open", Irregularity),
    ):
        assert TABLE[name].from_start == tuple(values), name


async def test_an_award_that_hits_a_fault_of_ours_counts_as_one_that_failed(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(Scorer, "score", broken)
    headers = [(b"authorization", f"Bearer {asked.tokens[0]}".encode())]
    headers += [(b"content-type", b"application/json")]
    assert (await asked.ask("POST", "/v1/scores", headers, BODIES[3]))[0] == 503
    text = asked.telemetry.exposition().decode()
    assert '\nscoreboard_awards_total{outcome="outcome-unknown"} 1.0\n' in text


async def test_an_award_is_seen_where_it_counts(asked: Asked) -> None:
    admin = [(b"authorization", f"Bearer {asked.tokens[1]}".encode())]
    admin += [(b"content-type", b"application/json")]
    put = json.dumps({"points": 5, "reason": "test"}).encode()
    assert (await asked.ask("PUT", "/v1/admin/actions/quiz", admin, put))[0] == 200
    ada = [(b"authorization", f"Bearer {asked.tokens[0]}".encode()), admin[1]]
    ada += [(b"idempotency-key", b"once-and-for-all")]
    for _ in range(2):
        assert (await asked.ask("POST", "/v1/scores", ada, BODIES[3]))[0] == 200
    text = asked.telemetry.exposition().decode()
    for line in (
        'scoreboard_awards_total{outcome="recorded"} 1.0',
        'scoreboard_awards_total{outcome="repeated"} 1.0',
        'scoreboard_action_awards_total{action="quiz"} 1.0',
        'scoreboard_action_points_total{action="quiz"} 5.0',
        'scoreboard_http_requests_total{method="POST",route="/v1/scores",status="200"} 2.0',
        "scoreboard_group_size_count 2.0",
        "scoreboard_ready 0.0",
        'scoreboard_degraded{dependency="limiter"} 0.0',
    ):
        assert f"\n{line}\n" in text
    assert re.search(r"scoreboard_data_free_bytes [1-9]", text)
    assert re.search(r'scoreboard_pool_wait_seconds_count\{pool="sqlite"\} [1-9]', text)
