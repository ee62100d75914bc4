"""Whether a ledger is what was signed: leaves, tree, order, sums and checkpoints recomputed."""

from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from scoreboard.core.board import Board
from scoreboard.core.checkpoint import Checkpoint, Verify, is_signed
from scoreboard.core.freezes import Freezes
from scoreboard.core.history import Line, Origin, Person, Tally
from scoreboard.core.leaf import leaf
from scoreboard.core.merkle import HASH_BYTES, TILE_WIDTH, Run, Tree, leaf_hash, split
from scoreboard.core.posting import Kind
from scoreboard.core.user import commitment
from scoreboard.ports import Part, Sealing
from scoreboard.service.sums import Sums

FAULTS_MAX = 20
"""What else is wrong hardly matters then."""


class Fault(Struct, frozen=True):
    """What is wrong; ``seq`` is the first posting that it concerns, if it concerns any."""

    seq: int | None
    what: str


class Verdict(Struct, frozen=True, kw_only=True):
    """What was found.

    The first ``sealed`` postings are under a signed checkpoint, the others have only sums.
    """

    ok: bool
    epoch: int
    postings: int
    sealed: int
    sealed_at: int | None
    checkpoints: int
    key: str | None
    first_bad_seq: int | None
    faults: tuple[Fault, ...]


