"""A board as anybody sees it: its settings, its current periods, and since when it is frozen."""

from scoreboard import wire
from scoreboard.core.board import Board
from scoreboard.core.moment import rfc3339
from scoreboard.core.window import Window
from scoreboard.service.freeze_proof import FreezeProof
from scoreboard.service.reader import Reader
from scoreboard.wire.fields import time_or_none


class BoardViews:
    """Makes them."""

    def __init__(self, reader: Reader, proof: FreezeProof) -> None:
        self._reader = reader
        self._proof = proof

    async def of(self, board: Board) -> wire.BoardView:
        return wire.BoardView(
            board=board.board,
            title=board.title,
            tie=board.tie,
            time_zone=board.time_zone,
            windows=tuple(
                wire.CurrentWindow(
                    period.window,
                    period.name,
                    None if period.window is Window.ALL else rfc3339(period.end_ms),
                )
                for period in self._reader.current(board)
            ),
            total_users=await self._reader.total(board.board),
            frozen_at=time_or_none(board.frozen.at if board.frozen else None),
            frozen_checkpoint=await self._proof.note(board),
        )
