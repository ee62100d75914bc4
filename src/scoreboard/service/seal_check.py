"""Whether tree and checkpoints are those of the ledger, without recomputing all of it each time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.checkpoint import Checkpoint, Verify, checkpoint_in
from scoreboard.core.leaf import seq_of
from scoreboard.core.merkle import Tree, edge_tiles, leaf_hash
from scoreboard.errors import ScoreboardError
from scoreboard.ports import Head, Ledger, Sealing
from scoreboard.service.faults import Fault, Faults
from scoreboard.service.regrowth import Regrowth

FOLLOWER = "audit-seals"
"""The bookmark's name: up to which checkpoint audits have found everything right."""

PAGE = 8_000
"""Postings that are read at once: many of them are of the same users."""
AT_ONCE = 1_000
"""Leaves that are hashed between two turns of the event loop."""

AGAIN = 1_000_000
"""So many of the postings that were right before are recomputed again: others each day."""

DAY_MS = 86_400_000

Seen = Callable[[int, int], None]
"""Told how far the work has come, and of how much."""


class Published(Protocol):
    """Where the newest checkpoint is kept outside the ledger; what fails is an OSError."""

    async def read(self) -> str | None: ...


class Checked(Struct, frozen=True, kw_only=True):
    """What was found: the first ``sealed`` postings are under a signed checkpoint.

    ``recomputed`` of them, under ``checkpoints``, were hashed anew by this audit: those that no
    audit had looked at, and some of the others.
    """

    sealed: int
    sealed_at: int | None
    recomputed: int
    checkpoints: int
    first_bad_seq: int | None
    faults: tuple[Fault, ...]


class SealCheck:
    """Recomputes what was sealed since the last time, and some of what was right then.

    What was found right stays so by the roots: the tree that is grown further is that of the
    newest checkpoint which was right, and has to come to each checkpoint after it. Rows, tiles and
    checkpoints below it are looked at again in turn, ``AGAIN`` postings a day; all of them at
    once is what `ledger verify` does.
    """

    def __init__(self, ledger: Ledger, published: Published | None, verify: Verify) -> None:
        self._ledger = ledger
        self._published = published
        self._verify = verify

    async def check(self, head: Head, seen: Seen) -> Checked:
        """Look once; what is found wrong is found again until it is right.

        Raises:
            Unavailable: something could not be read.
        """
        return await _Look(self._ledger, self._verify, head, seen).whole(self._published)


