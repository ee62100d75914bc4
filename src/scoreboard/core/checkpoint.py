"""What is signed of the ledger's tree: a checkpoint in a note (C2SP tlog-checkpoint, signed-note).

scoreboard/1795435200000
1000
<root of the tree, base64>
epoch 1795435200000
time 1795435210000

— scoreboard/1795435200000 <key hash and signature, base64>
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable

from msgspec import Struct

from scoreboard.core.merkle import HASH_BYTES

NOTE_MAX_BYTES = 4_096
"""More than a checkpoint with all its lines, and a few witnesses' signatures, comes to."""

ED25519 = b"\x01"
KEY_HASH_BYTES = 4
SIGNATURE_BYTES = 64

_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_SIGNATURE = re.compile(r"— (\S+) (\S+)")
_LINES_MIN = 5  # four of the text and an empty one

Verify = Callable[[bytes, bytes, bytes], bool]
"""Whether a public Ed25519 key made this signature of this message: key, message, signature."""


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The first ``size`` postings, as a tree; ``at`` (milliseconds) is when it was signed."""

    origin: str
    size: int
    root: bytes
    epoch: int
    at: int

    def text(self) -> str:
        """What is signed."""
        return (
            f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"
            f"epoch {self.epoch}\ntime {self.at}\n"
        )


def origin_of(name: str, epoch: int) -> str:
    """The log's name: a ledger of a new epoch is another log."""
    return f"{name}/{epoch}"


def key_hash(origin: str, public_key: bytes) -> bytes:
    """What names the key in a signature line (C2SP signed-note)."""
    named = origin.encode() + b"\n" + ED25519 + public_key
    return hashlib.sha256(named).digest()[:KEY_HASH_BYTES]


def verifier_key(origin: str, public_key: bytes) -> str:
    """The key as verifiers of notes take it: ``name+hash+key``."""
    encoded = b64encode(ED25519 + public_key).decode()
    return f"{origin}+{key_hash(origin, public_key).hex()}+{encoded}"


def note(checkpoint: Checkpoint, public_key: bytes, signature: bytes) -> str:
    """The whole note; the signature is that of ``Checkpoint.text()``."""
    signed = key_hash(checkpoint.origin, public_key) + signature
    return f"{checkpoint.text()}\n— {checkpoint.origin} {b64encode(signed).decode()}\n"


def checkpoint_in(text: str) -> Checkpoint:
    """The checkpoint in a note of ours, whoever signed it.

    Raises:
        ValueError: it is none.
    """
    lines = text.split("\n")
    if len(text) > NOTE_MAX_BYTES or len(lines) <= _LINES_MIN or lines[_LINES_MIN]:
        raise ValueError("this is no checkpoint")
    origin, size, root, epoch, at = lines[:_LINES_MIN]
    found = Checkpoint(
        origin=origin,
        size=_number(size),
        root=_decoded(root),
        epoch=_number(epoch.removeprefix("epoch ")),
        at=_number(at.removeprefix("time ")),
    )
    if len(found.root) != HASH_BYTES or not text.startswith(found.text() + "\n"):
        raise ValueError("this is no checkpoint")
    return found


def is_signed(text: str, public_key: bytes, verify: Verify) -> bool:
    """Whether a note of ours has a true signature of this key.

    Raises:
        ValueError: it is no note of ours.
    """
    checkpoint = checkpoint_in(text)
    expected = key_hash(checkpoint.origin, public_key)
    message = checkpoint.text().encode()
    for line in text[len(checkpoint.text()) + 1 :].split("\n"):
        match = _SIGNATURE.fullmatch(line)
        if match and match[1] == checkpoint.origin:
            signed = _decoded(match[2])
            if signed[:KEY_HASH_BYTES] == expected and len(signed) == (
                KEY_HASH_BYTES + SIGNATURE_BYTES
            ):
                return verify(public_key, message, signed[KEY_HASH_BYTES:])
    return False


def _number(text: str) -> int:
    if not _SIZE.fullmatch(text):
        raise ValueError("this is no checkpoint")
    return int(text)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise ValueError("this is no Base64") from None
