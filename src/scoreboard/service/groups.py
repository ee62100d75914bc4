"""What postings mean to the ranking: whose score moves, and in which of the periods it holds."""

from collections.abc import Iterable, Sequence

from scoreboard.core.posting import Kind, Posting
from scoreboard.core.window import Period, window_named
from scoreboard.errors import OutOfPlace
from scoreboard.ports import Group, Mark, Move
from scoreboard.service.catalogue import Boards
from scoreboard.service.turns import turns_in

OF_BOARDS = frozenset({Kind.BOARD, Kind.FREEZE, Kind.REVEAL})
"""What changes a whole board, and its place in the catalogue."""

Span = tuple[str, str]


class Groups:
    """Makes groups of postings; ``held`` are the periods of boards that the ranking holds."""

    def __init__(self, catalogue: Boards) -> None:
        self.held: set[Span] = set()
        self._catalogue = catalogue

    def group(self, epoch: int, run: Sequence[Posting]) -> Group:
        """What postings without a gap mean to the ranking; their periods are held from now on.

        Raises:
            OutOfPlace: a period has to be loaded.
        """
        moves: list[Move] = []
        marks: list[Mark] = []
        for posting in run:
            self._translate(posting, moves, marks)
        turns = turns_in(run)
        after, upto = run[0].seq - 1, run[-1].seq
        of_boards = any(posting.kind in OF_BOARDS for posting in run)
        frozen = self.frozen() if of_boards else None
        return Group(epoch, after, upto, tuple(moves), tuple(marks), turns, frozen)

    def frozen(self) -> dict[str, int]:
        """The seq of the freeze of each board that is frozen."""
        boards = self._catalogue.boards.values()
        return {board.board: board.frozen.seq for board in boards if board.frozen is not None}

    def ensure_loaded(self, postings: Iterable[Posting]) -> None:
        """A window that a board with scores got only now is in the ledger, not in the ranking.

        Raises:
            OutOfPlace: it has to be loaded.
        """
        known = {board for board, _ in self.held}
        for posting in postings:
            if posting.kind is Kind.BOARD and posting.board in known:
                board = self._catalogue.board(posting.board)
                for period in board.periods_at(posting.at):
                    if (board.board, period.name) not in self.held:
                        raise OutOfPlace(posting.seq)

    def _translate(self, posting: Posting, moves: list[Move], marks: list[Mark]) -> None:
        board = self._catalogue.board(posting.board)
        match posting.kind:
            case Kind.AWARD | Kind.REVERSE:
                if posting.user_id is not None:
                    for period in board.periods_at(posting.counts_at):
                        self._hold(posting, period, marks)
                        moves.append(_move(posting, period))
            case Kind.PERIOD:
                period = board.period(posting.detail or "", posting.at)
                self._hold(posting, period, marks)
            case Kind.BOARD:
                for period in board.periods_at(posting.at):
                    self.held.add((posting.board, period.name))
                    marks.append(Mark(posting.board, period.name, posting.seq, posting.at))
            case Kind.FREEZE | Kind.REVEAL:
                for period in board.periods_at(posting.at):
                    self._hold(posting, period, [])
                current = {period.name for period in board.periods_at(posting.at)}
                # What is over since the freeze was shown as of then until now.
                marks += [
                    Mark(*span, posting.seq, posting.at)
                    for span in sorted(self.held)
                    if span[0] == posting.board
                    and (posting.kind is Kind.REVEAL or span[1] in current)
                ]

    def _hold(self, posting: Posting, period: Period, marks: list[Mark]) -> None:
        # An old period is not taken up again for a reversal that counts in it.
        span = (posting.board, period.name)
        if span in self.held or period.end_ms <= posting.at:
            return
        self._ensure_begins(posting, period)
        self.held.add(span)
        marks.append(Mark(*span, posting.seq, posting.at))

    def _ensure_begins(self, posting: Posting, period: Period) -> None:
        """A period begins empty only after an earlier one of its window.

        Otherwise the window is newer than this posting (the catalogue is read ahead of it), or the
        period was held before: what is in it already is in the ledger alone.

        Raises:
            OutOfPlace: it has to be loaded.
        """
        held = [
            name
            for board, name in self.held
            if board == posting.board and window_named(name) is period.window
        ]
        if not held or max(held) > period.name:
            raise OutOfPlace(posting.seq)


def _move(posting: Posting, period: Period) -> Move:
    assert posting.user_id is not None
    return Move(
        posting.board, period.name, posting.user_id, posting.points, posting.seq, posting.at
    )
