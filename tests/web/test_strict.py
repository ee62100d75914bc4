"""A body is exactly what its type says, or it is refused with a pointer that we chose."""

import json
import re
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoreboard import wire
from scoreboard.errors import InvalidPayload
from scoreboard.web.strict import strict_json

GOOD = b'{"user_id":"u_42","action_id":"quiz.correct"}'
SMILE = "\\ud83d\\ude00"

HOSTILE = {
    "nothing": b"",
    "spaces": b"   ",
    "null": b"null",
    "a string": b'"u_42"',
    "a list": b'["u_42","quiz.correct"]',
    "an empty object": b"{}",
    "cut off": GOOD[:-1],
    "trailing data": GOOD + b"x",
    "a second value": GOOD + GOOD,
    "a trailing comma": GOOD[:-1] + b",}",
    "a trailing NUL": GOOD + b"\0",
    "a comment": GOOD[:-1] + b"/**/}",
    "single quotes": GOOD.replace(b'"', b"'"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "Latin-1": b'{"user_id":"\xe9","action_id":"a"}',
    "overlong UTF-8": b'{"user_id":"\xc1\xa1","action_id":"a"}',
    "a surrogate in UTF-8": b'{"user_id":"\xed\xa0\x80","action_id":"a"}',
    "a broken name": b'{"\xff":1}',
    "a lone surrogate": b'{"user_id":"\\ud800","action_id":"a"}',
    "a lone low surrogate": b'{"user_id":"\\udc00","action_id":"a"}',
    "surrogates the wrong way round": b'{"user_id":"\\udc00\\ud800","action_id":"a"}',
    "half a surrogate pair": b'{"user_id":"\\ud800\\u0041","action_id":"a"}',
    "a bad escape": b'{"user_id":"\\x41","action_id":"a"}',
    "a raw line feed": b'{"user_id":"u\n","action_id":"a"}',
    "a duplicate": b'{"user_id":"u","user_id":"u","action_id":"a"}',
    "a duplicate at the end": b'{"user_id":"u","action_id":"a","user_id":"v"}',
    "an escaped duplicate": b'{"user_id":"u","action_id":"a","user\\u005fid":"v"}',
    "an unknown member": b'{"user_id":"u","action_id":"a","points":1000}',
    "a name in another case": b'{"USER_ID":"u","action_id":"a"}',
    "__proto__": b'{"user_id":"u","action_id":"a","__proto__":{}}',
    "a number": b'{"user_id":42,"action_id":"a"}',
    "true": b'{"user_id":true,"action_id":"a"}',
    "null inside": b'{"user_id":null,"action_id":"a"}',
    "an object inside": b'{"user_id":{"$ne":""},"action_id":"a"}',
    "NaN": b'{"user_id":NaN,"action_id":"a"}',
    "Infinity": b'{"user_id":-Infinity,"action_id":"a"}',
    "a huge number": b'{"user_id":1' + b"0" * 900 + b',"action_id":"a"}',
    "lists all the way down": b"[" * 1_024,
    "objects all the way down": b'{"user_id":' * 90,
    "lists inside": b'{"user_id":' + b"[" * 1_000,
    "an empty id": b'{"user_id":"","action_id":"a"}',
    "an id that ends its line": b'{"user_id":"u_42\\n","action_id":"a"}',
    "an action that ends its line": b'{"user_id":"u_42","action_id":"a\\n"}',
    "an id with a NUL": b'{"user_id":"u\\u0000","action_id":"a"}',
    "an id with CR LF": b'{"user_id":"u\\r\\nSet-Cookie: a","action_id":"a"}',
    "an id of 129 characters": b'{"user_id":"' + b"u" * 129 + b'","action_id":"a"}',
    "an id with SQL": b'{"user_id":"u\' OR 1=1","action_id":"a"}',
    "an id with a tag": b'{"user_id":"<b>","action_id":"a"}',
    "an id from right to left": '{"user_id":"u\u202e","action_id":"a"}'.encode(),
    "a full-width id": '{"user_id":"\uff55","action_id":"a"}'.encode(),
}

ADMIN = {
    "a fraction": b'{"points":1.0,"reason":"x"}',
    "an exponent": b'{"points":1e2,"reason":"x"}',
    "a string": b'{"points":"1","reason":"x"}',
    "true": b'{"points":true,"reason":"x"}',
    "beyond 2^53": b'{"points":9007199254740992,"reason":"x"}',
    "5,000 digits": b'{"points":' + b"1" * 5_000 + b',"reason":"x"}',
    "1e400": b'{"points":1e400,"reason":"x"}',
    "leading zero": b'{"points":01,"reason":"x"}',
    "no reason": b'{"points":1}',
    "an empty reason": b'{"points":1,"reason":""}',
    "a duplicate": b'{"points":1,"reason":"x","points":1}',
    "a duplicate inside": b'{"points":1,"reason":"x","caps":{"day":1,"day":2}}',
    "an escaped duplicate inside": b'{"points":1,"reason":"x","caps":{"day":1,"da\\u0079":2}}',
    "an unknown member inside": b'{"points":1,"reason":"x","caps":{"year":1}}',
    "depth inside": b'{"points":1,"reason":"x","caps":' + b'{"day":' * 2_000,
    "a lone surrogate": b'{"points":1,"reason":"\\ud800"}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_award_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayload):
        strict_json(body, wire.Finished)


@pytest.mark.parametrize("body", ADMIN.values(), ids=ADMIN)
def test_hostile_settings_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayload):
        strict_json(body, wire.ActionPut)


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        b' {"action_id" : "quiz.correct",\r\n\t"user_id":"u_42"} ',
        b'{"user\\u005fid":"u\\u005f42","action_id":"quiz.correct"}',
    ],
)
def test_an_award_may_be_written_in_every_way_json_knows(body: bytes) -> None:
    assert strict_json(body, wire.Finished) == wire.Finished("u_42", "quiz.correct")


