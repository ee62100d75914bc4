"""Signed actions: what the backend that saw an action hands on, so that it counts."""

import hmac
import secrets
import time
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from scoreboard.core.identifier import is_action_id, is_key_name, is_user_id
from scoreboard.core.signature import HEADER, Signature, base64url, from_base64url
from scoreboard.core.signing_key import SECRET_MAX_BYTES, SECRET_MIN_BYTES, SigningAlgorithm

__all__ = ["AUDIENCE", "HEADER", "Signer", "new_private", "public_of"]

AUDIENCE = "scoreboard"
"""What a service is called that has no ``AUDIENCE`` of its own."""

NONCE_BYTES = 18
_PEM = "-----BEGIN PRIVATE KEY-----"


class Signer:
    """Signs with one key, for one service.

    It belongs in a backend: what is inside a game on the player's machine is the player's.
    """

    def __init__(self, key: str, private: str, *, audience: str = AUDIENCE) -> None:
        """``private`` is a PEM (Ed25519), or the base64url of a secret (HMAC).

        Raises:
            ValueError: the name or the private half is not one.
        """
        if not is_key_name(key):
            raise ValueError(f"{key!r} is not the name of a key: <issuer>.<id>")
        self.key = key
        self.audience = audience
        self._private = _private(private)

    @classmethod
    def from_file(cls, key: str, file: Path | str, *, audience: str = AUDIENCE) -> Self:
        """A signer with the private half that ``scoreboard key new`` wrote.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no private half.
        """
        return cls(key, Path(file).read_text("ascii"), audience=audience)

    def sign(
        self, user_id: str, action_id: str, *, nonce: str | None = None, ts: int | None = None
    ) -> str:
        """The value of an ``Action-Signature`` for one award.

        It may be sent as often as it takes: it is counted once. ``nonce`` (16 to 64 of
        ``A-Za-z0-9_-``, new for every award) and ``ts`` (unix seconds, now) are chosen here
        unless they are given.

        Raises:
            ValueError: user, action or nonce can never be accepted.
        """
        if not is_user_id(user_id) or not is_action_id(action_id):
            raise ValueError("that is not a user and an action")
        unsigned = Signature(
            self.key,
            int(time.time()) if ts is None else ts,
            secrets.token_urlsafe(NONCE_BYTES) if nonce is None else nonce,
            b"",
        )
        data = unsigned.message(self.audience, user_id, action_id)
        if isinstance(self._private, bytes):
            proof = hmac.digest(self._private, data, "sha256")
        else:
            proof = self._private.sign(data)
        return Signature(unsigned.key, unsigned.ts, unsigned.nonce, proof).header()


def new_private(algorithm: SigningAlgorithm) -> str:
    """A new private half, as ``Signer`` takes it."""
    if algorithm is SigningAlgorithm.HMAC_SHA256:
        return base64url(secrets.token_bytes(SECRET_MIN_BYTES))
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_of(private: str) -> bytes:
    """What the service has to know: the public key (Ed25519), or the secret itself (HMAC).

    Raises:
        ValueError: it is no private half.
    """
    half = _private(private)
    return half if isinstance(half, bytes) else half.public_key().public_bytes_raw()


def _private(text: str) -> Ed25519PrivateKey | bytes:
    if text.lstrip().startswith(_PEM):
        key = load_pem_private_key(text.encode(), None)
        if isinstance(key, Ed25519PrivateKey):
            return key
        raise ValueError("the PEM is not of an Ed25519 key")
    secret = from_base64url(text.strip())
    if secret is None or not SECRET_MIN_BYTES <= len(secret) <= SECRET_MAX_BYTES:
        raise ValueError(
            f"the private half is neither a PEM nor the base64url of {SECRET_MIN_BYTES} to "
            f"{SECRET_MAX_BYTES} bytes"
        )
    return secret
