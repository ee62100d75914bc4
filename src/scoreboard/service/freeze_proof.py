"""The checkpoint that covers a board's freeze: proof, in anybody's hands, of what it was then."""

import asyncio
import math

from scoreboard.core.board import Board, Freeze
from scoreboard.errors import Unavailable
from scoreboard.ports import Sealed

LOOK_EVERY_S = 1.0
"""How often at most the ledger is asked for a checkpoint that is not there yet."""


class FreezeProof:
    """Remembers, of each board, the checkpoint of its freeze once that is signed."""

    def __init__(self, ledger: Sealed) -> None:
        self._ledger = ledger
        self._looked: dict[str, tuple[Freeze, float, str | None]] = {}

    async def note(self, board: Board) -> str | None:
        """The first signed note that covers the freeze.

        None for a board that is not frozen, until it is signed, and where the ledger is out of
        reach.
        """
        frozen = board.frozen
        if frozen is None:
            return None
        now_s = asyncio.get_running_loop().time()
        looked = self._looked.get(board.board)
        if looked is None or looked[0] != frozen or looked[1] <= now_s:
            note = await self._signed(frozen)
            until_s = math.inf if note else now_s + LOOK_EVERY_S
            looked = self._looked[board.board] = (frozen, until_s, note)
        return looked[2]

    async def _signed(self, frozen: Freeze) -> str | None:
        try:
            sealing = await self._ledger.sealing_at(frozen.seq)
        except Unavailable:
            return None
        return sealing.note if sealing else None
