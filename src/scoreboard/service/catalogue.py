"""The catalogue as this node knows it: read again when a write says that it has changed."""

import asyncio
from collections.abc import Mapping

from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.errors import NotFound, ScoreboardError
from scoreboard.ports import Catalogue, Ledger
from scoreboard.telemetry import Event, log

ASKED_EVERY_S = 1.0
"""How often at most somebody who misses something makes this node look again."""

LOOK_EVERY_S = 5.0
"""How long an idle node may work with settings that another process has changed."""


class CurrentCatalogue:
    """Actions and boards; ``load`` before use."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._catalogue = Catalogue(0, {}, {})
        self._stale = asyncio.Event()
        self._asked_at_s = float("-inf")

    @property
    def actions(self) -> Mapping[str, Action]:
        return self._catalogue.actions

    @property
    def boards(self) -> Mapping[str, Board]:
        return self._catalogue.boards

    def board(self, name: str) -> Board:
        """The board of this name.

        Raises:
            NotFound: there is none.
        """
        board = self.boards.get(name)
        if board is None:
            raise NotFound
        return board

    def met(self, version: int) -> None:
        """A write met this version: look again when it is not ours."""
        if version != self._catalogue.version:
            self._stale.set()

    async def action(self, action_id: str) -> Action | None:
        """An action, also one that another process has put just now."""
        action = self.actions.get(action_id)
        now_s = asyncio.get_running_loop().time()
        if action is None and now_s - self._asked_at_s >= ASKED_EVERY_S:
            self._asked_at_s = now_s
            await self.load()
            action = self.actions.get(action_id)
        return action

    async def load(self) -> None:
        """Read it now."""
        self._stale.clear()
        fresh = await self._ledger.catalogue()
        if fresh.version != self._catalogue.version:
            log().info(Event.CATALOGUE_CHANGED, version=fresh.version)
        self._catalogue = fresh

    async def run(self) -> None:
        """Keep it fresh for ever."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._stale.wait()
            except TimeoutError:
                pass
            try:
                await self.load()
            except ScoreboardError as error:
                log().warning(Event.LEDGER_FAILED, code=error.code)
                await asyncio.sleep(LOOK_EVERY_S)
