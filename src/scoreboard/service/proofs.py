"""Proofs about the ledger's tree, for whoever asks: from its tiles, a few at a time."""

from collections.abc import Sequence

from msgspec import Struct

from scoreboard.core.checkpoint import verifier_key
from scoreboard.core.merkle import (
    Span,
    consistency_spans,
    inclusion_spans,
    subtree_hash,
    tiles_of,
)
from scoreboard.core.posting import Posting
from scoreboard.errors import InvalidParameter, NotFound, Unavailable
from scoreboard.ports import Ledger, Sealing


class Inclusion(Struct, frozen=True, kw_only=True):
    """That a posting is under a checkpoint.

    ``salt`` and ``user_id`` make the commitment in the leaf; None for a posting without a user.
    ``key`` is the checkpoint's, as verifiers of notes take it.
    """

    seq: int
    size: int
    leaf: bytes
    hashes: Sequence[bytes]
    note: str
    key: str
    user_id: str | None
    salt: bytes | None


class Proofs:
    """Reads the newest checkpoint, and what leads to it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def newest(self) -> Sealing:
        """The newest checkpoint.

        Raises:
            NotFound: nothing was signed yet.
        """
        sealing = await self._ledger.newest_sealing()
        if sealing is None:
            raise NotFound
        return sealing

    async def consistency(self, old: int, new: int | None) -> tuple[int, Sequence[bytes]]:
        """The tree of ``new`` postings grew out of that of ``old``; answers ``new`` and hashes.

        Without ``new`` it is that of the newest checkpoint.

        Raises:
            InvalidParameter: ``new`` is less than ``old``.
            NotFound: so many were not sealed yet.
        """
        sealed = (await self.newest()).size
        upto = sealed if new is None else new
        if max(old, upto) > sealed:
            raise NotFound
        if upto < old:
            raise InvalidParameter
        return upto, await self._hashes(consistency_spans(old, upto))

    async def inclusion(self, posting: Posting) -> Inclusion:
        """The posting is under the newest checkpoint.

        Raises:
            NotFound: no checkpoint covers it yet.
        """
        sealing = await self.newest()
        if posting.seq > sealing.size:
            raise NotFound
        leaves = await self._ledger.leaves(posting.seq - 1, 1)
        ref = posting.user_ref
        salt = None if ref is None else await self._ledger.salt(ref)
        return Inclusion(
            seq=posting.seq,
            size=sealing.size,
            leaf=leaves[0],
            hashes=await self._hashes(inclusion_spans(posting.seq - 1, sealing.size)),
            note=sealing.note,
            key=_verifier(sealing),
            user_id=posting.user_id,
            salt=salt,
        )

    async def _hashes(self, spans: Sequence[Span]) -> list[bytes]:
        tiles = await self._ledger.tiles(tiles_of(spans))
        try:
            return [subtree_hash(span, tiles) for span in spans]
        except IndexError:
            raise Unavailable from None  # somebody has taken tiles away


def _verifier(sealing: Sealing) -> str:
    try:
        return verifier_key(sealing.checkpoint().origin, sealing.key)
    except ValueError:
        raise Unavailable from None  # somebody has changed the checkpoint
