"""JSON Schemas of the wire's types, as both documents use them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from scoreboard.web.documents.examples import EXAMPLES

Json = dict[str, Any]

REF = "#/components/schemas/{name}"
PYTHON_END = r"(?!\n)"


def components(types: Iterable[type[msgspec.Struct]]) -> Json:
    """The schema of each type and of all that it is made of, by name."""
    _, found = msgspec.json.schema_components(tuple(types), ref_template=REF)
    schemas = {name: _plain(schema) for name, schema in sorted(found.items())}
    for kind, example in EXAMPLES.items():
        if kind.__name__ in schemas:
            schemas[kind.__name__]["examples"] = [msgspec.to_builtins(example)]
    return schemas


def reference(kind: type[msgspec.Struct]) -> Json:
    """A pointer to a type's schema."""
    return {"$ref": REF.format(name=kind.__name__)}


def schema(annotation: object) -> Json:
    """The schema of a type that needs no name: an identifier, a bounded number."""
    (found,), _ = msgspec.json.schema_components((annotation,), ref_template=REF)
    plain: Json = _plain(found)
    return plain


def members(kind: type[msgspec.Struct]) -> Mapping[str, Json]:
    """The schemas of a type's members; null is left out, because a query cannot say it."""
    _, found = msgspec.json.schema_components((kind,), ref_template=REF)
    properties: Json = _plain(found[kind.__name__])["properties"]
    return {name: _without_null(each) for name, each in properties.items()}


def _plain(node: Any) -> Any:
    """The pattern as the contract has it: only Python needs the look-ahead after ``$``."""
    match node:
        case dict():
            return {
                name: each.removesuffix(PYTHON_END)
                if name == "pattern" and isinstance(each, str)
                else _plain(each)
                for name, each in node.items()
            }
        case list():
            return [_plain(each) for each in node]
        case _:
            return node


def _without_null(schema: Json) -> Json:
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) != 1:
        return schema
    rest = {name: each for name, each in schema.items() if name not in {"anyOf", "default"}}
    return {**choices[0], **rest}