def test_text_may_hold_any_character() -> None:
    body = f'{{"points":1,"reason":"{SMILE} \\"}}"}}'.encode()
    assert strict_json(body, wire.ActionPut).reason == '😀 "}'


@pytest.mark.parametrize(
    ("body", "shape", "pointer"),
    [
        (b'{"user_id":1,"action_id":"a"}', wire.Finished, "/user_id"),
        (b'{"user_id":"u"}', wire.Finished, "/action_id"),
        (b'{"points":1,"reason":"x","caps":{"day":-1}}', wire.ActionPut, "/caps/day"),
        (b'{"reason":"x","windows":["all","year"]}', wire.BoardPut, "/windows"),
        (b'{"reason":"x","windows":[{"a` - at `$.evil":1}]}', wire.BoardPut, "/windows"),
        (b'{"a` - at `$.user_id":1}', wire.Finished, ""),
        (b'{"user_id` - at `$.evil":1}', wire.Finished, ""),
        (b'{"points":1,"reason":"x","caps":{"evil":1}}', wire.ActionPut, ""),
        (b"[]", wire.Finished, ""),
        (b"{", wire.Finished, ""),
    ],
)
def test_the_pointer_names_the_member_and_never_a_name_the_client_chose(
    body: bytes, shape: type[msgspec.Struct], pointer: str
) -> None:
    with pytest.raises(InvalidPayload) as refused:
        strict_json(body, shape)
    assert refused.value.pointer == pointer


# --- an oracle that shares nothing with msgspec but the schema


class _Twice(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise _Twice
    return dict(pairs)


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _allowed(body: bytes, shape: type[msgspec.Struct]) -> bool:
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=str
        )
    except (ValueError, _Twice, RecursionError):
        return False
    if re.search(r"[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)):
        return False
    return jsonschema.Draft202012Validator(msgspec.json.schema(shape)).is_valid(value)


def _accepted(body: bytes, shape: type[msgspec.Struct]) -> bool:
    try:
        strict_json(body, shape)
    except InvalidPayload:
        return False
    return True


def _object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in pairs) + "}"


IDS = st.sampled_from(["u_42", "a", "quiz.correct", "", "u\n", 'q"', "\\", "é", "\x00"])
VALUES = st.recursive(
    IDS | st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=True),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(IDS, inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["user_id", "action_id", "points", "reason", "caps", "day", "windows", "x", "user\\u005fid"]
)
PAIRS = st.lists(st.tuples(NAMES, VALUES.map(json.dumps)), max_size=4)
BODIES = PAIRS.map(_object)
EDITS = st.tuples(st.integers(0, 60), st.binary(max_size=3), st.integers(0, 3))


def _edited(body: bytes, edit: tuple[int, bytes, int]) -> bytes:
    place, bytes_in, cut = edit
    return body[:place] + bytes_in + body[place + cut :]


@given(BODIES, st.sampled_from([wire.Finished, wire.ActionPut, wire.BoardPut]))
@example('{"user_id":"a","action_id":"a"}', wire.Finished)
@example('{"points":1,"reason":"a","reason":"a"}', wire.ActionPut)
def test_what_is_accepted_is_what_the_schema_and_a_plain_parser_accept(
    body: str, shape: type[msgspec.Struct]
) -> None:
    assert _accepted(body.encode(), shape) == _allowed(body.encode(), shape)


@given(EDITS)
def test_a_damaged_award_is_judged_as_a_plain_parser_does(edit: tuple[int, bytes, int]) -> None:
    body = _edited(GOOD, edit)
    assert _accepted(body, wire.Finished) == _allowed(body, wire.Finished)
