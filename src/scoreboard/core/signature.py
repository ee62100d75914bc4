"""A signed action: its header, the bytes that are signed, and the award that it names."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from msgspec import Struct

from scoreboard.core.award import derived_id
from scoreboard.core.identifier import KEY_NAME
from scoreboard.errors import SignatureMalformed

VERSION = "SCOREBOARD-ACTION-V1"
HEADER = "Action-Signature"
AGE_MAX_MS = 300_000
AHEAD_MAX_MS = 30_000

_HEADER = re.compile(
    rf"key=(?P<key>{KEY_NAME[1:-1]}),ts=(?P<ts>0|[1-9][0-9]{{0,11}}),"
    r"nonce=(?P<nonce>[A-Za-z0-9_-]{16,64}),v1=(?P<proof>[A-Za-z0-9_-]{1,128})",
    re.ASCII,
)


class Signature(Struct, frozen=True):
    """Who signed, when (unix seconds), under which nonce; ``proof`` is the signature itself."""

    key: str
    ts: int
    nonce: str
    proof: bytes

    @property
    def issuer(self) -> str:
        """Whom the nonce belongs to: the keys of one issuer follow each other."""
        return self.key.partition(".")[0]

    @property
    def award_id(self) -> str:
        return derived_id("award", f"sig:{self.issuer}", self.nonce)

    def message(self, audience: str, user_id: str, action_id: str) -> bytes:
        """The bytes that are signed."""
        return message(audience, self.key, self.ts, self.nonce, (user_id, action_id))

    def is_timely(self, now_ms: int) -> bool:
        """Whether it is from 300 s ago to 30 s ahead."""
        return -AHEAD_MAX_MS <= now_ms - self.ts * 1000 <= AGE_MAX_MS

    def header(self) -> str:
        """The value of the header."""
        return f"key={self.key},ts={self.ts},nonce={self.nonce},v1={base64url(self.proof)}"


def message(audience: str, key: str, ts: int, nonce: str, award: tuple[str, str]) -> bytes:
    """The bytes that are signed; ``award`` is user and action."""
    lines = (VERSION, audience, key, str(ts), nonce, *award)
    return "".join(f"{line}\n" for line in lines).encode()


def parsed(header: bytes) -> Signature:
    """The signature in a header's value, which has just one spelling.

    Raises:
        SignatureMalformed: it is not exactly of the documented form.
    """
    match = _HEADER.fullmatch(header.decode("latin-1"))
    proof = from_base64url(match["proof"]) if match else None
    if match is None or proof is None:
        raise SignatureMalformed
    return Signature(match["key"], int(match["ts"]), match["nonce"], proof)


def base64url(data: bytes) -> str:
    """RFC 4648, section 5, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes | None:
    """The bytes of canonical base64url without padding; None for any other spelling."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    # Unused bits in the last character, and characters that decoding skips, would be a second
    # spelling of the same bytes.
    return data if base64url(data) == text else None
