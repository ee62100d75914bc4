"""Balances in a file: CSV with a header and whatever else; a clear word about each bad line."""

import csv
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from msgspec import Struct

from scoreboard.cli.catalogue import moment_of
from scoreboard.cli.history_file import STDIO, opened
from scoreboard.cli.terminal import Failure
from scoreboard.core.balance import Balance
from scoreboard.core.identifier import is_user_id
from scoreboard.core.score import in_range

ROWS_MAX = 2_000_000
"""They are sorted in memory, at some 300 bytes each."""

LINE_MAX_BYTES = 65_536
PROBLEMS_MAX = 50
"""So many are told; all are counted."""

TIME = "updated_at"
_DELIMITERS = ",;\t"
_SCORE = re.compile(r"([+-]?\d{1,16})(?:\.0*)?", re.ASCII)
_UNIX = re.compile(r"\d{1,13}", re.ASCII)
_SECONDS_BEFORE = 100_000_000_000
"""A greater number of seconds would be after the year 5138: it is milliseconds."""


class Columns(Struct, frozen=True):
    """What the columns are called; a ``time`` of None is optional, under its usual name."""

    user: str
    score: str
    time: str | None


class Problem(Struct, frozen=True):
    """Why a line cannot be taken."""

    line: int
    says: str


class Balances(Struct, frozen=True, kw_only=True):
    """What is in the file, in its order.

    ``timed`` says whether it has times. Of ``bad`` lines the first are told as ``problems``.
    """

    file: str
    sha256: str
    good: Sequence[Balance]
    bad: int
    problems: Sequence[Problem]
    timed: bool
    unused: Sequence[str]


class _Bad(ValueError):
    """What is wrong with a line."""


class _Head(Struct, frozen=True):
    """Where the columns are."""

    width: int
    user: int
    score: int
    time: int | None
    unused: Sequence[str]


def read_balances(file: str, columns: Columns, now_ms: int) -> Balances:
    """Every line of a file, of standard input where it is ``-``, unpacked if it is packed.

    Lines without a time get the moment ``now_ms``, after which none may be.

    Raises:
        Failure: the file as a whole cannot be read.
    """
    name = "standard input" if file == STDIO else file
    digest = hashlib.sha256()
    with opened(file) as source:
        rows = _rows(name, _lines(name, source, digest.update))
        try:
            _, names = next(rows, (1, []))
            head = _head(name, names, columns)
            reading = _Reading(name, head, now_ms)
            for line, row in rows:
                reading.see(line, row)
        except (OSError, EOFError, zlib.error) as error:
            raise Failure(f"{name} cannot be read: {error}.") from None
    return Balances(
        file=name,
        sha256=digest.hexdigest(),
        good=reading.good,
        bad=reading.bad,
        problems=reading.problems,
        timed=head.time is not None,
        unused=head.unused,
    )


class _Reading:
    """What was read so far."""

    def __init__(self, name: str, head: _Head, now_ms: int) -> None:
        self._name = name
        self._head = head
        self._now_ms = now_ms
        self._lines: dict[str, int] = {}
        self.good: list[Balance] = []
        self.bad = 0
        self.problems: list[Problem] = []

    def see(self, line: int, row: list[str]) -> None:
        """Take a row for what it is."""
        if len(self.good) + self.bad == ROWS_MAX:
            raise Failure(
                f"{self._name} has more than {ROWS_MAX:,} users: so many are not imported at once."
            )
        try:
            balance = self._balance(line, row)
        except _Bad as bad:
            self.bad += 1
            if len(self.problems) < PROBLEMS_MAX:
                self.problems.append(Problem(line, str(bad)))
        else:
            self.good.append(balance)

    def _balance(self, line: int, row: list[str]) -> Balance:
        head = self._head
        if len(row) != head.width:
            raise _Bad(f"{len(row)} values, but the header names {head.width} columns.")
        user_id = row[head.user].strip()
        if not is_user_id(user_id):
            raise _Bad(
                "the user is not valid: 1 to 128 of letters, digits and _ . : @ | + -, "
                "a letter or digit first."
            )
        score = _score(row[head.score].strip())
        at = self._now_ms if head.time is None else self._at(row[head.time].strip())
        before = self._lines.setdefault(user_id, line)
        if before != line:
            raise _Bad(f"the user is in line {before:,} already.")
        return Balance(user_id, score, at, line)

    def _at(self, cell: str) -> int:
        at = _moment(cell)
        if at is None:
            raise _Bad(
                "the time is not valid: expected 2026-11-25T12:00:00Z, with its zone, "
                "or seconds or milliseconds since 1970."
            )
        if not 0 <= at <= self._now_ms:
            raise _Bad(
                "the time is before 1970 or in the future; a ledger's clock never runs back."
            )
        return at


def _score(cell: str) -> int:
    match = _SCORE.fullmatch(cell)
    if match is None or not in_range(int(match[1])):
        raise _Bad("the score is not a whole number of at most 9,007,199,254,740,991.")
    return int(match[1])


def _moment(text: str) -> int | None:
    if _UNIX.fullmatch(text):
        number = int(text)
        return number * 1000 if number < _SECONDS_BEFORE else number
    return moment_of(text)


def _head(name: str, cells: list[str], columns: Columns) -> _Head:
    names = [cell.strip() for cell in cells]
    places = {each: place for place, each in enumerate(names)}
    wanted = {"user": columns.user, "score": columns.score}
    if columns.time is not None or TIME in places:
        wanted["time"] = columns.time or TIME
    for option, column in wanted.items():
        if names.count(column) != 1:
            found = "twice" if column in places else "not"
            raise Failure(
                f"The first line of {name} has to name its columns, and names {column} {found}: "
                f"it has {_shown(names)}. --{option} says what it is called there."
            )
    if len({*wanted.values()}) < len(wanted):
        raise Failure("--user, --score and --time name columns of their own: one is named twice.")
    used = {option: places[column] for option, column in wanted.items()}
    unused = [each for place, each in enumerate(names) if place not in used.values()]
    return _Head(len(names), used["user"], used["score"], used.get("time"), unused)


def _shown(names: Sequence[str]) -> str:
    told = ", ".join(name if name.isprintable() else ascii(name) for name in names[:20])
    return told[:200] or "nothing"


def _rows(name: str, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Rows with something in them, and the lines where they begin."""
    first = next(lines, "").removeprefix("\ufeff")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    began = 1
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield began, row
            began = rows.line_num + 1
    except csv.Error as error:
        raise Failure(
            f"{name}, line {began:,}, is not valid CSV ({error}): is a quotation mark open?"
        ) from None


def _lines(name: str, source: BinaryIO, seen: Callable[[bytes], object]) -> Iterator[str]:
    number = 0
    while data := source.readline(LINE_MAX_BYTES + 1):
        number += 1
        if len(data) > LINE_MAX_BYTES:
            raise Failure(f"{name}, line {number:,}, is longer than 64 KiB: that is no CSV.")
        seen(data)
        try:
            yield data.decode()
        except UnicodeDecodeError:
            raise Failure(
                f"{name}, line {number:,}, is not UTF-8 text: save it as CSV in UTF-8."
            ) from None
