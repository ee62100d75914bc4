"""The service's own secret: made at the first start, and what derives from it."""

import contextlib
import os
import secrets
import stat
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NoReturn

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OctKey
from joserfc.jws import serialize_compact

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

SECRET_MAX_BYTES = 4096

Purpose = Literal["token", "cursor", "log", "fingerprint", "signing"]


def local_secret(path: Path) -> bytes:
    """The secret in this file, which is made when it does not exist.

    Processes that start at once end up with the same one. The file must be the service's own and
    unreadable to others; one that belongs to root, as mounted secrets do, may be readable to the
    service's group.

    Raises: Misconfigured.
    """
    try:
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        _refuse(path, error.strerror or "it cannot be used")


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


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(SECRET_MIN_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        # A link never replaces what is there: of two processes, the second takes the first's.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read(path: Path) -> bytes:
    # Without O_NONBLOCK a pipe in the secret's place would stop the start for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        _check_access(path, os.fstat(descriptor))
        secret = file.read(SECRET_MAX_BYTES + 1).removesuffix(b"\n").removesuffix(b"\r")
    if len(secret) < SECRET_MIN_BYTES:
        _refuse(path, f"it must hold {SECRET_MIN_BYTES} bytes or more; delete it for a new one")
    if len(secret) > SECRET_MAX_BYTES:
        _refuse(path, f"it must hold {SECRET_MAX_BYTES} bytes or less")
    return secret


def _check_access(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        _refuse(path, "it is not a regular file")
    mine = status.st_uid == os.geteuid()
    if not mine and status.st_uid != 0:
        _refuse(path, "it belongs to somebody else; run: chown to the service's own user")
    if status.st_mode & (0o077 if mine else 0o037):
        _refuse(path, "others can read it; run: chmod 600 on it")


def _refuse(path: Path, reason: str) -> NoReturn:
    raise Misconfigured(f"SECRET_FILE: {path}: {reason}.")
