"""A key that a trusted backend signs actions with, and what it may sign."""

from enum import StrEnum

from msgspec import Struct

from scoreboard.core.ed25519 import is_weak
from scoreboard.core.identifier import ActionId, KeyName
from scoreboard.core.rule import NO_CAPS, Caps, Hit, Past
from scoreboard.core.signature import base64url
from scoreboard.errors import InvalidPayload

SECRET_MIN_BYTES = 32
SECRET_MAX_BYTES = 128
ACTIONS_MAX = 1_000


class SigningAlgorithm(StrEnum):
    """How a key signs actions. It belongs to the stored key, never to the header."""

    ED25519 = "ed25519"
    HMAC_SHA256 = "hmac-sha256"


class Fault(StrEnum):
    """Why a signature was not accepted; for the operator, never for the caller."""

    MALFORMED = "malformed"
    MISSING = "missing"
    UNKNOWN_KEY = "unknown-key"
    MISMATCH = "mismatch"
    KEY_REVOKED = "key-revoked"
    KEY_OUT_OF_TIME = "key-out-of-time"
    ACTION_NOT_ALLOWED = "action-not-allowed"
    EXPIRED = "expired"


class KeyRecord(Struct, frozen=True):
    """What the record of changes keeps of a key; a secret is never in it. Times in milliseconds."""

    key: str
    algorithm: SigningAlgorithm
    public: str | None
    actions: tuple[str, ...]
    not_before: int | None
    not_after: int | None
    revoked_at: int | None
    caps: Caps = NO_CAPS
    shadow: bool = False


class SigningKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key by its name, ``<issuer>.<id>``; the moments are milliseconds.

    ``material`` is the public key, or for HMAC the secret as it was sealed for this ledger; it is
    never part of the representation. Without ``actions`` it signs them all. ``caps`` are of the
    awards that it signs, over all users; in the ``shadow`` they are judged and counted, and refuse
    nothing.
    """

    key: KeyName
    algorithm: SigningAlgorithm
    material: bytes
    actions: tuple[ActionId, ...] = ()
    not_before: int | None = None
    not_after: int | None = None
    revoked_at: int | None = None
    caps: Caps = NO_CAPS
    shadow: bool = False

    def broken_rule(self, past: Past) -> Hit | None:
        """The first of its caps that one more award would exceed; ``past`` is that of the key."""
        return self.caps.exceeded(past, "key")

    def fault(self, action_id: str, signed_at_s: int) -> Fault | None:
        """Why this key could not sign this action at this moment.

        The span of a key is about when it signs, so that a retry is answered after its end as it
        was before; a revoked key is worth nothing whatever it says about the time.
        """
        if self.revoked_at is not None:
            return Fault.KEY_REVOKED
        signed_at = signed_at_s * 1000
        if self.not_before is not None and signed_at < self.not_before:
            return Fault.KEY_OUT_OF_TIME
        if self.not_after is not None and signed_at >= self.not_after:
            return Fault.KEY_OUT_OF_TIME
        if self.actions and action_id not in self.actions:
            return Fault.ACTION_NOT_ALLOWED
        return None

    def following(self, before: "SigningKey | None") -> "SigningKey":
        """What is to be kept of it, given what was kept under its name.

        A key never changes: it is put once, and revoked once.

        Raises:
            InvalidPayload: it would be another key under the same name, or not a safe one.
        """
        if before is None:
            self._ensure_sound()
            return self
        same = all(
            getattr(self, name) == getattr(before, name)
            for name in self.__struct_fields__
            if name != "revoked_at"
        )
        if not same or (self.revoked_at is None and before.revoked_at is not None):
            raise InvalidPayload("/key")
        return self if before.revoked_at is None else before

    def record(self) -> KeyRecord:
        """Everything but secrets."""
        public = base64url(self.material) if self.algorithm is SigningAlgorithm.ED25519 else None
        return KeyRecord(
            self.key,
            self.algorithm,
            public,
            self.actions,
            self.not_before,
            self.not_after,
            self.revoked_at,
            self.caps,
            self.shadow,
        )

    def _ensure_sound(self) -> None:
        if self.algorithm is SigningAlgorithm.ED25519 and is_weak(self.material):
            raise InvalidPayload("/public")
        if len(self.actions) > ACTIONS_MAX or len(set(self.actions)) != len(self.actions):
            raise InvalidPayload("/actions")
        if self.not_after is not None and self.not_after <= (self.not_before or 0):
            raise InvalidPayload("/not_after")

    def __repr__(self) -> str:
        return f"SigningKey(key={self.key!r}, algorithm={self.algorithm.value!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("key", self.key), ("algorithm", self.algorithm.value)]
