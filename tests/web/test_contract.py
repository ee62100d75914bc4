"""The table of operations, and the documents that are made of it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from openapi_spec_validator import validate

from scoreboard import wire
from scoreboard.errors import NotFound
from scoreboard.web.contract import (
    OPERATIONS,
    Operation,
)
from scoreboard.web.documents import asyncapi, openapi
from scoreboard.web.documents.examples import EXAMPLES
from scoreboard.web.site import SiteHandler
from tests.service_process import Answer, Service

RELEASE = {
    "POST /v1/scores",
    "GET /v1/scoreboard",
    "GET /v1/boards",
    "GET /v1/boards/{board}",
    "GET /v1/boards/{board}/top",
    "GET /v1/boards/{board}/users/{user_id}",
    "GET /v1/boards/{board}/users/{user_id}/around",
    "GET /v1/boards/{board}/stream",
    "GET /v1/awards/{award_id}",
    "GET /v1/users/{user_id}/awards",
    "GET /v1/users/{user_id}/explain",
    "GET /v1/ledger/head",
    "GET /v1/ledger/checkpoint",
    "GET /v1/ledger/consistency",
    "GET /v1/awards/{award_id}/proof",
    "GET /v1/admin/actions",
    "GET /v1/admin/actions/{id}",
    "PUT /v1/admin/actions/{id}",
    "POST /v1/admin/actions/{id}/trial",
    "GET /v1/admin/boards",
    "GET /v1/admin/boards/{id}",
    "PUT /v1/admin/boards/{id}",
    "GET /v1/admin/keys",
    "POST /v1/admin/keys",
    "POST /v1/admin/keys/{key}/revoke",
    "GET /v1/admin/audit",
    "GET /v1/admin/users",
    "GET /v1/admin/users/{user_id}",
    "POST /v1/admin/users/{user_id}/hold",
    "POST /v1/admin/users/{user_id}/hide",
    "POST /v1/admin/users/{user_id}/ban",
    "POST /v1/admin/users/{user_id}/release",
    "POST /v1/admin/users/{user_id}/erase",
    "POST /v1/admin/reversals",
    "GET /v1/admin/incidents",
    "POST /v1/admin/incidents/{incident}/dismiss",
    "GET /livez",
    "GET /v1/admin/findings",
    "POST /v1/admin/findings/{entry}/dismiss",
    "GET /readyz",
    "GET /metrics",
    "GET /version",
}
PAGES = {
    "/",
    "/admin",
    "/admin/{name}",
    "/docs",
    "/static/{name}",
    "/openapi.json",
    "/asyncapi.json",
    "/.well-known/security.txt",
}
CONTACT = "mailto:security@example.com"
OPENAPI = json.loads(openapi())
ASYNCAPI = json.loads(asyncapi())
IDS = {"board": "default", "user_id": "u_42", "id": "quiz"}
DOCUMENTED = [operation for operation in OPERATIONS if operation.documented]


# --- the table


def test_the_table_holds_this_release_and_nothing_else() -> None:
    assert {f"{each.method} {each.path}" for each in DOCUMENTED} == RELEASE
    assert {each.path for each in OPERATIONS if not each.documented} == PAGES


def test_every_operation_has_a_name_of_its_own() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)


def test_what_can_change_something_asks_for_a_token() -> None:
    for operation in OPERATIONS:
        if operation.method != "GET" or operation.path.startswith("/v1/admin"):
            codes = {error.code for error in operation.errors}
            assert "invalid-token" in codes, operation.name


# --- the OpenAPI document


def test_the_http_document_is_valid_openapi() -> None:
    assert OPENAPI["openapi"].startswith("3.1.")
    validate(OPENAPI)


def test_the_http_document_describes_every_operation_and_no_page() -> None:
    described = {
        f"{method.upper()} {path}" for path, item in OPENAPI["paths"].items() for method in item
    }
    assert described == RELEASE


def test_published_patterns_are_those_of_the_contract() -> None:
    patterns = set(re.findall(r'"pattern": ?"((?:[^"\\]|\\.)*)"', openapi().decode()))
    assert "^[A-Za-z0-9][A-Za-z0-9_.:@|+-]{0,127}$" in patterns
    assert not [pattern for pattern in patterns if "(?" in pattern]


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_every_example_is_of_its_type(kind: type[msgspec.Struct]) -> None:
    schemas = OPENAPI["components"]["schemas"] | ASYNCAPI["components"]["schemas"]
    encoded = wire.ENCODER.encode(EXAMPLES[kind])
    assert msgspec.json.decode(encoded, type=kind) == EXAMPLES[kind]
    check(json.loads(encoded), schemas[kind.__name__])


def test_every_example_of_a_problem_is_one() -> None:
    for code, example in OPENAPI["components"]["examples"].items():
        assert example["value"]["code"] == code
        check(example["value"], OPENAPI["components"]["schemas"]["Problem"])


def test_all_references_lead_somewhere() -> None:
    for document in (OPENAPI, ASYNCAPI):
        for reference in references(document):
            node = document
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]


# --- the AsyncAPI document


def test_the_live_document_has_the_structure_of_asyncapi_3() -> None:
    """The rules of the AsyncAPI 3.0.0 schema for what this document uses."""
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(ASYNCAPI["info"])
    for server in ASYNCAPI["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for channel in ASYNCAPI["channels"].values():
        placeholders = set(re.findall(r"\{(\w+)\}", channel["address"]))
        assert placeholders == set(channel.get("parameters", {}))
        assert all(set(server) == {"$ref"} for server in channel["servers"])
        assert all(set(message) == {"$ref"} for message in channel["messages"].values())
    for operation in ASYNCAPI["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert all(
            message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"]
        )
    socket = ASYNCAPI["channels"]["scoreboard"]["bindings"]["ws"]
    assert set(socket) <= {"method", "query", "headers", "bindingVersion"}
    assert set(socket["query"]["properties"]) == {"board", "period", "since"}


def test_the_live_document_has_every_message_in_its_direction() -> None:
    for name, union in (("show", wire.ServerMessage), ("hear", wire.ClientMessage)):
        messages = ASYNCAPI["operations"][name]["messages"]
        sent = {message["$ref"].rsplit("/", 1)[1] for message in messages}
        assert sent == {kind.__struct_config__.tag for kind in get_args(union)}


# --- what is really answered


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    contact = {"SCOREBOARD_SECURITY_CONTACT": CONTACT}
    service = Service(tmp_path_factory.mktemp("documented"), contact)
    service.start()
    service.put("actions/quiz", {"points": 10})
    yield service
    service.end()


def test_real_answers_are_what_the_document_says(running: Service) -> None:
    award = running.award("u_42", "quiz", key="k" * 16)
    conforms(award, by_name("award"))
    running.stop()  # which seals the award
    running.start()
    ids = {**IDS, "award_id": award.headers["award-id"]}
    headers = {"Authorization": f"Bearer {running.token('u_42', 'scores:admin', 'scores:read')}"}
    asked = [
        each for each in DOCUMENTED if each.method == "GET" and each.answer != "text/event-stream"
    ]
    for operation in asked:
        name = {"id": "default"} if operation.path.startswith("/v1/admin/boards") else {}
        path = operation.path.format_map({**ids, **name})
        path += "?from=1" if operation.name == "consistency" else ""
        answer = running.request("GET", path, headers=headers)
        assert answer.status == 200, (path, answer.body)
        conforms(answer, operation)


def test_the_example_of_each_change_works(running: Service) -> None:
    for kind, path in ((wire.ActionPut, "actions/quiz.correct"), (wire.BoardPut, "boards/b")):
        answer = running.put(path, msgspec.to_builtins(EXAMPLES[kind]))
        conforms(answer, by_name("put_action" if kind is wire.ActionPut else "put_board"))
    body = wire.ENCODER.encode(EXAMPLES[wire.ActionPut])
    headers = {
        "Authorization": f"Bearer {running.token('boss', 'scores:admin')}",
        "Content-Type": "application/json",
    }
    path = "/v1/admin/actions/quiz.correct/trial"
    conforms(running.request("POST", path, body=body, headers=headers), by_name("try_action"))
    body = wire.ENCODER.encode(EXAMPLES[wire.Finished])
    headers = {
        "Authorization": f"Bearer {running.token('u_42')}",
        "Content-Type": "application/json",
    }
    conforms(running.request("POST", "/v1/scores", body=body, headers=headers), by_name("award"))


def test_the_documents_are_served_as_they_are_printed(running: Service) -> None:
    for name in ("openapi", "asyncapi"):
        served = running.get(f"/{name}.json")
        assert served.headers["content-type"] == "application/json"
        assert json.loads(served.body) == json.loads(running.command(name).stdout)


def test_whom_to_tell_of_a_weakness_is_said_for_less_than_a_year(running: Service) -> None:
    """RFC 9116: these fields, Contact and Expires once each, as plain text."""
    served = running.get("/.well-known/security.txt")
    assert (served.status, served.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    fields = dict(line.split(": ", 1) for line in served.body.decode("ascii").splitlines())
    assert set(fields) == {"Contact", "Expires", "Preferred-Languages"}
    assert fields["Contact"] == CONTACT
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=363) < left < timedelta(days=365)
    assert running.get("/.well-known/security.txt").body == served.body


async def test_without_a_contact_there_is_no_such_file() -> None:
    unread: Any = None
    with pytest.raises(NotFound):
        await SiteHandler(unread, {}, lambda: 0).security(unread)


def by_name(name: str) -> Operation:
    return next(operation for operation in OPERATIONS if operation.name == name)


def conforms(answer: Answer, operation: Operation) -> None:
    """The answer is one of those that the document describes."""
    described = OPENAPI["paths"][operation.path][operation.method.lower()]
    response = described["responses"][str(answer.status)]
    ((media_type, content),) = response["content"].items()
    assert answer.headers["content-type"] == media_type
    for name, header in response["headers"].items():
        target = OPENAPI["components"]["headers"][header["$ref"].rsplit("/", 1)[1]]
        value = answer.headers.get(name.lower())
        assert value is not None or not target["required"], (operation.name, name)
        if value is not None:
            check(value, target["schema"])
    if "json" in media_type:
        check(answer.json(), content["schema"])


def check(value: object, schema: dict[str, Any]) -> None:
    components = {**ASYNCAPI["components"]["schemas"], **OPENAPI["components"]["schemas"]}
    whole = {**schema, "components": {"schemas": components}}
    jsonschema.validate(
        value,
        whole,
        cls=jsonschema.Draft202012Validator,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)
