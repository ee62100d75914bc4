"""Every error a caller can meet is in one table, with the status of the contract."""

import json
import uuid
from collections.abc import Iterator

import pytest

from scoreboard import errors, wire
from scoreboard.errors import ScoreboardError
from scoreboard.web import problems

CONTRACT = {
    400: {"invalid-payload", "unknown-action", "invalid-parameter", "signature-malformed"},
    401: {"invalid-token"},
    403: {
        "forbidden-user",
        "insufficient-scope",
        "action-rejected",
        "signature-required",
        "signature-expired",
        "suspicious-activity",
        "user-suspended",
        "origin-not-allowed",
    },
    404: {"not-found"},
    405: {"method-not-allowed"},
    409: {"award-conflict", "score-limit"},
    413: {"too-large"},
    414: {"uri-too-long"},
    415: {"unsupported-media-type"},
    429: {"rate-limited", "too-many-connections"},
    431: {"headers-too-large"},
    503: {"unavailable", "outcome-unknown", "overloaded"},
}
ABSTRACT = {"error"}
INSIDE = {
    "checkpoint-refused",
    "history-refused",
    "misconfigured",
    "period-moved",
    "catalogue-moved",
    "out-of-place",
    "deposed",
}
REQUEST_ID = "5f2d5c0e-6f0b-4c53-9a37-0f6f3f1f9c11"
MARK = "<script>' OR 1=1 --"

RAISED = (
    errors.InvalidPayload("/user_id"),
    errors.InvalidToken(MARK),
    errors.SuspiciousActivity(MARK),
    errors.MethodNotAllowed(("GET", "HEAD")),
    errors.RateLimited(7),
    errors.TooManyConnections(3),
    errors.Unavailable(2),
    errors.OutcomeUnknown(),
    errors.Overloaded(),
)


def descendants(kind: type[ScoreboardError]) -> Iterator[type[ScoreboardError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from descendants(child)


def raised(kind: type[ScoreboardError]) -> ScoreboardError:
    for error in RAISED:
        if type(error) is kind:
            return error
    return kind()


def answered(error: ScoreboardError) -> tuple[int, dict[str, str], dict[str, object]]:
    status, headers, body = problems.answer(error, REQUEST_ID)
    return status, {name.decode(): value.decode() for name, value in headers}, json.loads(body)


def test_the_table_is_that_of_the_contract() -> None:
    table: dict[int, set[str]] = {}
    for shape in problems.SHAPES:
        table.setdefault(shape.status, set()).add(shape.error.code)
    assert table == CONTRACT
    assert len(problems.TABLE) == len(problems.SHAPES)


def test_every_error_for_callers_is_in_the_table() -> None:
    public = {kind for kind in descendants(ScoreboardError) if kind.code not in ABSTRACT | INSIDE}
    assert public == set(problems.TABLE)


@pytest.mark.parametrize("kind", problems.TABLE, ids=lambda kind: kind.code)
def test_a_problem_says_what_its_class_says_and_nothing_else(kind: type[ScoreboardError]) -> None:
    status, headers, body = answered(raised(kind))
    expected = {
        "type": f"urn:scoreboard:problem:{kind.code}",
        "title": problems.TABLE[kind].title,
        "status": status,
        "code": kind.code,
        "detail": kind.detail(),
        "instance": f"urn:uuid:{REQUEST_ID}",
    }
    if kind is errors.InvalidPayload:
        expected["pointer"] = "/user_id"
    assert body == expected
    assert uuid.UUID(str(body["instance"])) == uuid.UUID(REQUEST_ID)
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert int(headers["content-length"]) == len(wire.ENCODER.encode(body))


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (errors.InvalidToken("expired"), "www-authenticate", "Bearer"),
        (errors.MethodNotAllowed(("GET", "HEAD")), "allow", "GET, HEAD"),
        (errors.RateLimited(7), "retry-after", "7"),
        (errors.TooManyConnections(3), "retry-after", "3"),
        (errors.Unavailable(2), "retry-after", "2"),
        (errors.OutcomeUnknown(), "retry-after", "1"),
        (errors.Overloaded(5), "retry-after", "5"),
        (errors.TooLarge(), "connection", "close"),
        (errors.UriTooLong(), "connection", "close"),
        (errors.HeadersTooLarge(), "connection", "close"),
    ],
)
def test_an_answer_carries_the_header_its_status_asks_for(
    error: ScoreboardError, name: str, value: str
) -> None:
    _, headers, _ = answered(error)
    assert headers[name] == value
    assert set(headers) == {"content-type", "content-length", "cache-control", name}


def test_every_cause_of_an_invalid_token_has_one_body() -> None:
    bodies = {
        problems.answer(errors.InvalidToken(reason), REQUEST_ID)[2]
        for reason in ("missing", "expired", "signature", MARK)
    }
    assert len(bodies) == 1


@pytest.mark.parametrize("error", RAISED, ids=lambda error: error.code)
def test_an_answer_never_repeats_what_the_request_said(error: ScoreboardError) -> None:
    _, headers, body = answered(error)
    assert MARK not in f"{headers}{body}"


def test_an_error_that_was_never_meant_for_a_caller_is_unavailable() -> None:
    status, _, body = answered(errors.OutOfPlace(7))
    assert (status, body["code"]) == (503, "unavailable")
