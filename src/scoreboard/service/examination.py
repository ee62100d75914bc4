"""Whether the parts of a history fit each other: what a file can get wrong without being torn."""

from collections.abc import Sequence

from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.freezes import Freezes
from scoreboard.core.history import Counts, Line, Origin, Person, Tally
from scoreboard.core.merkle import Run
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.window import Window, period_named, window_named
from scoreboard.errors import HistoryRefused, InvalidParameter
from scoreboard.ports import AuditEntry, Part, Sealing

_ORDER: tuple[type[Part], ...] = (
    Origin,
    Board,
    Action,
    SigningKey,
    AuditEntry,
    Person,
    Tally,
    Line,
    Run,
    Sealing,
)
_AFTER = _ORDER.index(Line)
"""From here on the parts follow each other as they came."""


class Examination:
    """Looks at each page of a history in turn, and at the end at the whole.

    Raises:
        HistoryRefused: from both, with what is wrong.
    """

    def __init__(self) -> None:
        self._stage = -1
        self._found: dict[type[Part], int] = dict.fromkeys(_ORDER, 0)
        self._origin: Origin | None = None
        self._boards: dict[str, Board] = {}
        self._freezes = Freezes()
        self._spans: set[tuple[str, str]] = set()
        self._entry = 0
        self._user_ref = 0
        self._seq = 0
        self._epoch = 0
        self._at = 0

    def examine(self, page: Sequence[Part]) -> None:
        """Look at parts of one kind, at least one."""
        kind = type(page[0])
        stage = min(_ORDER.index(kind), _AFTER)
        if stage < self._stage or (stage > 0 and self._origin is None):
            raise HistoryRefused("The parts of the history are in the wrong order.")
        self._stage = stage
        self._found[kind] += len(page)
        for part in page:
            self._look(part)

    def finish(self) -> None:
        """Look whether everything is there."""
        origin, found = self._origin, self._found
        if origin is None or found[Origin] != 1:
            raise HistoryRefused("The history does not have one header.")
        counts = Counts(
            boards=found[Board],
            actions=found[Action],
            keys=found[SigningKey],
            audit=found[AuditEntry],
            users=found[Person],
            periods=found[Tally],
            postings=found[Line],
            tiles=found[Run],
            checkpoints=found[Sealing],
        )
        if counts != origin.counts:
            raise HistoryRefused(f"The history has {counts}, its header says {origin.counts}.")
        if (self._seq, self._at) != (origin.seq, origin.at) or self._epoch > origin.epoch:
            raise HistoryRefused("The last posting is not at the place that the header says.")
        for board in self._boards:
            if (board, Window.ALL.value) not in self._spans:
                raise HistoryRefused(f"The history does not say what board {board} comes to.")
        for board in self._freezes.differing(self._boards.values()):
            raise HistoryRefused(f"Board {board} is frozen, or not, against its postings.")

    def _look(self, part: Part) -> None:
        match part:
            case Line():
                self._look_at_posting(part)
            case Person():
                self._user_ref = _greater(part.user_ref, self._user_ref, "User")
            case AuditEntry():
                self._entry = _greater(part.entry, self._entry, "Audit entry")
            case Tally():
                self._look_at_tally(part)
            case Board():
                self._boards[part.board] = part
            case Action():
                self._ensure_board(part.board)
            case Origin():
                self._origin = part

    def _look_at_tally(self, tally: Tally) -> None:
        self._ensure_board(tally.board)
        board = self._boards[tally.board]
        try:
            period_named(tally.period, board.time_zone)
        except InvalidParameter:
            raise HistoryRefused(f"There is no period {tally.period!r}.") from None
        if window_named(tally.period) not in board.windows:
            raise HistoryRefused(f"Board {tally.board} has no period {tally.period}.")
        if (tally.board, tally.period) in self._spans:
            raise HistoryRefused(f"Board {tally.board} has the period {tally.period} twice.")
        self._spans.add((tally.board, tally.period))

    def _look_at_posting(self, line: Line) -> None:
        if line.seq != self._seq + 1:
            raise HistoryRefused(
                f"Posting {line.seq:,} follows posting {self._seq:,}: there is a gap."
            )
        if line.at < self._at or line.epoch < self._epoch:
            raise HistoryRefused(f"Posting {line.seq:,} is earlier than the one before it.")
        if line.reverses is not None and line.reverses >= line.seq:
            raise HistoryRefused(f"Posting {line.seq:,} reverses one that comes later.")
        self._ensure_board(line.board)
        self._freezes.add(line)
        self._seq, self._at, self._epoch = line.seq, line.at, line.epoch

    def _ensure_board(self, board: str) -> None:
        if board not in self._boards:
            raise HistoryRefused(f"There is no board {board!r} in the history.")


def _greater(key: int, before: int, what: str) -> int:
    if key <= before:
        raise HistoryRefused(f"{what} {key:,} follows {before:,}: the order is wrong.")
    return key
