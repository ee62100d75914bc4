"""What the Python client sends and understands is in the documents of the service."""

import json
import re
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest

from scoreboard import wire
from scoreboard.client import calls, reads
from scoreboard.client.line import Line, decoded
from scoreboard.client.problem import LEDGER_ASKED, NOTHING_RECORDED
from scoreboard.client.talk import Reply, Send, Talk
from scoreboard.web import documents
from scoreboard.web.documents.examples import EXAMPLES

# As anybody gets them.
OPENAPI: dict[str, Any] = json.loads(documents.openapi())
ASYNCAPI: dict[str, Any] = json.loads(documents.asyncapi())

LINE = Line("http://s")
CALLS: dict[str, tuple[Callable[[], Talk[Any]], type]] = {
    "award": (lambda: calls.award(LINE, "ada", "quiz"), wire.Awarded),
    "award signed": (lambda: calls.award(LINE, "ada", "quiz", signature="key=a.b"), wire.Awarded),
    "top": (lambda: reads.top(LINE, "b", "day", limit=3, cursor="c" * 43), wire.Top),
    "standing": (lambda: reads.standing(LINE, "ada", "b", "day"), wire.UserStanding),
    "around": (lambda: reads.around(LINE, "ada", "b", "day", radius=2), wire.Around),
    "boards": (lambda: reads.boards(LINE), wire.Boards),
    "board": (lambda: reads.board(LINE, "b"), wire.BoardView),
    "posting": (lambda: reads.posting(LINE, "id"), wire.Posting),
    "postings": (lambda: reads.postings(LINE, "ada", before=5, limit=3), wire.Postings),
    "explain": (lambda: reads.explain(LINE, "ada", "b", "day"), wire.Explanation),
    "head": (lambda: reads.head(LINE), wire.LedgerHead),
    "award_proof": (lambda: reads.award_proof(LINE, "id"), wire.AwardProof),
    "checkpoint": (lambda: reads.checkpoint(LINE), str),
    "consistency": (lambda: reads.consistency(LINE, 2, 5), wire.Consistency),
}
GENERAL = {"Authorization", "Content-Type"}


def operation_of(sent: Send) -> dict[str, Any]:
    for path, methods in OPENAPI["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), sent.path):
            found: dict[str, Any] = methods[sent.method.lower()]
            return found
    pytest.fail(f"{sent.path} is not in the document")


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return found


@pytest.mark.parametrize("name", CALLS)
def test_each_request_is_one_of_the_document(name: str) -> None:
    talk, kind = CALLS[name]
    sent = next(talk())
    assert isinstance(sent, Send)
    operation = operation_of(sent)
    assert operation["operationId"] == name.partition(" ")[0]
    takes = {(each["in"], each["name"]) for each in operation["parameters"]}
    assert {("query", each) for each in sent.params} <= takes
    assert {("header", each) for each in set(sent.headers) - GENERAL} <= takes
    if sent.content is not None:
        body = resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        assert set(json.loads(sent.content)) == set(body["required"])
    content = operation["responses"]["200"]["content"]
    if kind is str:
        assert set(content) == {"text/plain; charset=utf-8"}
        return
    answer = resolved(content["application/json"]["schema"])
    required = {field.encode_name for field in msgspec.structs.fields(kind) if field.required}
    assert required <= set(answer["properties"])


def test_boards_of_a_service_that_knows_no_freezes_can_be_read() -> None:
    now = msgspec.to_builtins(EXAMPLES[wire.BoardView])
    view = {name: told for name, told in now.items() if not name.startswith("frozen_")}
    assert len(now) == len(view) + 2
    body = json.dumps({"boards": [view]}).encode()
    (board,) = decoded(Reply(200, {}, body), wire.Boards).boards
    assert (board.frozen_at, board.frozen_checkpoint) == (None, None)


def test_every_call_of_the_client_is_looked_at() -> None:
    public = {
        name
        for module in (calls, reads)
        for name, value in vars(module).items()
        if callable(value) and value.__module__ == module.__name__ and name[0].islower()
    }
    assert public - {"resend"} == {name.partition(" ")[0] for name in CALLS}


def test_the_headers_that_make_a_receipt_are_told() -> None:
    told = OPENAPI["paths"]["/v1/scores"]["post"]["responses"]["200"]["headers"]
    assert {"Award-Id", "Idempotency-Replayed"} <= set(told)


def test_the_codes_that_settle_an_award_or_leave_no_doubt_are_those_of_awards() -> None:
    told = OPENAPI["paths"]["/v1/scores"]["post"]["responses"]
    examples = set(re.findall(r"#/components/examples/([a-z-]+)", json.dumps(told)))
    for name in re.findall(r"#/components/responses/([\w-]+)", json.dumps(told)):
        response = json.dumps(OPENAPI["components"]["responses"][name])
        examples |= set(re.findall(r"#/components/examples/([a-z-]+)", response))
    assert (LEDGER_ASKED | NOTHING_RECORDED) - {"too-many-connections"} <= examples


def messages_of(operation: str) -> set[str]:
    return {
        each["$ref"].rsplit("/", 1)[1] for each in ASYNCAPI["operations"][operation]["messages"]
    }


def test_each_live_message_is_one_of_the_document_and_none_is_missing() -> None:
    kinds = {kind.__struct_config__.tag for kind in get_args(wire.ServerMessage)}
    assert messages_of("show") == kinds
    assert {"hello", "resync"} <= messages_of("hear")
    query = ASYNCAPI["channels"]["scoreboard"]["bindings"]["ws"]["query"]["properties"]
    assert {"board", "period", "since"} == set(query)
