"""The keys of ``JWT_KEYS``, read again when the file changes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from scoreboard.adapters.keys.document import (
    DOCUMENT_MAX_BYTES,
    UnusableKeyError,
    keys_of_document,
)
from scoreboard.adapters.keys.source import KeyEvent, serving
from scoreboard.core.token import Algorithm, VerificationKey
from scoreboard.errors import Misconfigured

FILE_LOOK_S = 5.0


class KeyFile:
    """The keys of ``JWT_KEYS``: a JWKS, PEM public keys, or one secret.

    The file is read again when it has changed, which is looked at every five seconds at most; a
    version that cannot be used is reported and the keys before it stay. One line break at the end
    of a secret does not count.

    Raises: Misconfigured, when made.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], float], observe: Callable[[KeyEvent], None]
    ) -> None:
        self._path = path
        self._clock = clock
        self._observe = observe
        self._looked_at = clock()
        self._version = self._stat()
        self._keys = self._read()

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        if self._clock() - self._looked_at >= FILE_LOOK_S:
            self._look()
        return serving(self._keys, kid, algorithm)

    def _look(self) -> None:
        self._looked_at = self._clock()
        try:
            version = self._stat()
            if version == self._version:
                return
            self._keys = self._read()
        except Misconfigured:
            self._observe("failed")
            return
        self._version = version
        self._observe("refreshed")

    def _stat(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            self._refuse(error.strerror or "it cannot be read", error)
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> tuple[VerificationKey, ...]:
        try:
            with self._path.open("rb") as file:
                document = file.read(DOCUMENT_MAX_BYTES + 1)
            return tuple(keys_of_document(document))
        except OSError as error:
            self._refuse(error.strerror or "it cannot be read", error)
        except UnusableKeyError as error:
            self._refuse(str(error), None)

    def _refuse(self, reason: str, cause: Exception | None) -> NoReturn:
        raise Misconfigured(f"JWT_KEYS: {self._path}: {reason}.") from cause
