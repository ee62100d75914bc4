"""Messages on the WebSocket and in the event stream."""

from typing import Annotated

from msgspec import Meta, Struct

from scoreboard.core.identifier import BoardId
from scoreboard.core.moment import rfc3339
from scoreboard.core.standing import Snapshot
from scoreboard.wire.boards import Row, UserStanding, rows
from scoreboard.wire.fields import Time


class Welcome(Struct, frozen=True, tag="welcome"):
    """Sent at once; ``resumed`` says that the caller's board is the newest one."""

    epoch: int
    seq: int
    heartbeat_ms: int
    resumed: bool


class TopMessage(Struct, frozen=True, kw_only=True, tag="top"):
    """The whole top ten; keep it if its ``(epoch, seq)`` is greater than what you have."""

    board: BoardId
    period: str
    epoch: int
    seq: int
    at: Time
    rows: tuple[Row, ...]


class Me(Struct, frozen=True, kw_only=True, tag="me"):
    """The caller's own standing, or null without a score."""

    board: BoardId
    period: str
    epoch: int
    seq: int
    standing: UserStanding | None


class Tick(Struct, frozen=True, tag="tick"):
    """Nothing has changed since the frame of this ``(epoch, seq)``."""

    epoch: int
    seq: int


class Bye(Struct, frozen=True, tag="bye"):
    """The connection will be closed with this code; come back after ``retry_after_ms``."""

    code: int
    retry_after_ms: int


# --- from the client


class Hello(Struct, frozen=True, tag="hello", forbid_unknown_fields=True):
    """Optional: who is watching, and whether it wants ``me`` messages."""

    token: Annotated[str, Meta(max_length=4096)] | None = None
    me: bool = False


class Auth(Struct, frozen=True, tag="auth", forbid_unknown_fields=True):
    """A fresh token for the same user."""

    token: Annotated[str, Meta(max_length=4096)]


class Resync(Struct, frozen=True, tag="resync", forbid_unknown_fields=True):
    """Send the board again."""


class Ping(Struct, frozen=True, tag="ping", forbid_unknown_fields=True):
    """Answered by a tick."""


ServerMessage = Welcome | TopMessage | Me | Tick | Bye
ClientMessage = Hello | Auth | Resync | Ping


def top_message(snapshot: Snapshot) -> TopMessage:
    return TopMessage(
        board=snapshot.board,
        period=snapshot.period,
        epoch=snapshot.epoch,
        seq=snapshot.seq,
        at=rfc3339(snapshot.at),
        rows=rows(snapshot.rows),
    )
