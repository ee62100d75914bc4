"""The page at ``/docs``: both documents for people, rendered once and without JavaScript."""

import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template

import msgspec

from scoreboard import __version__, wire
from scoreboard.web import problems
from scoreboard.web.contract import OPERATIONS, Access, Operation, Tag
from scoreboard.web.documents import fields, limits, messages, schemas
from scoreboard.web.documents.examples import EXAMPLES
from scoreboard.web.documents.markup import (
    code,
    json_listing,
    kind,
    listing,
    members,
    prose,
    table,
)
from scoreboard.web.documents.operations import path_names, possible_errors
from scoreboard.web.documents.schemas import Json
from scoreboard.web.queries import LiveQuery

URL = "http://127.0.0.1:8000"

_OPEN = (Access.ANYONE, Access.OPERATOR)


def docs_page() -> bytes:
    """The whole page."""
    template = files("scoreboard.web").joinpath("page", "docs.html").read_text(encoding="utf-8")
    known = schemas.components(EXAMPLES)
    award = next(operation for operation in OPERATIONS if operation.body is wire.Finished)
    page = Template(template).substitute(
        version=__version__,
        url=URL,
        contents=_contents(),
        award=listing(_curl(award)),
        awarded=wire.ENCODER.encode(wire.Awarded(success=True, new_score=10)).decode(),
        chapters="".join(_chapter(tag, known) for tag in _chapters()),
        live=_live(known),
        problem=json_listing(EXAMPLES[wire.Problem]),
        errors=_errors(),
        limits=table("Limits", ("What", "How much", "Beyond it"), limits.rows()),
    )
    return page.encode()


def _chapters() -> tuple[Tag, ...]:
    return tuple(tag for tag in Tag if tag is not Tag.PAGES)


def _of(tag: Tag) -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.tag is tag]


def _anchor(operation: Operation) -> str:
    return operation.name.replace("_", "-")


def _chapter_anchor(tag: Tag) -> str:
    return f"about-{tag.name.lower()}"


def _contents() -> str:
    chapters = "".join(
        f'<li><a href="#{_chapter_anchor(tag)}">{tag.value}</a><ul>'
        + "".join(
            f'<li><a href="#{_anchor(each)}">{_method(each)}{_breakable(each.path)}</a></li>'
            for each in _of(tag)
        )
        + "</ul></li>"
        for tag in _chapters()
    )
    live = (
        '<li><a href="#live">Live</a><ul><li><a href="#live"><b class="method ws">WS</b>'
        f"{_breakable('/ws/scoreboard')}</a></li></ul></li>"
    )
    rest = '<li><a href="#errors">Errors</a></li><li><a href="#limits">Limits</a></li>'
    return f'<ul><li><a href="#start">Start</a></li>{chapters}{live}{rest}</ul>'


def _method(operation: Operation) -> str:
    method = operation.method
    return f'<b class="method {method.lower()}">{method}</b>'


def _breakable(path: str) -> str:
    """A path that may be broken after each slash."""
    return f"<span>{escape(path).replace('/', '/<wbr>')}</span>"


def _chapter(tag: Tag, known: Json) -> str:
    sections = "".join(_section(operation, known) for operation in _of(tag))
    return f'<section id="{_chapter_anchor(tag)}"><h2>{tag.value}</h2>{sections}</section>'


def _section(operation: Operation, known: Json) -> str:
    anchor = _anchor(operation)
    return (
        f'<article id="{anchor}"><h3><a href="#{anchor}">{_method(operation)}'
        f"{_breakable(operation.path)}</a></h3>"
        f'<p class="summary">{prose(operation.summary)}.</p>'
        f"{_paragraph(operation.description)}"
        f'<p class="who"><b>Who</b> {prose(operation.access.value)}</p>'
        f"{_parameters(operation, known)}{_body(operation, known)}"
        f"{listing(_curl(operation))}{_answer(operation, known)}{_refusals(operation)}</article>"
    )


def _paragraph(text: str) -> str:
    return f"<p>{prose(text)}</p>" if text else ""


def _parameters(operation: Operation, known: Json) -> str:
    rows = [*_path(operation, known), *_query(operation.query, known), *_asked(operation, known)]
    return table("Parameters", ("Name", "In", "Value", "Meaning"), rows) if rows else ""


def _path(operation: Operation, known: Json) -> Iterator[tuple[str, ...]]:
    for name in path_names(operation.path):
        field = fields.PATH[name]
        yield code(name), "path", _value(schemas.schema(field.type), known), prose(field.meaning)


def _query(query: type[msgspec.Struct] | None, known: Json) -> Iterator[tuple[str, ...]]:
    for name, schema in schemas.members(query).items() if query else ():
        meaning = schema.get("description", "The board's id.")
        yield code(name), "query", _value(schema, known), prose(meaning)


