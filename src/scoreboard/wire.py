"""Every JSON message, on HTTP, WebSocket and bus: one set of types.

Times are RFC 3339 in UTC; identifiers and shapes are the contract's. Requests refuse unknown
members.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from scoreboard.core.action import NO_CAPS, Caps, Cooldown, Points
from scoreboard.core.action import Action as ActionSettings
from scoreboard.core.board import DEFAULT_BOARD, Tie, TimeZone, Title
from scoreboard.core.board import Board as BoardSettings
from scoreboard.core.identifier import ActionId, BoardId, KeyName, UserId
from scoreboard.core.moment import milliseconds, rfc3339
from scoreboard.core.posting import Posting as LedgerPosting
from scoreboard.core.signature import from_base64url
from scoreboard.core.signing_key import (
    ACTIONS_MAX,
    SECRET_MAX_BYTES,
    SECRET_MIN_BYTES,
    SigningAlgorithm,
    SigningKey,
)
from scoreboard.core.standing import Row as RankedRow
from scoreboard.core.standing import Snapshot, Standing
from scoreboard.core.window import Window
from scoreboard.errors import InvalidPayload

ENCODER = msgspec.json.Encoder()

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Material = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,172}$", max_length=172)]
Moment = Annotated[datetime, Meta(tz=True)]
Rank = Annotated[int, Meta(ge=1)]


# --- HTTP: requests


class Finished(Struct, frozen=True, forbid_unknown_fields=True):
    """A user finished an action."""

    user_id: UserId
    action_id: ActionId


class ActionPut(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New settings of an action, and why."""

    points: Points
    reason: Reason
    board: BoardId = DEFAULT_BOARD
    cooldown_s: Cooldown = 0
    caps: Caps = NO_CAPS
    requires_signature: bool = False

    def action(self, action_id: str) -> ActionSettings:
        return ActionSettings(action_id=action_id, **_settings(self))


