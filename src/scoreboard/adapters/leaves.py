"""Rows of the ledger as leaves of its tree."""

from collections.abc import Iterable, Sequence
from typing import Any

from scoreboard.core.leaf import leaf_of
from scoreboard.core.user import commitment


def leaves(rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """The leaf of each row: a posting's columns, then its user's name, salt and commitment."""
    return [leaf_of(row[:14], stands_for(*row[14:17])) for row in rows]


def stands_for(user_id: str | None, salt: bytes | None, kept: bytes | None) -> bytes | None:
    """The commitment to a user, which is kept once the user is erased; None for nobody."""
    if user_id is None or salt is None:
        return kept
    return commitment(salt, user_id)