def _asked(operation: Operation, known: Json) -> Iterator[tuple[str, ...]]:
    for name in operation.asked:
        field = fields.ASKED[name]
        yield code(name), "header", _value(schemas.schema(field.type), known), prose(field.meaning)


def _value(schema: Json, known: Json) -> str:
    default = f"; `{schema['default']}` if left out" if "default" in schema else ""
    return prose(f"{kind(schema, known)}{default}")


def _body(operation: Operation, known: Json) -> str:
    if operation.body is None:
        return ""
    return members("Body", schemas.reference(operation.body), known, asked=True)


def _curl(operation: Operation) -> str:
    """A command that works once ``TOKEN`` is set."""
    places = {name: fields.PATH[name].example for name in path_names(operation.path)}
    if "boards/{id}" in operation.path:
        places["id"] = "default"
    lines = [f"curl {URL}{operation.path.format_map(places)}"]
    if operation.method != "GET":
        lines[0] = f"curl -X {operation.method} {URL}{operation.path.format_map(places)}"
    if operation.answer == "text/event-stream":
        lines[0] = lines[0].replace("curl", "curl -N", 1)
    if operation.access not in _OPEN:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if "Idempotency-Key" in operation.asked:
        lines.append(f'-H "Idempotency-Key: {fields.ASKED["Idempotency-Key"].example}"')
    if operation.body:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d '{json.dumps(msgspec.to_builtins(EXAMPLES[operation.body]))}'")
    return " \\\n     ".join(lines)


def _answer(operation: Operation, known: Json) -> str:
    told = [
        (code(name), code(fields.TOLD[name].example), prose(fields.TOLD[name].meaning))
        for name in operation.told
    ]
    headers = table("Header fields", ("Field", "Example", "Meaning"), told) if told else ""
    if isinstance(operation.answer, str):
        return f"<h4>200</h4><p>{code(operation.answer)}</p>{headers}"
    shape = members("Members", schemas.reference(operation.answer), known)
    example = json_listing(EXAMPLES[operation.answer])
    return (
        f"<h4>200</h4>{example}<details><summary>Its members"
        f"{' and header fields' if told else ''}</summary>{shape}{headers}</details>"
    )


def _refusals(operation: Operation) -> str:
    items = "".join(
        f"<li><b>{status}</b> "
        + ", ".join(f'<a href="#{error.code}">{error.code}</a>' for error in possible)
        + "</li>"
        for status, possible in possible_errors(operation).items()
    )
    return f'<details><summary>Errors</summary><ul class="errors">{items}</ul></details>'


def _live(known: Json) -> str:
    rows = list(_query(LiveQuery, known))
    parameters = table("Parameters", ("Name", "In", "Value", "Meaning"), rows)
    said = "".join(_message(shape, known) for shape in messages.FROM_SERVER)
    heard = "".join(_message(shape, known) for shape in messages.FROM_CLIENT)
    codes = table("Close codes", ("Code", "Means", "Then"), limits.close_codes())
    return (
        '<h3><b class="method ws">WS</b><span>/ws/<wbr>scoreboard</span></h3>'
        f"<p>One socket watches one board and period. {prose(messages.DESCRIPTION)}</p>"
        f"<p>{prose(messages.CREDENTIALS)}</p>"
        f"{listing(_LIVE_EXAMPLE)}{parameters}"
        f"<h3>From the service</h3>{said}<h3>From the viewer</h3>{heard}{codes}"
    )


_LIVE_EXAMPLE = """const address = "ws://127.0.0.1:8000/ws/scoreboard?board=default";
const socket = new WebSocket(address, "scoreboard.v1");
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === "top") console.table(message.rows);
};"""


def _message(shape: type[msgspec.Struct], known: Json) -> str:
    name = messages.message_name(shape)
    summary = prose(" ".join((shape.__doc__ or "").split()).replace("``", "`"))
    inner = members("Members", schemas.reference(shape), known)
    return (
        f'<article id="message-{name}"><h4><a href="#message-{name}">{name}</a></h4>'
        f"<p>{summary}</p>{json_listing(EXAMPLES[shape])}"
        f"<details><summary>Its members</summary>{inner}</details></article>"
    )


def _errors() -> str:
    rows = [
        (
            f'<span id="{shape.error.code}">{code(shape.error.code)}</span>',
            str(shape.status),
            prose(shape.error.detail()),
            "yes" if shape.error.temporary else "no",
        )
        for shape in problems.SHAPES
    ]
    return table("Codes", ("Code", "Status", "Means", "Ask again"), rows)
