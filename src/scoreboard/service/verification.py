"""Whether a ledger is what was signed: leaves, tree, order, sums and checkpoints recomputed."""

from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from scoreboard.core.board import Board
from scoreboard.core.checkpoint import Checkpoint, Verify
from scoreboard.core.freezes import Freezes
from scoreboard.core.history import Line, Origin, Person, Tally
from scoreboard.core.leaf import leaf
from scoreboard.core.merkle import Run, leaf_hash
from scoreboard.core.posting import Kind
from scoreboard.core.statuses import Statuses
from scoreboard.core.user import commitment
from scoreboard.ports import Part, Sealing
from scoreboard.service.faults import Fault, Faults
from scoreboard.service.regrowth import Regrowth
from scoreboard.service.sums import Sums


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

    ``kept`` is a checkpoint from elsewhere, which the ledger has to be a continuation of. One that
    was ``published`` before the ledger was read has to be in it as well, or a later one.
    """

    def __init__(
        self, verify: Verify, kept: Checkpoint | None = None, *, published: bool = False
    ) -> None:
        self._sums = Sums()
        self._freezes = Freezes()
        self._statuses = Statuses()
        self._boards: list[Board] = []
        self._users: dict[int, bytes | None] = {}
        self._origin: Origin | None = None
        self._last = Line(0, 0, "", Kind.BOARD, "", 0)  # before the first
        self._faults = Faults()
        self._tree = Regrowth(verify, self._faults, kept=kept)
        self._published = kept if published else None

    def see(self, page: Sequence[Part]) -> None:
        """Look at parts of one kind, at least one."""
        match page[0]:
            case Line():
                self._tree.turn(self._last.seq)
                found: list[bytes] = []
                for line in cast("Sequence[Line]", page):
                    self._see_line(line, found)
                self._tree.add(found)
            case Run():
                for run in cast("Sequence[Run]", page):
                    self._tree.see_run(run)
            case Sealing():
                for sealing in cast("Sequence[Sealing]", page):
                    self._tree.see_sealing(sealing, self._last.seq)
            case Origin() as origin:
                self._origin = origin
            case Board() | Person() | Tally():
                self._expect(cast("Sequence[Board | Person | Tally]", page))

    def verdict(self) -> Verdict:
        """What was found in the whole."""
        origin, last, faults = self._origin, self._last.seq, self._faults
        assert origin is not None
        self._tree.finish(last)
        if origin.seq != last:
            faults.blame(min(origin.seq, last) + 1, "is not where the ledger's head says")
        for tally in self._sums.differing():
            faults.say(
                f"The scores of board {tally.board}, period {tally.period} are not the sums."
            )
        for board in self._freezes.differing(self._boards):
            faults.say(f"Board {board} is frozen, or not, against its postings.")
        for user in self._statuses.differing():
            faults.say(f"User {self._sums.name_of(user)} stands otherwise than the postings say.")
        sealing = self._tree.sealing
        self._miss_published(last)
        return Verdict(
            ok=not faults.found,
            epoch=origin.epoch,
            postings=last,
            sealed=sealing.size if sealing else 0,
            sealed_at=sealing.checkpoint().at if sealing else None,
            checkpoints=self._tree.checkpoints,
            key=sealing.key.hex() if sealing else None,
            first_bad_seq=faults.first_bad_seq,
            faults=tuple(faults.found),
        )

    def _miss_published(self, last: int) -> None:
        published, newest = self._published, self._tree.newest
        if published and newest < published.size <= last:
            self._faults.say(
                f"The checkpoint of {published.size:,} postings was published, and is not in the "
                "ledger."
            )

    def _expect(self, page: Sequence[Board | Person | Tally]) -> None:
        for part in page:
            self._sums.expect(part)
            if isinstance(part, Board):
                self._boards.append(part)
            elif isinstance(part, Person):
                self._users[part.user_ref] = _stands_for(part)
                self._statuses.expect(part)

    def _see_line(self, line: Line, found: list[bytes]) -> None:
        last, faults, tree = self._last, self._faults, self._tree
        if line.seq != last.seq + 1:
            faults.blame(last.seq + 1, "is missing")
            tree.whole = False  # what follows has no place in the tree
        if line.at < last.at or line.epoch < last.epoch:
            faults.blame(line.seq, "is earlier than the one before it")
        if not self._sums.add(line):
            faults.blame(line.seq, "says another score than the sum so far")
        if not self._statuses.add(line):
            faults.blame(line.seq, "is of somebody who was banned or erased by then")
        self._freezes.add(line)
        self._last = line
        if not tree.whole:
            return
        stands_for = None
        if line.user_ref is not None:
            stands_for = self._users.get(line.user_ref)
            if stands_for is None:
                faults.blame(line.seq, "is of an unknown user")
        try:
            found.append(leaf_hash(leaf(line, stands_for)))
        except Exception:  # noqa: BLE001 - a number that no ledger of ours has ever had
            faults.blame(line.seq, "is out of range")
            tree.whole = False


def _stands_for(person: Person) -> bytes | None:
    if person.user_id is None or person.salt is None:
        return person.commitment
    return commitment(person.salt, person.user_id)
