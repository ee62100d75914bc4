"""What a ledger keeps of its Merkle tree, so that nobody can change a posting unnoticed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.checkpoint import Checkpoint, checkpoint_in
from scoreboard.core.merkle import Run, TileKey


class Sealing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed checkpoint as it is kept: the note, whose key, and in which term it was made.

    ``size`` is the note's, so that a row can be found.
    """

    size: int
    note: str
    key: bytes
    term: int

    def checkpoint(self) -> Checkpoint:
        """What the note says.

        Raises:
            ValueError: the note was changed.
        """
        return checkpoint_in(self.note)


class Sealed(Protocol):
    """The leaves, tiles and checkpoints of a ledger; the two latter only grow.

    The leaf of a posting is at the index before its seq: the posting 1 is the leaf 0.
    """

    async def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        """The canonical bytes of at most ``limit`` postings after a seq, in order, without gaps.

        A user who was erased is in them as before.
        """
        ...

    async def salt(self, user_ref: int) -> bytes | None:
        """What a user's commitment is made with; None once the user is erased."""
        ...

    async def tiles(self, keys: Collection[TileKey]) -> Mapping[TileKey, bytes]:
        """The hashes in tiles, as many as there are; empty for a tile that is not there."""
        ...

    async def seals(self, after: int, upto: int) -> tuple[Sequence[Run], Sequence[Sealing]]:
        """What is kept of the postings after one, up to another: hashes, and checkpoints in order.

        The hashes that stand in the tiles from the place of the one on, before that of the other,
        by level and place; a run may go on after it, and is told once by whoever asks in turn
        from one checkpoint on.
        """
        ...

    async def seal(self, runs: Sequence[Run], sealing: Sealing) -> None:
        """Keep a new checkpoint, and the hashes that are new in the tiles, all or nothing.

        Raises:
            Deposed: a checkpoint of a later term is there.
            OutOfPlace: the runs do not begin where the tiles end or end elsewhere than the
                checkpoint, or a larger one is there already.
            Unavailable: nothing was kept.
            OutcomeUnknown: it may have been.
        """
        ...

    async def newest_sealing(self) -> Sealing | None:
        """The checkpoint of the most postings."""
        ...

    async def sealing_at(self, size: int) -> Sealing | None:
        """The first checkpoint that covers so many postings."""
        ...
