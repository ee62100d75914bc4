"""What signed actions are verified with: public keys, and secrets that are sealed at rest."""

import hmac
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from scoreboard.adapters.keys.secret import derive
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey

NONCE_BYTES = 12
KEPT_MAX = 1_000
"""Keys that are held ready; a catalogue with more makes some of them ready anew."""

Check = Callable[[bytes, bytes], bool]


class SigningKeys:
    """Seals the secrets of HMAC keys with the service's own secret, and verifies with all keys."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(derive(secret, "signing"))
        self._ready: dict[SigningKey, Check] = {}

    def sealed(self, key: str, secret: bytes) -> bytes:
        """A secret as it is stored: AES-256-GCM, bound to the name of its key."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, key.encode())

    def verify(self, key: SigningKey, message: bytes, signature: bytes) -> bool:
        """Whether this key made this signature of the message, in constant time."""
        check = self._ready.get(key)
        if check is None:
            if len(self._ready) >= KEPT_MAX:
                self._ready.clear()
            check = self._ready[key] = self._made(key)
        return check(message, signature)

    def _made(self, key: SigningKey) -> Check:
        if key.algorithm is SigningAlgorithm.HMAC_SHA256:
            return self._hmac(key)
        try:
            public = VerifyKey(key.material)
        except ValueError:
            return _never
        return lambda message, signature: _is_signed(public, message, signature)

    def _hmac(self, key: SigningKey) -> Check:
        nonce, sealed = key.material[:NONCE_BYTES], key.material[NONCE_BYTES:]
        try:
            secret = self._cipher.decrypt(nonce, sealed, key.key.encode())
        except (InvalidTag, ValueError):
            return _never  # sealed with another secret than this service has
        return lambda message, signature: hmac.compare_digest(
            hmac.digest(secret, message, "sha256"), signature
        )


def _is_signed(public: VerifyKey, message: bytes, signature: bytes) -> bool:
    try:
        public.verify(message, signature)
    except (BadSignatureError, ValueError):  # forged, or not as long as a signature
        return False
    return True


def _never(_message: bytes, _signature: bytes) -> bool:
    return False
