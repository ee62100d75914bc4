"""Actions, boards and keys, and the record of their changes."""

from collections.abc import Mapping

from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.signing_key import SigningKey


class Change(Struct, frozen=True):
    """One change of the catalogue, with who asked for it and why.

    ``frozen`` concerns a board: whether the public is to see it as it is at this change from then
    on, or live; None keeps what is.
    """

    subject: Action | Board | SigningKey
    caller: str
    reason: str
    frozen: bool | None = None


class Catalogue(Struct, frozen=True):
    """All actions, boards and keys as of a version."""

    version: int
    actions: Mapping[str, Action]
    boards: Mapping[str, Board]
    keys: Mapping[str, SigningKey] = {}


class AuditEntry(Struct, frozen=True):
    """Who changed what, when and why; ``at`` in milliseconds."""

    entry: int
    at: int
    caller: str
    operation: str
    subject: str
    reason: str
    before: str | None
    after: str | None
