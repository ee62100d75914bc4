"""The pieces of HTML that the page at ``/docs`` is made of."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import msgspec

from scoreboard.web.documents.schemas import Json

_CODE = re.compile(r"`([^`]+)`")
_TYPES = {
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "object": "object",
}


def prose(text: str) -> str:
    """Text with its `code` marked."""
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def code(text: str) -> str:
    return f"<code>{escape(text, quote=False)}</code>"


def listing(text: str) -> str:
    """Lines that can be scrolled, also from the keyboard."""
    return f'<pre tabindex="0"><code>{escape(text, quote=False)}</code></pre>'


def json_listing(value: object) -> str:
    return listing(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are HTML; the first of a row is its heading."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="table" role="group" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def members(caption: str, schema: Json, schemas: Json, *, asked: bool = False) -> str:
    """All members of a type, those inside of others after them: ``rows[].rank``.

    ``asked`` says that a caller writes it, and wants to know what may be left out.
    """
    heads = ("Member", "Type", "Required") if asked else ("Member", "Type")
    rows = [
        (code(path), prose(words), "yes" if required else "no")[: len(heads)]
        for path, words, required in _members(schema, schemas, "")
    ]
    return table(caption, heads, rows) if rows else ""


def kind(schema: Json, schemas: Json) -> str:
    """What a value may be, in words."""
    whole = _resolved(schema, schemas)
    if "anyOf" in whole:
        return " or ".join(kind(each, schemas) for each in whole["anyOf"])
    if values := whole.get("enum", [whole["const"]] if "const" in whole else []):
        return " or ".join(f"`{_text(value)}`" for value in values)
    match whole.get("type"):
        case "string":
            return _string(whole)
        case "integer" if "minimum" in whole or "maximum" in whole:
            return f"integer, {_range(whole)}"
        case "array":
            return f"list of {kind(whole['items'], schemas)}" if "items" in whole else "list"
        case other:
            return _TYPES.get(str(other), "any")


def _members(schema: Json, schemas: Json, prefix: str) -> Iterator[tuple[str, str, bool]]:
    whole = _resolved(schema, schemas)
    required = set(whole.get("required", ()))
    for name, member in whole.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield path, _with_default(member, schemas), name in required
        inner, mark = _inner(member, schemas)
        yield from _members(inner, schemas, f"{path}{mark}.")


def _inner(member: Json, schemas: Json) -> tuple[Json, str]:
    """What is inside of a list, an object or a choice with null."""
    whole = _resolved(member, schemas)
    if "anyOf" in whole:
        whole = _resolved(whole["anyOf"][0], schemas)
    if whole.get("type") == "array":
        return whole.get("items", {}), "[]"
    return whole, ""


def _with_default(member: Json, schemas: Json) -> str:
    said = kind(member, schemas)
    default = member.get("default")
    if default in (None, "", 0, {}) or isinstance(default, dict):
        return said
    return f"{said}; `{_text(default)}` if left out"


def _resolved(schema: Json, schemas: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Json = schemas[schema["$ref"].rsplit("/", 1)[1]]
    return found


def _string(schema: Json) -> str:
    if schema.get("format") == "date-time":
        return "time"
    if "pattern" in schema:
        return f"`{schema['pattern']}`"
    if "maxLength" in schema:
        return f"text, {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    return "text"


def _range(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is None:
        return f"at least {low}"
    return f"{_number(low)} to {_number(high)}"


def _number(value: int | None) -> str:
    power = {2**53 - 1: "2^53-1", -(2**53 - 1): "-(2^53-1)", 2**63 - 1: "2^63-1"}
    return power.get(value or 0, f"{value:,}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
