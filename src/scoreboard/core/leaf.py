"""A posting as the bytes that the ledger's tree is made of; docs/proof.md has the same layout."""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct as Layout
from typing import Any

from scoreboard.core.history import Line
from scoreboard.core.posting import Kind

VERSION = 1
COMMITMENT_BYTES = 32
ABSENT = 0xFFFF_FFFF
"""The length of a text that is not there."""

_HAS_SCORE = 1
_HAS_USER = 2
_HAS_REVERSES = 4
_FIXED = Layout(">BBQQQqqQ32s")
_FIXED_AND_LENGTH = Layout(">BBQQQqqQ32sI")
_LENGTH = Layout(">I")
_NO_TEXT = _LENGTH.pack(ABSENT)
_NOBODY = bytes(COMMITMENT_BYTES)


def leaf(line: Line, commitment: bytes | None) -> bytes:
    """The canonical bytes of a posting; ``commitment`` stands for its user, if it has one.

    Numbers are big-endian, texts UTF-8 after their length in four bytes.
    """
    return leaf_of(
        (
            line.seq,
            line.epoch,
            line.award_id,
            line.kind.value,
            line.board,
            line.at,
            line.points,
            line.user_ref,
            line.action_id,
            line.score_after,
            line.key,
            line.caller,
            line.reverses,
            line.detail,
        ),
        commitment,
    )


def leaf_of(columns: Sequence[Any], commitment: bytes | None) -> bytes:
    """The same of a posting's columns, in the order of ``history.Line``: for many at once."""
    (
        seq, epoch, award_id, kind, board, at, points, _, action_id, score_after, key, caller,
        reverses, detail,
    ) = columns  # fmt: skip
    flags = 0
    if score_after is None:
        score_after = 0
    else:
        flags = _HAS_SCORE
    if commitment is None:
        commitment = _NOBODY
    else:
        flags |= _HAS_USER
    if reverses is None:
        reverses = 0
    else:
        flags |= _HAS_REVERSES
    name: bytes = award_id.encode()
    fixed = _FIXED_AND_LENGTH.pack(
        VERSION, flags, seq, epoch, at, points, score_after, reverses, commitment, len(name)
    )
    return (
        fixed
        + name
        + _what(kind, board, action_id, key)
        + (_NO_TEXT if caller is None else _text(caller))
        + (_NO_TEXT if detail is None else _text(detail))
    )


def seq_of(data: bytes) -> int:
    """The seq of a leaf's posting."""
    return int.from_bytes(data[2:10], "big")


def line_in(data: bytes) -> tuple[Line, bytes | None]:
    """The posting in a leaf, without its ``user_ref``, and the commitment to its user.

    Raises:
        ValueError: these are not the canonical bytes of a posting.
    """
    if len(data) < _FIXED.size:
        raise ValueError("a leaf is longer")
    version, flags, seq, epoch, at, points, score_after, reverses, commitment = _FIXED.unpack_from(
        data
    )
    award_id, kind, board, action_id, key, caller, detail = _texts(data)
    line = Line(
        seq=seq,
        epoch=epoch,
        award_id=award_id or "",
        kind=Kind(kind or ""),
        board=board or "",
        at=at,
        points=points,
        action_id=action_id,
        score_after=score_after if flags & _HAS_SCORE else None,
        key=key,
        caller=caller,
        reverses=reverses if flags & _HAS_REVERSES else None,
        detail=detail,
    )
    user = commitment if flags & _HAS_USER else None
    if version != VERSION or leaf(line, user) != data:
        raise ValueError("these are not the bytes of a posting")
    return line, user


@lru_cache(maxsize=4096)
def _what(kind: str, board: str, action_id: str | None, key: str | None) -> bytes:
    # Few of them make most postings.
    return _text(kind) + _text(board) + _text(action_id) + _text(key)


@lru_cache(maxsize=4096)
def _text(text: str | None) -> bytes:
    if text is None:
        return _NO_TEXT
    data = text.encode()
    return _LENGTH.pack(len(data)) + data


def _texts(data: bytes) -> list[str | None]:
    found: list[str | None] = []
    place = _FIXED.size
    for _ in range(7):
        length = int.from_bytes(data[place : place + 4], "big")
        place += 4
        if length == ABSENT:
            found.append(None)
            continue
        found.append(data[place : place + length].decode())
        place += length
    return found
