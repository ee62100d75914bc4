"""What a bearer token is made of: algorithms, keys, scopes and the longest life."""

from enum import StrEnum

from msgspec import Struct

LIFE_MAX_S = 86_400
SECRET_MIN_BYTES = 32
LOCAL_KID = "local"


class Algorithm(StrEnum):
    """How a key signs tokens. It belongs to the key; a token only says which one it expects."""

    ED25519 = "Ed25519"
    ES256 = "ES256"
    RS256 = "RS256"
    HS256 = "HS256"


# "EdDSA" is what most issuers still write (RFC 8037); "Ed25519" is its successor (RFC 9864).
ALGORITHM_NAMES = {"EdDSA": Algorithm.ED25519, **{each.value: each for each in Algorithm}}


class Scope(StrEnum):
    """What a caller may do beyond acting for the user that the token names."""

    WRITE = "scores:write"
    READ = "scores:read"
    ADMIN = "scores:admin"


SCOPES = frozenset(Scope)
SEE_LIVE = frozenset({Scope.READ, Scope.ADMIN})
"""Scopes that see past a freeze."""


class VerificationKey(Struct, frozen=True):
    """A key that tokens are verified with.

    ``material`` is a PEM public key (SubjectPublicKeyInfo), or the secret itself for HS256; it is
    never part of the representation. A key without ``kid`` serves tokens of any ``kid``.
    """

    kid: str | None
    algorithm: Algorithm
    material: bytes

    def serves(self, kid: str | None, algorithm: Algorithm) -> bool:
        """Whether a token that names this kid, or none, may have been signed with this key."""
        return self.algorithm is algorithm and (kid is None or self.kid in (None, kid))

    def __repr__(self) -> str:
        return f"VerificationKey(kid={self.kid!r}, algorithm={self.algorithm.value!r})"

    def __rich_repr__(self) -> list[tuple[str, str | None]]:
        return [("kid", self.kid), ("algorithm", self.algorithm.value)]
