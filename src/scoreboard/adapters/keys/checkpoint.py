"""The key that checkpoints of the ledger are signed with."""

from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from scoreboard.adapters.keys.private_file import PrivateFile

SETTING = "CHECKPOINT_KEY_FILE"


class CheckpointKey:
    """An Ed25519 key; ``name`` is the first part of the origin of what it signs."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self.name = name
        self.public = private.public_key().public_bytes_raw()
        self._private = private

    @classmethod
    def opened(cls, name: str, path: Path, *, may_make: bool) -> Self:
        """The key in this file (PKCS 8, PEM), which is made when it does not exist and may be.

        Raises: Misconfigured.
        """
        file = PrivateFile(SETTING, path)
        try:
            if not path.exists():
                if not may_make:
                    file.refuse(
                        "it does not exist, and this ledger's checkpoints are signed with a key "
                        "already: put a copy of that file there"
                    )
                file.create(_pem(Ed25519PrivateKey.generate()))
            private = load_pem_private_key(file.content(), None)
        except OSError as error:
            file.refuse(error.strerror or "it cannot be used")
        except (ValueError, TypeError, UnsupportedAlgorithm):
            file.refuse("it holds no private key in PEM without a password")
        if not isinstance(private, Ed25519PrivateKey):
            file.refuse("its key is not Ed25519")
        return cls(name, private)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)


def is_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a public Ed25519 key made this signature of this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _pem(private: Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
