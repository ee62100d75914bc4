"""The OpenAPI 3.1 document: the HTTP interface."""

import re
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from scoreboard import __version__, errors, wire
from scoreboard.errors import ScoreboardError
from scoreboard.web import problems
from scoreboard.web.contract import EVERYWHERE, OPERATIONS, Access, Operation, Tag
from scoreboard.web.documents import fields, schemas
from scoreboard.web.documents.examples import EXAMPLES, REQUEST_ID
from scoreboard.web.documents.schemas import Json

DESCRIPTION = (
    "An application reports that a user finished an action; the service turns it into points, "
    "keeps the score for ever, ranks the user, and shows the new top ten on every screen at once. "
    "Errors are problems (RFC 9457) with a stable `code`. The live interface is in "
    "`/asyncapi.json`."
)
_SECURE = (Access.AWARDER, Access.OWNER, Access.ADMIN)
_CHAPTERS = {
    Tag.AWARDS: "Points for finished actions.",
    Tag.BOARDS: "Tops, standings and the event stream: anyone may read them.",
    Tag.HISTORY: "What the ledger recorded.",
    Tag.ADMIN: "The catalogue of actions and boards; every change has a reason and is recorded.",
    Tag.OPERATION: "For whoever runs the service.",
}
_PLACE = re.compile(r"\{(\w+)\}")


def openapi() -> bytes:
    """The document, as JSON."""
    documented = [operation for operation in OPERATIONS if operation.documented]
    document = {
        "openapi": "3.1.1",
        "info": {
            "title": "Scoreboard",
            "version": __version__,
            "summary": "Scores kept for ever, ranked and shown live.",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The service that this document came from."}],
        "tags": [{"name": tag.value, "description": text} for tag, text in _CHAPTERS.items()],
        "paths": _paths(documented),
        "components": {
            "schemas": schemas.components((*_types(documented), wire.Problem)),
            "examples": {shape.error.code: _example(shape) for shape in problems.SHAPES},
            "headers": {name: _header(name) for name in fields.TOLD},
            "responses": {
                shape.error.code: _refusal(shape.status, [shape.error]) for shape in problems.SHAPES
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "`sub` is the caller; `scope` may hold `scores:write`, "
                    "`scores:read` and `scores:admin`. `scoreboard token USER` makes one.",
                }
            },
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def possible_errors(operation: Operation) -> dict[int, list[type[ScoreboardError]]]:
    """All errors of an operation, by status and in the order of the table."""
    possible = {*operation.errors, *EVERYWHERE}
    by_status: dict[int, list[type[ScoreboardError]]] = defaultdict(list)
    for shape in problems.SHAPES:
        if shape.error in possible:
            by_status[shape.status].append(shape.error)
    return by_status


def path_names(path: str) -> list[str]:
    """The parameters in a path."""
    return _PLACE.findall(path)


def _types(operations: list[Operation]) -> Iterator[type[msgspec.Struct]]:
    for operation in operations:
        if operation.body:
            yield operation.body
        if not isinstance(operation.answer, str):
            yield operation.answer


def _paths(operations: list[Operation]) -> Json:
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> Json:
    found: Json = {
        "operationId": operation.name,
        "tags": [operation.tag.value],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nWho: {operation.access.value}.".strip(),
        "parameters": [*_path_parameters(operation), *_queries(operation), *_asked(operation)],
        "responses": _responses(operation),
        "security": [{"token": []}] if operation.access in _SECURE else [],
    }
    if operation.body:
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": _content(operation.body)},
        }
    return found


def _content(kind: type[msgspec.Struct]) -> Json:
    return {
        "schema": schemas.reference(kind),
        "example": msgspec.to_builtins(EXAMPLES[kind]),
    }


def _path_parameters(operation: Operation) -> Iterator[Json]:
    for name in path_names(operation.path):
        field = fields.PATH[name]
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": field.meaning,
            "schema": schemas.schema(field.type),
            "example": field.example,
        }


def _queries(operation: Operation) -> Iterator[Json]:
    if operation.query is None:
        return
    for name, schema in schemas.members(operation.query).items():
        described = dict(schema)
        text = described.pop("description", "")
        yield {"name": name, "in": "query", "description": text, "schema": described}


def _asked(operation: Operation) -> Iterator[Json]:
    for name in operation.asked:
        field = fields.ASKED[name]
        yield {
            "name": name,
            "in": "header",
            "description": field.meaning,
            "schema": schemas.schema(field.type),
            "example": field.example,
        }


def _header(name: str) -> Json:
    field = fields.TOLD[name]
    return {
        "description": field.meaning,
        "schema": schemas.schema(field.type),
        "example": int(field.example) if field.example.isdigit() else field.example,
        "required": name not in fields.OPTIONAL,
    }


def _headers(names: tuple[str, ...]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _responses(operation: Operation) -> Json:
    responses = {"200": _answer(operation)}
    if "ETag" in operation.told:
        responses["304"] = {"description": "You have the newest.", "headers": _headers(("ETag",))}
    for status, possible in possible_errors(operation).items():
        responses[str(status)] = _shared(possible) or _refusal(status, possible)
    if operation.answer is wire.Readiness:
        responses["503"] = {**_answer(operation), "description": "Not now, and why."}
    return dict(sorted(responses.items()))


def _answer(operation: Operation) -> Json:
    if isinstance(operation.answer, str):
        content: Json = {operation.answer: {"schema": {"type": "string"}}}
    else:
        content = {"application/json": _content(operation.answer)}
    return {
        "description": operation.summary,
        "headers": _headers(operation.told),
        "content": content,
    }


def _shared(possible: list[type[ScoreboardError]]) -> Json | None:
    if len(possible) > 1:
        return None
    return {"$ref": f"#/components/responses/{possible[0].code}"}


def _refusal(status: int, possible: list[type[ScoreboardError]]) -> Json:
    codes = [error.code for error in possible]
    return {
        "description": " ".join(error.detail() for error in possible),
        "headers": _headers(fields.BY_STATUS.get(status, ())),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    **schemas.reference(wire.Problem),
                    "properties": {"status": {"const": status}, "code": {"enum": codes}},
                },
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def _example(shape: problems.Shape) -> Json:
    error = errors.ScoreboardError.__new__(shape.error)
    if isinstance(error, errors.InvalidPayload):
        error.pointer = "/user_id"
    return {
        "summary": shape.title,
        "value": msgspec.to_builtins(problems.problem(error, REQUEST_ID)),
    }
