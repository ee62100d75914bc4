"""What all sources of keys have in common, and several of them in a row."""

from collections.abc import Sequence
from typing import Literal, Protocol

from scoreboard.core.token import Algorithm, VerificationKey

KeyEvent = Literal["refreshed", "failed"]


class KeySource(Protocol):
    """What every source is to those who verify tokens."""

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        """The keys that may have signed such a token."""
        ...


class KeyChain:
    """Several sources; those behind one that holds exactly the kid are not asked."""

    def __init__(self, *sources: KeySource) -> None:
        self._sources = sources

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        found: list[VerificationKey] = []
        for source in self._sources:
            found.extend(await source.candidates(kid, algorithm))
            if kid is not None and any(key.kid == kid for key in found):
                break
        return found


def serving(
    keys: Sequence[VerificationKey], kid: str | None, algorithm: Algorithm
) -> Sequence[VerificationKey]:
    """Those of the keys that may have signed such a token."""
    return [key for key in keys if key.serves(kid, algorithm)]
