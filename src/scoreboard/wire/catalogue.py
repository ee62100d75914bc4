"""Actions, boards and keys as an administrator sets them, and the record of it."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from scoreboard.core.action import Action as ActionSettings
from scoreboard.core.action import Cooldown, Points
from scoreboard.core.board import DEFAULT_BOARD, PointsPerHour, Tie, TimeZone, Title
from scoreboard.core.board import Board as BoardSettings
from scoreboard.core.identifier import ActionId, BoardId, KeyName
from scoreboard.core.moment import milliseconds
from scoreboard.core.rule import NO_CAPS, Caps
from scoreboard.core.signature import from_base64url
from scoreboard.core.signing_key import (
    ACTIONS_MAX,
    SECRET_MAX_BYTES,
    SECRET_MIN_BYTES,
    SigningAlgorithm,
    SigningKey,
)
from scoreboard.core.window import Window
from scoreboard.errors import InvalidPayload
from scoreboard.wire.fields import Material, Moment, Reason, Time, time_or_none


class ActionPut(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New settings of an action, and why.

    It is awarded from ``active_from`` on and before ``active_until``; in the ``shadow`` its rules
    are counted and refuse nothing.
    """

    points: Points
    reason: Reason
    board: BoardId = DEFAULT_BOARD
    cooldown_s: Cooldown = 0
    caps: Caps = NO_CAPS
    requires_signature: bool = False
    active_from: Moment | None = None
    active_until: Moment | None = None
    shadow: bool = False

    def action(self, action_id: str) -> ActionSettings:
        settings = _settings(self)
        for name in ("active_from", "active_until"):
            settings[name] = milliseconds_or_none(settings[name])
        return ActionSettings(action_id=action_id, **settings)


class BoardPut(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New settings of a board, and why.

    ``points_per_hour`` is the most that a user may gain on it in any 3,600 seconds, 0 no cap; in
    the ``shadow`` that is counted and refuses nothing. ``frozen``: from now on the public sees the
    board as it is at this moment (true), or live (false); without it that stays as it is.
    """

    reason: Reason
    title: Title = ""
    tie: Tie = Tie.FIRST_REACHED
    windows: tuple[Window, ...] = (Window.ALL,)
    time_zone: TimeZone = "UTC"
    points_per_hour: PointsPerHour = 0
    shadow: bool = False
    frozen: bool | None = None

    def settings(self, board: str) -> BoardSettings:
        settings = _settings(self)
        del settings["frozen"]  # a change, and no setting
        return BoardSettings(board=board, **settings)


class KeyPost(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new key that signs actions, and why: ``public`` of Ed25519, or the ``secret`` of HMAC.

    Both are base64url without padding. Without ``actions`` the key signs them all. ``caps`` are of
    the awards that it signs, over all users; in the ``shadow`` they refuse nothing.
    """

    key: KeyName
    reason: Reason
    algorithm: SigningAlgorithm = SigningAlgorithm.ED25519
    public: Material | None = None
    secret: Material | None = None
    actions: Annotated[tuple[ActionId, ...], Meta(max_length=ACTIONS_MAX)] = ()
    not_before: Moment | None = None
    not_after: Moment | None = None
    caps: Caps = NO_CAPS
    shadow: bool = False

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
            not_before=milliseconds_or_none(self.not_before),
            not_after=milliseconds_or_none(self.not_after),
            caps=self.caps,
            shadow=self.shadow,
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


class Action(Struct, frozen=True, kw_only=True):
    """The settings of an action."""

    action_id: ActionId
    points: Points
    board: BoardId
    cooldown_s: Cooldown
    caps: Caps
    requires_signature: bool
    active_from: Time | None
    active_until: Time | None
    shadow: bool


class Actions(Struct, frozen=True):
    """The catalogue of actions."""

    actions: tuple[Action, ...]


class Key(Struct, frozen=True, kw_only=True):
    """A key that signs actions; a secret is never told. No ``actions`` are all of them."""

    key: KeyName
    algorithm: SigningAlgorithm
    public: str | None
    actions: tuple[ActionId, ...]
    not_before: Time | None
    not_after: Time | None
    revoked_at: Time | None
    caps: Caps
    shadow: bool


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


def milliseconds_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def action(settings: ActionSettings) -> Action:
    told = msgspec.structs.asdict(settings)
    for name in ("active_from", "active_until"):
        told[name] = time_or_none(told[name])
    return Action(**told)


def key(signing: SigningKey) -> Key:
    told = signing.record()
    return Key(
        key=told.key,
        algorithm=told.algorithm,
        public=told.public,
        actions=told.actions,
        not_before=time_or_none(told.not_before),
        not_after=time_or_none(told.not_after),
        revoked_at=time_or_none(told.revoked_at),
        caps=told.caps,
        shadow=told.shadow,
    )
