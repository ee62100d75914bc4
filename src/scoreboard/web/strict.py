"""Strict JSON: a body is exactly what its type says, or it is refused."""

import json
import re
from functools import cache
from typing import Any, TypeVar

import msgspec

from scoreboard.errors import InvalidPayload

T = TypeVar("T", bound=msgspec.Struct)

_MISSING = re.compile(r"Object missing required field `(\w+)`")
_PLACE = re.compile(r" - at `\$((?:\.\w+)+)[^`]*`\Z")


def strict_json(body: bytes, shape: type[T]) -> T:
    """The body as a value of a request type.

    msgspec refuses unknown members, wrong types, fractions for integers, NaN, lone surrogates,
    byte order marks, other encodings, trailing data and depth; it takes duplicate members, which
    are refused here.

    Raises:
        InvalidPayload: it is anything else; the pointer names only members of the type.
    """
    decoder, quotes = _plan(shape)
    try:
        value: T = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidPayload(_pointer(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidPayload from None
    # A member and its text take at least four quotation marks: with all members there, exactly
    # four for each leaves none for a duplicate.
    if body.count(b'"') != quotes:
        _refuse_duplicates(body)
    return value


@cache
def _plan(shape: type[msgspec.Struct]) -> tuple[msgspec.json.Decoder[Any], int]:
    """A decoder, and the fewest quotation marks a body can have.

    They can be foretold only if all members are required strings; else -1.
    """
    fields = msgspec.structs.fields(shape)
    plain = all(field.required and _is_string(field.type) for field in fields)
    return msgspec.json.Decoder(shape), 4 * len(fields) if plain else -1


def _is_string(annotation: object) -> bool:
    return isinstance(msgspec.inspect.type_info(annotation), msgspec.inspect.StrType)


def _refuse_duplicates(body: bytes) -> None:
    # The body has the type's shape by now, so its depth and its numbers are bounded.
    json.loads(body, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise InvalidPayload


def _pointer(message: str) -> str:
    """The RFC 6901 pointer in msgspec's message, as far as it goes through members.

    The message for an unknown member is passed over: it holds a name that the client chose.
    """
    if message.startswith("Object contains unknown field"):
        return ""
    place, missing = _PLACE.search(message), _MISSING.match(message)
    steps = place[1] if place else ""
    return (f"{steps}.{missing[1]}" if missing else steps).replace(".", "/")
