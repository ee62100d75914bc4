"""The service's own secret: made at the first start, and what derives from it."""

import secrets
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OctKey
from joserfc.jws import serialize_compact

from scoreboard.adapters.keys.private_file import CONTENT_MAX_BYTES, PrivateFile
from scoreboard.core.identifier import is_user_id
from scoreboard.core.token import (
    LIFE_MAX_S,
    LOCAL_KID,
    SCOPES,
    SECRET_MIN_BYTES,
    Algorithm,
    VerificationKey,
)
from scoreboard.errors import Misconfigured

SECRET_MAX_BYTES = CONTENT_MAX_BYTES

Purpose = Literal["token", "cursor", "log", "fingerprint", "signing"]


def local_secret(path: Path) -> bytes:
    """The secret in this file, which is made when it does not exist.

    Processes that start at once end up with the same one.

    Raises: Misconfigured.
    """
    file = PrivateFile("SECRET_FILE", path)
    try:
        if not path.exists():
            file.create(secrets.token_hex(SECRET_MIN_BYTES).encode() + b"\n")
        secret = file.content().removesuffix(b"\n").removesuffix(b"\r")
    except OSError as error:
        file.refuse(error.strerror or "it cannot be used")
    if len(secret) < SECRET_MIN_BYTES:
        file.refuse(f"it must hold {SECRET_MIN_BYTES} bytes or more; delete it for a new one")
    if len(secret) > SECRET_MAX_BYTES:
        file.refuse(f"it must hold {SECRET_MAX_BYTES} bytes or less")
    return secret


def derive(secret: bytes, purpose: Purpose) -> bytes:
    """32 bytes for one purpose, by HKDF-SHA256 (RFC 5869): none tells anything about another."""
    info = f"scoreboard {purpose} v1".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


class LocalKeys:
    """The one key of tokens that this service signed itself.

    To be trusted only while no other issuer's keys are configured.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = VerificationKey(LOCAL_KID, Algorithm.HS256, derive(secret, "token"))

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        if kid is None or not self._key.serves(kid, algorithm):
            return ()
        return (self._key,)


def mint(  # noqa: PLR0913 - each is a claim of its own
    secret: bytes,
    subject: str,
    *,
    scopes: Collection[str],
    ttl_s: int,
    now: float,
    issuer: str | None,
    audience: str | None,
) -> str:
    """A token signed with the local secret; ``now`` is unix seconds.

    Raises: Misconfigured, when the service would not accept it.
    """
    if not is_user_id(subject):
        raise Misconfigured("The user of a token is 1 to 128 letters, digits or _.:@|+- .")
    if not SCOPES.issuperset(scopes):
        raise Misconfigured(f"A scope is one of {', '.join(sorted(SCOPES))}.")
    if not 0 < ttl_s <= LIFE_MAX_S:
        raise Misconfigured(f"A token lives 1 to {LIFE_MAX_S} seconds.")
    claims = {"sub": subject, "iat": int(now), "exp": int(now) + ttl_s, "iss": issuer,
              "aud": audience, "scope": " ".join(sorted(scopes)) or None}  # fmt: skip
    payload = msgspec.json.encode({name: each for name, each in claims.items() if each is not None})
    header = {"alg": Algorithm.HS256.value, "typ": "JWT", "kid": LOCAL_KID}
    return serialize_compact(header, payload, _signing_key(secret))


@lru_cache(maxsize=4)
def _signing_key(secret: bytes) -> OctKey:
    return OctKey.import_key(derive(secret, "token"))