class _Look:
    """One look at the seals of a ledger."""

    def __init__(self, ledger: Ledger, verify: Verify, head: Head, seen: Seen) -> None:
        self._ledger = ledger
        self._verify = verify
        self._head = head
        self._seen = seen
        self._faults = Faults()
        self._recomputed = self._checkpoints = self._due = 0

    async def whole(self, published: Published | None) -> Checked:
        faults = self._faults
        outside = await self._read(published) if published else None
        newest = await self._ledger.newest_sealing()
        await self._compare(outside, newest)
        done = await self._done()
        first, last = await self._again(done)
        self._due = _size(newest) - _size(done) + _size(last) - _size(first)
        await self._regrow(first, last)
        await self._regrow(done, newest)
        if newest and not faults.found:
            await self._ledger.move_bookmark(FOLLOWER, newest.size)
        self._seen(1, 1)
        return Checked(
            sealed=_size(newest),
            sealed_at=_signed_at(newest),
            recomputed=self._recomputed,
            checkpoints=self._checkpoints,
            first_bad_seq=faults.first_bad_seq,
            faults=tuple(faults.found),
        )

    # --- the checkpoint outside

    async def _read(self, published: Published) -> Checkpoint | None:
        try:
            text = await published.read()
            return None if text is None else checkpoint_in(text)
        except (OSError, ValueError):
            self._faults.say("The checkpoint in the file cannot be read.")
            return None

    async def _compare(self, outside: Checkpoint | None, newest: Sealing | None) -> None:
        """Compare what was published with the tree, at its own size."""
        head = await self._ledger.head()
        if outside is None or outside.epoch < head.epoch:
            return  # of the history that this one has replaced
        size = f"{outside.size:,}"
        if outside.size > head.seq or outside.epoch > head.epoch:
            self._faults.blame(
                min(outside.size, head.seq + 1),
                f"or a later one is missing: a checkpoint of {size} postings in epoch "
                f"{outside.epoch} was published",
            )
        elif outside.size <= _size(newest):
            tree = await self._tree(outside.size)
            if tree.root() != outside.root:
                what = f"or a later one, up to {size}, is not what the published checkpoint says"
                self._faults.blame(1, what)
        else:
            self._faults.say(
                f"The checkpoint of {size} postings was published, and is not in the ledger."
            )

    async def _tree(self, size: int) -> Tree:
        return Tree.at(size, await self._ledger.tiles(edge_tiles(size)))

    # --- the ledger

    async def _done(self) -> Sealing | None:
        """The checkpoint up to which everything was right at the last audit."""
        size = await self._ledger.bookmark(FOLLOWER)
        sealing = await self._ledger.sealing_at(size) if size else None
        if size != _size(sealing):
            self._faults.say(f"The checkpoint of {size:,} postings, seen by an audit, is gone.")
            return None
        return sealing

    async def _again(self, done: Sealing | None) -> tuple[Sealing | None, Sealing | None]:
        """Between which checkpoints to look again; the day says which, so that all have a turn."""
        size = _size(done)
        slices = -(-size // AGAIN)
        number = self._head.at // DAY_MS % max(1, slices)
        begin, end = number * AGAIN, min(size, (number + 1) * AGAIN)
        first = await self._ledger.sealing_at(begin) if begin else None
        last = await self._ledger.sealing_at(end) if end else None
        return first, last

    async def _regrow(self, first: Sealing | None, last: Sealing | None) -> None:
        """Recompute the postings between two checkpoints."""
        after, upto = _size(first), _size(last)
        tree = await self._tree(after)
        if first and not _is_over(first, tree):
            self._faults.say(
                f"The checkpoint of {after:,} postings is not that of the tiles under it."
            )
            return
        since = (tree, first) if first else None
        regrowth = Regrowth(self._verify, self._faults, since=since)
        while regrowth.whole and after < upto:
            after = await self._page(regrowth, after, min(upto, after + PAGE))
            self._seen(self._recomputed, self._due)
        regrowth.finish(after)
        self._checkpoints += regrowth.checkpoints

    async def _page(self, regrowth: Regrowth, after: int, upto: int) -> int:
        regrowth.turn(after)
        await self._add(regrowth, after, upto)
        runs, sealings = await self._ledger.seals(after, upto)
        for run in runs:
            regrowth.see_run(run)
        for sealing in sealings:
            regrowth.see_sealing(sealing, upto)
        self._recomputed += upto - after
        return upto

    async def _add(self, regrowth: Regrowth, after: int, upto: int) -> None:
        """Add the leaves of some postings, up to the first one that is not there."""
        try:
            leaves = await self._ledger.leaves(after, upto - after)
        except ScoreboardError:
            raise
        except Exception:  # noqa: BLE001 - numbers that no ledger of ours has ever had
            self._faults.blame(after + 1, f"or a later one, up to {upto:,}, is out of range")
            regrowth.whole = False
            return
        place = upto
        if not leaves or seq_of(leaves[-1]) != upto:
            place = _gap(leaves, after)
            self._faults.blame(place + 1, "is sealed and missing")
        for start in range(0, place - after, AT_ONCE):
            some = leaves[start : min(start + AT_ONCE, place - after)]
            regrowth.add([leaf_hash(leaf) for leaf in some])
            await asyncio.sleep(0)
        regrowth.whole = regrowth.whole and place == upto


def _gap(leaves: Sequence[bytes], after: int) -> int:
    """The last posting before the first that is not there."""
    for place, leaf in enumerate(leaves, after):
        if seq_of(leaf) != place + 1:
            return place
    return after + len(leaves)


def _size(sealing: Sealing | None) -> int:
    return sealing.size if sealing else 0


def _is_over(sealing: Sealing, tree: Tree) -> bool:
    try:
        return sealing.checkpoint().root == tree.root()
    except ValueError:
        return False


def _signed_at(sealing: Sealing | None) -> int | None:
    try:
        return sealing.checkpoint().at if sealing else None
    except ValueError:
        return None
