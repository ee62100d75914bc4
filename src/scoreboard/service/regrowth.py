"""The ledger's tree grown anew, beside the tiles and checkpoints that were kept of it."""

from collections.abc import Sequence

from scoreboard.core.checkpoint import Checkpoint, Verify, is_signed
from scoreboard.core.merkle import HASH_BYTES, TILE_WIDTH, Run, Tree, split
from scoreboard.ports import Sealing
from scoreboard.service.faults import Faults


class Regrowth:
    """Takes the leaves of a ledger in order and, after each page of them, what was kept of them.

    It begins with the tree of the checkpoint ``since``, or with nothing. ``kept`` is a checkpoint
    from elsewhere, which the ledger has to be a continuation of. Once something does not fit
    nothing after it does, so only the first place is told: ``whole`` is False from there on.
    ``newest`` is the size of the last checkpoint that came, whatever it is worth.
    """

    def __init__(
        self,
        verify: Verify,
        faults: Faults,
        *,
        kept: Checkpoint | None = None,
        since: tuple[Tree, Sealing] | None = None,
    ) -> None:
        self._verify = verify
        self._faults = faults
        self._kept = kept
        self.sealing: Sealing | None
        self._tree, self.sealing = since or (Tree(), None)
        self._begin = self._signed = self._tree.size
        self._waiting: list[bytes] = []
        self._leaves = _Track(0, self._begin)
        self._tracks = {0: self._leaves}
        self.whole = True
        self.checkpoints = 0
        self.newest = 0

    def turn(self, reached: int) -> None:
        """A new page of leaves begins; everything that was kept of those before has come."""
        self._grow(reached)
        self._compare(self._leaves, None)
        self._leaves.drop_unsealed()

    def add(self, found: Sequence[bytes]) -> None:
        """The hashes of the next postings' leaves."""
        self._waiting += found
        self._leaves.found += b"".join(found)

    def see_run(self, run: Run) -> None:
        """Hashes as they were kept."""
        self._compare(self._track(run.level), run)

    def see_sealing(self, sealing: Sealing, reached: int) -> None:
        """A checkpoint as it was kept; ``reached`` is the last posting that was there."""
        self.checkpoints += 1
        self.newest = sealing.size
        before, size = self.sealing, f"{sealing.size:,}"
        try:
            checkpoint = sealing.checkpoint()
            genuine = is_signed(sealing.note, sealing.key, self._verify)
        except ValueError:
            self._faults.say(f"The checkpoint of {size} postings is damaged.")
            return
        if not genuine or checkpoint.size != sealing.size:
            self._faults.say(f"The checkpoint of {size} postings is not signed.")
            return
        if before and before.checkpoint().epoch == checkpoint.epoch and before.key != sealing.key:
            self._faults.say(f"The checkpoint of {size} postings has another key.")
        if sealing.size > reached:
            self._faults.blame(reached + 1, "is sealed and missing")
            return
        self._grow(sealing.size)
        self._compare(self._leaves, None)
        if not self.whole:
            return
        if self._tree.root() != checkpoint.root:
            self._faults.blame(self._signed + 1, f"or a later one, up to {size}, was changed")
            self.whole = False
            return
        self._signed, self.sealing = sealing.size, sealing

    def finish(self, reached: int) -> None:
        """Nothing more comes; ``reached`` is the last posting that was there."""
        self._grow(reached)
        self._compare(self._leaves, None)
        if self.whole:
            if self._leaves.stored:
                self._faults.blame(reached + 1, "is sealed and missing")
            self._miss_tiles()
        if self._kept and self._kept.size > reached:
            self._faults.blame(reached + 1, "and those up to the kept checkpoint are missing")

    def _miss_tiles(self) -> None:
        """Say which hashes are not in the tiles, though a checkpoint is over them."""
        for level, track in sorted(self._tracks.items()):
            if track.compared < self._signed // TILE_WIDTH**level:
                place = track.compared
                self._faults.say(f"The tiles of level {level} are missing from place {place} on.")

    def _compare(self, track: "_Track", run: Run | None) -> None:
        if run and not track.store(run):
            self._faults.say(f"A tile of level {run.level} is missing before place {run.first}.")
        place = track.first_difference()
        if place is None or (track.level and not self.whole):
            return
        self.whole = False  # what follows from a wrong posting is wrong, and tells nothing
        if track.level == 0:
            what = "or its hash in the tiles is not the one that was sealed"
            self._faults.blame(place + 1, what)
        else:
            first = max(self._signed, place * TILE_WIDTH**track.level)
            self._faults.blame(first + 1, _among(track.level))

    def _grow(self, upto: int) -> None:
        """Let the tree have the leaves of so many postings."""
        if not self.whole:
            self._waiting = []
            return
        kept = self._kept
        if kept and self._tree.size < kept.size < upto:
            self._grow(kept.size)
        count = max(0, upto - self._tree.size)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        for run in self._tree.grow(taken):
            if run.level:
                track = self._track(run.level)
                track.found += run.hashes
                self._compare(track, None)
        if kept and self._tree.size == kept.size and self._tree.root() != kept.root:
            self._kept, self.whole = None, False
            what = f"or a later one, up to {kept.size:,}, is not what the checkpoint says"
            self._faults.blame(1, what)

    def _track(self, level: int) -> "_Track":
        if level not in self._tracks:
            self._tracks[level] = _Track(level, self._begin // TILE_WIDTH**level)
        return self._tracks[level]


class _Track:
    """The hashes of one level, found and stored, from the first place that was not compared."""

    def __init__(self, level: int, place: int) -> None:
        self.level = level
        self.place = place
        self.found = bytearray()
        self.stored = bytearray()
        self._dropped: int | None = None

    @property
    def compared(self) -> int:
        """The place up to which every hash was there on both sides."""
        return self.place if self._dropped is None else self._dropped

    def store(self, run: Run) -> bool:
        """Whether a stored run goes on where the ones before it end."""
        fits = run.first == self.place + len(self.stored) // HASH_BYTES
        self.stored += run.hashes
        return fits

    def drop_unsealed(self) -> None:
        """Forget what was found and nothing was stored of, though it should have come by now."""
        if self.found and not self.stored:
            self._dropped = self.compared
            self.place += len(self.found) // HASH_BYTES
            self.found.clear()

    def first_difference(self) -> int | None:
        """Compare what is there on both sides, and forget it."""
        common = min(len(self.found), len(self.stored))
        found, stored = self.found[:common], self.stored[:common]
        del self.found[:common], self.stored[:common]
        place, self.place = self.place, self.place + common // HASH_BYTES
        if found == stored:
            return None
        pairs = zip(split(bytes(found)), split(bytes(stored)), strict=True)
        return place + next(number for number, (one, two) in enumerate(pairs) if one != two)


def _among(level: int) -> str:
    return f"or one of the {TILE_WIDTH**level - 1:,} after it was changed, or a tile over them"
