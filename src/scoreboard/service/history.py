"""A ledger's history as a file: JSON Lines with a header, a digest at the end, and no surprises."""

import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.history import Line, Origin, Person, Tally
from scoreboard.core.merkle import Run
from scoreboard.core.signing_key import SigningKey
from scoreboard.errors import HistoryRefused, InvalidPayload
from scoreboard.ports import AuditEntry, History, Part, Sealing
from scoreboard.service.examination import Examination

FORMAT = "scoreboard-ledger"
VERSION = 1
PAGE = 5_000
LINE_MAX = 1_048_576
"""No line of a history is nearly as long."""

_NAMES: dict[type[Part], str] = {
    Origin: "header",
    Board: "board",
    Action: "action",
    SigningKey: "key",
    AuditEntry: "audit",
    Person: "user",
    Tally: "period",
    Line: "posting",
    Run: "tile",
    Sealing: "checkpoint",
}


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line."""

    format: str
    version: int
    of: Origin


class End(Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: how many lines come before it, and the SHA-256 of their bytes."""

    lines: int
    sha256: str


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file: an object with one member, which names what it is."""

    header: Header | None = None
    board: Board | None = None
    action: Action | None = None
    key: SigningKey | None = None
    audit: AuditEntry | None = None
    user: Person | None = None
    period: Tally | None = None
    posting: Line | None = None
    tile: Run | None = None
    checkpoint: Sealing | None = None
    end: End | None = None


class _Kind(Struct, frozen=True):
    format: str
    version: int


class _First(Struct, frozen=True):
    header: _Kind


class Source(Protocol):
    """A file of bytes."""

    def readline(self, size: int, /) -> bytes:
        """A line with its end, shorter at the end of the file."""
        ...


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Row).decode
_decode_first = msgspec.json.Decoder(_First).decode


async def write(
    history: History, put: Callable[[bytes], object], seen: Callable[[Sequence[Part]], object]
) -> End:
    """Put a history as bytes; ``seen`` is told each page. Answers the last line."""
    digest, lines = hashlib.sha256(), 0
    async for page in history:
        data = b"".join(_line_of(part) for part in page)
        digest.update(data)
        put(data)
        lines += len(page)
        seen(page)
    end = End(lines, digest.hexdigest())
    put(_encode({"end": end}) + b"\n")
    return end


async def read(source: Source) -> AsyncIterator[Sequence[Part]]:
    """The history in a file, in pages of parts of one kind.

    Raises:
        HistoryRefused: it is none, of another version, damaged or cut short; with the line.
    """
    examination = Examination()
    for page in _pages(source):
        examination.examine(page)
        yield page
    examination.finish()


def _line_of(part: Part) -> bytes:
    value = Header(FORMAT, VERSION, part) if isinstance(part, Origin) else part
    return _encode({_NAMES[type(part)]: value}) + b"\n"


def _pages(source: Source) -> Iterator[Sequence[Part]]:
    page: list[Part] = []
    for part in _parts(source):
        if page and (len(page) == PAGE or type(part) is not type(page[0])):
            yield page
            page = []
        page.append(part)
    if page:
        yield page


def _parts(source: Source) -> Iterator[Part]:
    digest, number = hashlib.sha256(), 0
    while data := _next(source, number):
        number += 1
        row = _row(data, number)
        if row.end is not None:
            _ensure_end(row.end, End(number - 1, digest.hexdigest()), source)
            return
        digest.update(data)
        yield _part(row, number)
    raise HistoryRefused(
        f"The history ends after line {number:,}, before its last one: the file was cut short."
    )


def _next(source: Source, number: int) -> bytes:
    try:
        return source.readline(LINE_MAX)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise HistoryRefused(f"The file cannot be read after line {number:,}: {error}.") from error


def _row(data: bytes, number: int) -> _Row:
    if number == 1:
        _ensure_known(data)
    if not data.endswith(b"\n"):
        raise HistoryRefused(f"Line {number:,} of the history does not end: it was cut short.")
    try:
        return _decode(data)
    except (msgspec.DecodeError, InvalidPayload, UnicodeDecodeError) as error:
        raise HistoryRefused(f"Line {number:,} of the history is damaged: {error}.") from error


def _ensure_known(first: bytes) -> None:
    try:
        kind = _decode_first(first).header
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise HistoryRefused(
            "This is no history of a ledger: `scoreboard ledger export` writes them."
        ) from None
    if kind.format != FORMAT or kind.version != VERSION:
        raise HistoryRefused(
            f"This history is of format {kind.format!r}, version {kind.version}; this version of "
            f"scoreboard reads {FORMAT!r}, version {VERSION}."
        )


def _part(row: _Row, number: int) -> Part:
    if row.posting is not None:
        return row.posting
    found: list[Part] = [
        part
        for part in (
            row.board,
            row.action,
            row.key,
            row.audit,
            row.user,
            row.period,
            row.tile,
            row.checkpoint,
        )
        if part is not None
    ]
    if row.header is not None:
        found.append(row.header.of)
    if len(found) != 1:
        raise HistoryRefused(f"Line {number:,} of the history is damaged: it says nothing.")
    return found[0]


def _ensure_end(said: End, found: End, source: Source) -> None:
    if said.lines != found.lines:
        raise HistoryRefused(
            f"The history says it has {said.lines:,} lines and has {found.lines:,}: "
            "it was changed or damaged."
        )
    if said.sha256 != found.sha256:
        raise HistoryRefused(
            "The history's SHA-256 is not the one in its last line: it was changed or damaged."
        )
    if _next(source, found.lines + 1):
        raise HistoryRefused("Something follows the history's last line: it was changed.")