class Verification:
    """Looks at each page of a history in turn, and says at the end what it found.

    ``kept`` is a checkpoint from elsewhere, which the ledger has to be a continuation of.
    """

    def __init__(self, verify: Verify, kept: Checkpoint | None = None) -> None:
        self._verify = verify
        self._kept = kept
        self._sums = Sums()
        self._freezes = Freezes()
        self._boards: list[Board] = []
        self._users: dict[int, bytes | None] = {}
        self._origin: Origin | None = None
        self._last = Line(0, 0, "", Kind.BOARD, "", 0)  # before the first
        self._faults: list[Fault] = []
        self._first_bad: int | None = None
        self._tree = Tree()
        self._waiting: list[bytes] = []
        self._leaves = _Track(0)
        self._tracks = {0: self._leaves}
        self._whole = True
        self._signed = 0
        self._sealing: Sealing | None = None
        self._checkpoints = 0

    def see(self, page: Sequence[Part]) -> None:
        """Look at parts of one kind, at least one."""
        match page[0]:
            case Line():
                self._grow(self._last.seq)
                self._compare(self._leaves, None)
                self._leaves.drop_unsealed()
                for line in cast("Sequence[Line]", page):
                    self._see_line(line)
            case Run():
                for run in cast("Sequence[Run]", page):
                    self._see_run(run)
            case Sealing():
                for sealing in cast("Sequence[Sealing]", page):
                    self._see_sealing(sealing)
            case Origin() as origin:
                self._origin = origin
            case Board() | Person() | Tally():
                self._expect(cast("Sequence[Board | Person | Tally]", page))

    def verdict(self) -> Verdict:
        """What was found in the whole."""
        origin, last = self._origin, self._last.seq
        assert origin is not None
        self._grow(last)
        self._compare(self._leaves, None)
        if self._leaves.stored:
            self._blame(last + 1, "is sealed and missing")
        if self._kept and self._kept.size > last:
            self._blame(last + 1, "and those up to the kept checkpoint are missing")
        if origin.seq != last:
            self._blame(min(origin.seq, last) + 1, "is not where the ledger's head says")
        for tally in self._sums.differing():
            what = f"The scores of board {tally.board}, period {tally.period} are not the sums."
            self._add(Fault(None, what))
        for board in self._freezes.differing(self._boards):
            self._add(Fault(None, f"Board {board} is frozen, or not, against its postings."))
        sealing = self._sealing
        return Verdict(
            ok=not self._faults,
            epoch=origin.epoch,
            postings=last,
            sealed=sealing.size if sealing else 0,
            sealed_at=sealing.checkpoint().at if sealing else None,
            checkpoints=self._checkpoints,
            key=sealing.key.hex() if sealing else None,
            first_bad_seq=self._first_bad,
            faults=tuple(self._faults),
        )

    # --- postings

    def _expect(self, page: Sequence[Board | Person | Tally]) -> None:
        for part in page:
            self._sums.expect(part)
            if isinstance(part, Board):
                self._boards.append(part)
            elif isinstance(part, Person):
                self._users[part.user_ref] = _stands_for(part)

    def _see_line(self, line: Line) -> None:
        last = self._last
        if line.seq != last.seq + 1:
            self._blame(last.seq + 1, "is missing")
            self._whole = False  # what follows has no place in the tree
        if line.at < last.at or line.epoch < last.epoch:
            self._blame(line.seq, "is earlier than the one before it")
        if not self._sums.add(line):
            self._blame(line.seq, "says another score than the sum so far")
        self._freezes.add(line)
        self._last = line
        if not self._whole:
            return
        stands_for = None
        if line.user_ref is not None:
            stands_for = self._users.get(line.user_ref)
            if stands_for is None:
                self._blame(line.seq, "is of an unknown user")
        try:
            found = leaf_hash(leaf(line, stands_for))
        except Exception:  # noqa: BLE001 - a number that no ledger of ours has ever had
            self._blame(line.seq, "is out of range")
            self._whole = False
            return
        self._waiting.append(found)
        self._leaves.found += found

    # --- the tree

    def _see_run(self, run: Run) -> None:
        self._compare(self._track(run.level), run)

    def _compare(self, track: "_Track", run: Run | None) -> None:
        if run and not track.store(run):
            self._blame(None, f"A tile of level {run.level} is missing before place {run.first}.")
        place = track.first_difference()
        if place is None or (track.level and not self._whole):
            return
        self._whole = False  # what follows from a wrong posting is wrong, and tells nothing
        if track.level == 0:
            self._blame(place + 1, "or its hash in the tiles is not the one that was sealed")
        else:
            first = max(self._signed, place * TILE_WIDTH**track.level)
            self._blame(first + 1, _among(track.level))

    def _grow(self, upto: int) -> None:
        """Let the tree have the leaves of so many postings."""
        if not self._whole:
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
            self._kept, self._whole = None, False
            self._blame(1, f"or a later one, up to {kept.size:,}, is not what the checkpoint says")

    def _see_sealing(self, sealing: Sealing) -> None:
        self._checkpoints += 1
        before = self._sealing
        try:
            checkpoint = sealing.checkpoint()
            genuine = is_signed(sealing.note, sealing.key, self._verify)
        except ValueError:
            self._blame(None, f"The checkpoint of {sealing.size:,} postings is damaged.")
            return
        if not genuine or checkpoint.size != sealing.size:
            self._blame(None, f"The checkpoint of {sealing.size:,} postings is not signed.")
            return
        if before and before.checkpoint().epoch == checkpoint.epoch and before.key != sealing.key:
            self._blame(None, f"The checkpoint of {sealing.size:,} postings has another key.")
        if sealing.size > self._last.seq:
            self._blame(self._last.seq + 1, "is sealed and missing")
            return
        self._grow(sealing.size)
        if not self._whole:
            return
        if self._tree.root() != checkpoint.root:
            self._blame(self._signed + 1, f"or a later one, up to {sealing.size:,}, was changed")
            self._whole = False
            return
        self._signed, self._sealing = sealing.size, sealing

    def _track(self, level: int) -> "_Track":
        if level not in self._tracks:
            self._tracks[level] = _Track(level)
        return self._tracks[level]

    # --- faults

    def _blame(self, seq: int | None, what: str) -> None:
        self._add(Fault(seq, what if seq is None else f"Posting {seq:,} {what}."))

    def _add(self, fault: Fault) -> None:
        if fault.seq is not None:
            self._first_bad = min(fault.seq, self._first_bad or fault.seq)
        if len(self._faults) < FAULTS_MAX and fault not in self._faults:
            self._faults.append(fault)


class _Track:
    """The hashes of one level, found and stored, from the first place that was not compared."""

    def __init__(self, level: int) -> None:
        self.level = level
        self.place = 0
        self.found = bytearray()
        self.stored = bytearray()

    def store(self, run: Run) -> bool:
        """Whether a stored run goes on where the ones before it end."""
        fits = run.first == self.place + len(self.stored) // HASH_BYTES
        self.stored += run.hashes
        return fits

    def drop_unsealed(self) -> None:
        """Forget what was found and nothing was stored of, though it should have come by now."""
        if not self.stored:
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


def _stands_for(person: Person) -> bytes | None:
    if person.user_id is None or person.salt is None:
        return person.commitment
    return commitment(person.salt, person.user_id)
