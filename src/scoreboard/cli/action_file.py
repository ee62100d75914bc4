"""Actions in a file: CSV with a header, a JSON array, or JSON lines; each line on its own."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from scoreboard.cli.catalogue import contradicted, explained, moment_of
from scoreboard.cli.terminal import Failure
from scoreboard.core.action import Action
from scoreboard.errors import InvalidPayload

FILE_MAX_BYTES = 64 * 1024 * 1024
_CAPS = {"cap_minute": "minute", "cap_hour": "hour", "cap_day": "day"}
_MOMENTS = ("active_from", "active_until")
_FLAGS = ("requires_signature", "shadow")
_MEMBERS = ("action_id", "points", "board", "cooldown_s", *_CAPS, *_MOMENTS, *_FLAGS)
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Line(Struct, frozen=True):
    """A line of the file (an item's number in a JSON array), and its action or its problem."""

    number: int
    action: Action | None
    problem: str = ""


def read_actions(file: Path) -> list[Line]:
    """Every line of the file.

    Raises:
        Failure: the file as a whole cannot be read.
    """
    text = _text(file).removeprefix("\ufeff")
    lines = list(_named_once(_lines(file, text)))
    if not lines:
        raise Failure(f"There are no actions in {file}.")
    return lines


def _lines(file: Path, text: str) -> Iterator[Line]:
    match text.lstrip()[:1]:
        case "":
            return iter(())
        case "[":
            return _array(file, text)
        case "{":
            return _json_lines(text)
    return _csv(file, text)


def _array(file: Path, text: str) -> Iterator[Line]:
    try:
        items = msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise Failure(f"{file} is not a JSON array of actions: {error}.") from None
    for number, item in enumerate(items, 1):
        yield _from_json(number, bytes(item))


def _json_lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _from_json(number, line.encode())


def _csv(file: Path, text: str) -> Iterator[Line]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip().lower() for name in next(rows, [])]
        unknown = [name for name in head if name not in _MEMBERS]
        if unknown or not {"action_id", "points"} <= set(head) or len(set(head)) < len(head):
            raise Failure(
                f"The first line of {file} has to name its columns: action_id, points and, where "
                f"wanted, {', '.join(_MEMBERS[2:])}."
            )
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _from_row(rows.line_num, head, row)
    except csv.Error as error:
        raise Failure(f"{file}, line {rows.line_num}, is not valid CSV: {error}.") from None


def _from_row(number: int, head: list[str], row: list[str]) -> Line:
    if len(row) != len(head):
        return Line(number, None, f"{len(row)} values, but the header names {len(head)} columns.")
    cells = {name: cell.strip() for name, cell in zip(head, row, strict=True) if cell.strip()}
    members: dict[str, Any] = {}
    for name, cell in cells.items():
        if name in ("action_id", "board", *_MOMENTS):
            members[name] = cell
        elif name in _FLAGS:
            if cell.lower() not in _WORDS:
                return Line(number, None, f"{name} is not valid: expected true or false.")
            members[name] = _WORDS[cell.lower()]
        elif re.fullmatch(r"[+-]?\d{1,16}", cell, re.ASCII):
            members[name] = int(cell)
        else:
            return Line(number, None, f"{name} is not valid: expected a whole number.")
    return _from_members(number, members)


def _from_json(number: int, item: bytes) -> Line:
    try:
        members = msgspec.json.decode(item, type=dict[str, Any])
    except msgspec.ValidationError:
        return Line(number, None, "not a JSON object.")
    except (msgspec.DecodeError, RecursionError) as error:
        return Line(number, None, f"not valid JSON: {error}.")
    return _from_members(number, members)


def _from_members(number: int, members: Mapping[str, Any]) -> Line:
    settings = {name: value for name, value in members.items() if name not in _CAPS}
    caps = {_CAPS[name]: value for name, value in members.items() if name in _CAPS}
    if caps:
        settings["caps"] = caps
    for name in _MOMENTS:
        if settings.get(name) is not None:
            settings[name] = moment_of(str(settings[name]))
            if settings[name] is None:
                said = f"{name} is not valid: expected a moment such as 2027-01-01T00:00:00Z."
                return Line(number, None, said)
    try:
        return Line(number, msgspec.convert(settings, Action))
    except msgspec.ValidationError as error:
        return Line(number, None, explained("action", error))
    except InvalidPayload as error:
        return Line(number, None, contradicted("action", error))


def _named_once(lines: Iterator[Line]) -> Iterator[Line]:
    first: dict[str, int] = {}
    for line in lines:
        if line.action is not None:
            number = first.setdefault(line.action.action_id, line.number)
            if number != line.number:
                said = f"{line.action.action_id} was set before, in line {number}."
                yield Line(line.number, None, said)
                continue
        yield line


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_MAX_BYTES:
            raise Failure(f"{file} is larger than 64 MiB: cut it into parts.")
        return file.read_text("utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise Failure(f"{file} is not UTF-8 text.") from None