class BoardPut(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New settings of a board, and why."""

    reason: Reason
    title: Title = ""
    tie: Tie = Tie.FIRST_REACHED
    windows: tuple[Window, ...] = (Window.ALL,)
    time_zone: TimeZone = "UTC"

    def settings(self, board: str) -> BoardSettings:
        return BoardSettings(board=board, **_settings(self))


class KeyPost(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new key that signs actions, and why: ``public`` of Ed25519, or the ``secret`` of HMAC.

    Both are base64url without padding. Without ``actions`` the key signs them all.
    """

    key: KeyName
    reason: Reason
    algorithm: SigningAlgorithm = SigningAlgorithm.ED25519
    public: Material | None = None
    secret: Material | None = None
    actions: Annotated[tuple[ActionId, ...], Meta(max_length=ACTIONS_MAX)] = ()
    not_before: Moment | None = None
    not_after: Moment | None = None

    def material(self) -> bytes:
        """The public key, or the secret.

        Raises:
            InvalidPayload: it is not there, not canonical, too short, or of the other algorithm.
        """
        hmac = self.algorithm is SigningAlgorithm.HMAC_SHA256
        place, given = ("/secret", self.secret) if hmac else ("/public", self.public)
        if (self.public if hmac else self.secret) is not None:
            raise InvalidPayload("/public" if hmac else "/secret")
        material = None if given is None else from_base64url(given)
        if material is None:
            raise InvalidPayload(place)
        if hmac and not SECRET_MIN_BYTES <= len(material) <= SECRET_MAX_BYTES:
            raise InvalidPayload(place)
        return material

    def signing_key(self, material: bytes) -> SigningKey:
        """The key as the ledger keeps it, with the material as it is to be stored."""
        return SigningKey(
            key=self.key,
            algorithm=self.algorithm,
            material=material,
            actions=self.actions,
            not_before=None if self.not_before is None else milliseconds(self.not_before),
            not_after=None if self.not_after is None else milliseconds(self.not_after),
        )

    def __repr__(self) -> str:
        return f"KeyPost(key={self.key!r})"


class Revocation(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a key ends."""

    reason: Reason


def _settings(put: ActionPut | BoardPut) -> dict[str, Any]:
    """What is set: everything but the reason."""
    settings = msgspec.structs.asdict(put)
    del settings["reason"]
    return settings


# --- HTTP: answers


class Awarded(Struct, frozen=True):
    """The award is recorded for ever; ``new_score`` is the user's all-time score."""

    success: Literal[True]
    new_score: int


class Row(Struct, frozen=True):
    """One line of a board."""

    rank: Rank
    user_id: UserId
    score: int
    updated_at: Time


class Top(Struct, frozen=True, kw_only=True):
    """A page of a board in a period, true at ``(epoch, seq)``; ``next`` is the next cursor."""

    board: BoardId
    period: str
    epoch: int
    seq: int
    at: Time
    rows: tuple[Row, ...]
    next: str | None = None


class ToNext(Struct, frozen=True):
    """The next better rank, and the fewest points that reach it."""

    rank: Rank
    points: Annotated[int, Meta(ge=1)]


class UserStanding(Struct, frozen=True):
    """Where a user stands."""

    rank: Rank
    user_id: UserId
    score: int
    updated_at: Time
    total_users: int
    percentile: float
    to_next: ToNext | None


class Around(Struct, frozen=True):
    """A user between its neighbours."""

    rows: tuple[Row, ...]


class CurrentWindow(Struct, frozen=True):
    """A window's current period; ``next_reset_at`` is null for ``all``."""

    window: Window
    period: str
    next_reset_at: Time | None


class BoardView(Struct, frozen=True):
    """A board, its current periods, and how many users stand on it."""

    board: BoardId
    title: str
    tie: Tie
    time_zone: str
    windows: tuple[CurrentWindow, ...]
    total_users: int


class Boards(Struct, frozen=True):
    """All boards."""

    boards: tuple[BoardView, ...]


class Posting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the ledger."""

    award_id: str
    seq: int
    epoch: int
    kind: str
    board: BoardId
    at: Time
    user_id: UserId | None = None
    action_id: ActionId | None = None
    points: int = 0
    score_after: int | None = None
    caller: str | None = None
    key: str | None = None
    reverses: int | None = None


class Postings(Struct, frozen=True):
    """Postings of a user, newest first; ``next`` is the next ``before``."""

    postings: tuple[Posting, ...]
    next: int | None


class LedgerHead(Struct, frozen=True):
    """How far the ledger has come."""

    epoch: int
    seq: int


class Actions(Struct, frozen=True):
    """The catalogue of actions."""

    actions: tuple[ActionSettings, ...]


class Key(Struct, frozen=True, kw_only=True):
    """A key that signs actions; a secret is never told. No ``actions`` are all of them."""

    key: KeyName
    algorithm: SigningAlgorithm
    public: str | None
    actions: tuple[ActionId, ...]
    not_before: Time | None
    not_after: Time | None
    revoked_at: Time | None


class Keys(Struct, frozen=True):
    """All keys that sign actions, the revoked ones too."""

    keys: tuple[Key, ...]


class AuditEntry(Struct, frozen=True):
    """Who changed what, and why."""

    entry: int
    at: Time
    caller: str
    operation: str
    subject: str
    reason: str
    before: Any
    after: Any


class Audit(Struct, frozen=True):
    """Changes, newest first; ``next`` is the next ``before``."""

    entries: tuple[AuditEntry, ...]
    next: int | None


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    pointer: str | None = None


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here, and what is missing."""

    ready: bool
    reasons: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()


class Version(Struct, frozen=True):
    """What is running."""

    name: str
    version: str
    python: str


# --- live: from the server


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


# --- live: from the client


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


# --- bus: nodes of two versions hear each other, so that unknown members are skipped


class BusTop(Struct, frozen=True, kw_only=True, tag="top"):
    """A snapshot as one node tells it to the others; times in milliseconds."""

    board: BoardId
    period: str
    epoch: int
    seq: int
    at: int
    rows: tuple[RankedRow, ...]
    end: tuple[int, int] | None = None


class BusBoard(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="board"):
    """A board as it is defined now."""

    board: BoardId
    title: str = ""
    tie: Tie = Tie.FIRST_REACHED
    windows: tuple[Window, ...] = (Window.ALL,)
    time_zone: str = "UTC"


_BUS_DECODER: msgspec.json.Decoder[BusTop | BusBoard] = msgspec.json.Decoder(BusTop | BusBoard)


# --- from the core's values


def row(ranked: RankedRow) -> Row:
    return Row(ranked.rank, ranked.user_id, ranked.score, rfc3339(ranked.at))


def rows(ranked: tuple[RankedRow, ...]) -> tuple[Row, ...]:
    return tuple(row(each) for each in ranked)


def top(snapshot: Snapshot, cursor: str | None = None) -> Top:
    return Top(
        board=snapshot.board,
        period=snapshot.period,
        epoch=snapshot.epoch,
        seq=snapshot.seq,
        at=rfc3339(snapshot.at),
        rows=rows(snapshot.rows),
        next=cursor,
    )


def top_message(snapshot: Snapshot) -> TopMessage:
    return TopMessage(
        board=snapshot.board,
        period=snapshot.period,
        epoch=snapshot.epoch,
        seq=snapshot.seq,
        at=rfc3339(snapshot.at),
        rows=rows(snapshot.rows),
    )


def user_standing(standing: Standing) -> UserStanding:
    ahead = standing.to_next
    return UserStanding(
        standing.rank,
        standing.user_id,
        standing.score,
        rfc3339(standing.at),
        standing.total_users,
        standing.percentile(),
        ToNext(ahead.rank, ahead.points) if ahead else None,
    )


def posting(recorded: LedgerPosting) -> Posting:
    return Posting(
        award_id=recorded.award_id,
        seq=recorded.seq,
        epoch=recorded.epoch,
        kind=recorded.kind.value,
        board=recorded.board,
        at=rfc3339(recorded.at),
        user_id=recorded.user_id,
        action_id=recorded.action_id,
        points=recorded.points,
        score_after=recorded.score_after,
        caller=recorded.caller,
        key=recorded.key,
        reverses=recorded.reverses,
    )


def key(signing: SigningKey) -> Key:
    told = signing.record()
    return Key(
        key=told.key,
        algorithm=told.algorithm,
        public=told.public,
        actions=told.actions,
        not_before=_time(told.not_before),
        not_after=_time(told.not_after),
        revoked_at=_time(told.revoked_at),
    )


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


# --- on the bus


def news_bytes(news: Snapshot | BoardSettings) -> bytes:
    """News as they travel on a bus."""
    if isinstance(news, BoardSettings):
        return ENCODER.encode(BusBoard(**msgspec.structs.asdict(news)))
    return ENCODER.encode(BusTop(**msgspec.structs.asdict(news)))


def news_from(data: bytes) -> Snapshot | BoardSettings:
    """The news in these bytes, exactly as they were published.

    Raises:
        msgspec.DecodeError: they are not news of any version that is understood here.
    """
    try:
        heard = _BUS_DECODER.decode(data)
        kind = BoardSettings if isinstance(heard, BusBoard) else Snapshot
        return kind(**msgspec.structs.asdict(heard))
    except (InvalidPayload, RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(type(error).__name__) from None
