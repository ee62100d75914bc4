"""Whether boards are frozen as their postings say."""

from collections.abc import Iterable

from scoreboard.core.board import Board
from scoreboard.core.history import Line
from scoreboard.core.posting import Kind


class Freezes:
    """Takes all postings of a ledger in order, and knows of each board since which it is frozen."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[int, int]] = {}

    def add(self, line: Line) -> None:
        if line.kind is Kind.FREEZE:
            self._since[line.board] = line.seq, line.at
        elif line.kind is Kind.REVEAL:
            self._since.pop(line.board, None)

    def differing(self, boards: Iterable[Board]) -> list[str]:
        """The boards that are frozen, or not, otherwise than their postings say."""
        return [board.board for board in boards if self._since.get(board.board) != _since(board)]


def _since(board: Board) -> tuple[int, int] | None:
    return None if board.frozen is None else (board.frozen.seq, board.frozen.at)
