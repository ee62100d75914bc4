"""The pages of the reference that are read off the code, in Markdown."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from scoreboard import cli, settings
from scoreboard.telemetry import METRICS
from scoreboard.web.documents import asyncapi, docs_page, limits, openapi
from scoreboard.web.pages import STATIC_FILES
from scoreboard.web.problems import SHAPES

Json = dict[str, Any]
_MADE = "Made from the code when this site was built."


def pages() -> dict[str, str]:
    """Every page by the name of its file; ``service.html`` is the one that a service shows."""
    return {
        "http.md": http(json.loads(openapi())),
        "live.md": live(json.loads(asyncapi())),
        "commands.md": commands(),
        "errors.md": errors(),
        "settings.md": f"# Settings\n\n{_MADE} What they mean together: "
        f"[configure](../configure.md).\n\n{settings.markdown()}\n",
        "metrics.md": metrics(),
        "service.html": docs_page().decode(),
        "openapi.json": openapi().decode(),
        "asyncapi.json": asyncapi().decode(),
    }


def files() -> dict[str, bytes]:
    """What ``service.html`` needs beside it."""
    page = docs_page().decode()
    return {
        f"static/{name}": file.body
        for name, file in STATIC_FILES.items()
        if f"static/{name}" in page
    }


def commands() -> str:
    """The command line, as ``--help`` has it."""
    names = [command[1] for command in cli._COMMANDS]  # noqa: SLF001 - the table of them
    text = cli.application(names).generate_docs("markdown", heading_level=1)
    return text.replace("# scoreboard\n", f"# Command line\n\n{_MADE}\n", 1)


def errors() -> str:
    """Every problem that a caller can meet."""
    rows = (
        (str(shape.status), f"`{shape.error.code}`", shape.error.detail(),
         "with the same key, after `Retry-After`" if shape.error.temporary else "")
        for shape in SHAPES
    )  # fmt: skip
    return (
        f"# Errors\n\n{_MADE} Their form, and which come first: [api](../api.md#errors).\n\n"
        + _table(("status", "code", "detail", "ask again"), rows)
        + "\n## Limits\n\n"
        + _table(("what", "how much", "beyond it"), limits.rows())
        + "\n## Close codes of the WebSocket\n\n"
        + _table(("code", "means", "then"), limits.close_codes())
    )


def metrics() -> str:
    """The table of all metrics."""
    rows = (
        (f"`{each.name}`", each.kind.__name__.lower(), each.help,
         ", ".join(f"`{label}`" for label in each.labels))
        for each in METRICS
    )  # fmt: skip
    return f"# Metrics\n\n{_MADE} What to make of them: [metrics](../metrics.md).\n\n" + _table(
        ("metric", "kind", "what it says", "labels"), rows
    )


def http(document: Json) -> str:
    """Every operation of the OpenAPI document."""
    parts = [
        (
            f"# HTTP\n\n{_MADE} [To browse and search](openapi.html). "
            "For machines: [openapi.json](openapi.json). "
            "[The page that a service shows](service.html). Prose: [api](../api.md).\n"
        )
    ]
    for tag in document["tags"]:
        parts.append(f"\n## {tag['name']}\n\n{tag['description']}\n")
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if method != "parameters" and tag["name"] in operation["tags"]:
                    parts.append(_operation(f"{method.upper()} {path}", operation, document))
    return "".join(parts)


def live(document: Json) -> str:
    """Every message of the AsyncAPI document."""
    parts = [
        (
            f"# Live messages\n\n{_MADE} [To browse and search](asyncapi.html). "
            "For machines: [asyncapi.json](asyncapi.json). "
            "Prose, and the rule for clients: [live](../live.md).\n"
        )
    ]
    for name, channel in document["channels"].items():
        told = channel.get("description") or channel.get("summary", "")
        parts.append(f"\n## {channel.get('title', name)}\n\n`{channel['address']}` {told}\n")
        for key, reference in channel["messages"].items():
            message = _followed(reference, document)
            parts.append(f"\n### {name}: {key}\n\n{_line(message.get('summary', ''))}\n\n")
            parts.append(_members(message["payload"], document))
            parts.extend(_block(each["payload"]) for each in message.get("examples", ()))
    return "".join(parts)


def _operation(name: str, operation: Json, document: Json) -> str:
    parts = [f"\n### `{name}`\n\n{operation['summary']}.\n\n{operation.get('description', '')}\n\n"]
    parameters = [_followed(each, document) for each in operation.get("parameters", ())]
    if parameters:
        rows = (
            (f"`{each['name']}`", each["in"] + (", required" if each.get("required") else ""),
             _kind(each["schema"], document), each.get("description", ""))
            for each in parameters
        )  # fmt: skip
        parts.append(_table(("parameter", "in", "form", "means"), rows) + "\n")
    if "requestBody" in operation:
        parts.append("Asked with:\n\n" + _content(operation["requestBody"], document))
    for status, answer in operation["responses"].items():
        told = _followed(answer, document)
        if status.startswith("2"):
            parts.append(f"{status}: {told['description']}.\n\n" + _content(told, document))
    refused = [status for status in operation["responses"] if status[0] in "45"]
    if refused:
        parts.append(f"Refused with {', '.join(refused)}: see [errors](errors.md).\n")
    return "".join(parts)


def _content(holder: Json, document: Json) -> str:
    for kind, body in holder.get("content", {}).items():
        if kind.endswith("json"):
            examples = [each for each in [body.get("example")] if each is not None]
            examples += [
                _followed(each, document)["value"] for each in body.get("examples", {}).values()
            ]
            return _members(body["schema"], document) + "".join(map(_block, examples[:1]))
    return ""


def _members(schema: Json, document: Json) -> str:
    schema = _followed(schema, document)
    required = schema.get("required", ())
    rows = [
        (f"`{name}`", _kind(member, document), "always" if name in required else "optional",
         _followed(member, document).get("description", ""))
        for name, member in schema.get("properties", {}).items()
    ]  # fmt: skip
    return _table(("member", "form", "", "means"), rows) + "\n" if rows else ""


def _kind(schema: Json, document: Json) -> str:
    schema = _followed(schema, document)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_kind(each, document) for each in schema[several])
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if schema.get("type") == "array":
        return f"array of {_kind(schema.get('items', {}), document)}"
    title = schema.get("title")
    kind = schema.get("type", "any")
    least, most = schema.get("minimum"), schema.get("maximum")
    span = "" if least is None and most is None else f" {_or(least)} to {_or(most)}"
    form = f" `{schema['pattern']}`" if "pattern" in schema else ""
    return (f"{title}" if kind == "object" and title else kind) + span + form


def _or(bound: int | None) -> str:
    return "…" if bound is None else str(bound)


def _followed(value: Json, document: Json) -> Json:
    while "$ref" in value:
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        value = found | {key: each for key, each in value.items() if key != "$ref"}
    return value


def _block(value: object) -> str:
    return f"```json\n{json.dumps(value, indent=2)}\n```\n\n"


def _table(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    return "".join(_rows(heads, rows))


def _rows(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield _row(heads)
    yield _row(["---"] * len(heads))
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in cells) + " |\n"


def _line(text: str) -> str:
    return " ".join(text.split())
