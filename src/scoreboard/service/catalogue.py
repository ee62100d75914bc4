"""The catalogue as this node knows it: read again when a write finds that it has changed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.rules import NO_RULES, Rules
from scoreboard.core.signing_key import SigningKey
from scoreboard.errors import NotFound, ScoreboardError, Unavailable
from scoreboard.ports import Bus, Catalogue, Ledger
from scoreboard.telemetry import Event, log

ASKED_EVERY_S = 1.0
"""How often at most somebody who misses something makes this node look again."""

LOOK_EVERY_S = 5.0
"""How long an idle node may work with settings that another process has changed."""


class Boards(Protocol):
    """The boards as this node knows them."""

    @property
    def boards(self) -> Mapping[str, Board]: ...

    def board(self, name: str) -> Board:
        """Raises: NotFound: there is no board of this name."""
        ...

    async def hear(self, boards: Sequence[Board]) -> None:
        """Others tell these; before their tops are told to anybody, this node knows them too."""
        ...

    async def load_anew(self) -> None:
        """Know what is true now, or was at any moment since this was called.

        Raises:
            Unavailable: it cannot be known.
        """
        ...

    async def run(self) -> None:
        """Keep them fresh for ever."""
        ...


class HeardCatalogue:
    """The boards that the bus has told of: what a node without a ledger knows."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.boards: dict[str, Board] = {}

    def board(self, name: str) -> Board:
        board = self.boards.get(name)
        if board is None:
            raise NotFound
        return board

    async def hear(self, boards: Sequence[Board]) -> None:
        self.boards.update((each.board, each) for each in boards)

    async def load_anew(self) -> None:
        raise Unavailable

    async def run(self) -> None:
        async for news in self._bus.news():
            await self.hear([each for each in news if isinstance(each, Board)])


class CurrentCatalogue:
    """Actions, boards and keys; ``load`` before use."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._catalogue = Catalogue(0, {}, {})
        self._rules = NO_RULES
        self._asked_at_s = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._begun = self._ended = 0
        self._failure: ScoreboardError | None = None
        self._loading = asyncio.Lock()

    @property
    def version(self) -> int:
        return self._catalogue.version

    @property
    def actions(self) -> Mapping[str, Action]:
        return self._catalogue.actions

    @property
    def boards(self) -> Mapping[str, Board]:
        return self._catalogue.boards

    @property
    def keys(self) -> Mapping[str, SigningKey]:
        return self._catalogue.keys

    @property
    def rules(self) -> Rules:
        """Those of boards and keys."""
        return self._rules

    def board(self, name: str) -> Board:
        """The board of this name.

        Raises:
            NotFound: there is none.
        """
        board = self.boards.get(name)
        if board is None:
            raise NotFound
        return board

    async def action(self, action_id: str) -> Action | None:
        """An action, also one that another process has put just now."""
        action = self.actions.get(action_id)
        if action is None and await self._looked_again():
            action = self.actions.get(action_id)
        return action

    async def key(self, name: str) -> SigningKey | None:
        """A key, also one that another process has put just now."""
        key = self.keys.get(name)
        if key is None and await self._looked_again():
            key = self.keys.get(name)
        return key

    async def load(self) -> None:
        """Read it now; one read at a time, or an older answer could come after a newer one.

        Whoever waits for a read that began too early shares the next one, also when that fails.

        Raises:
            Unavailable: the ledger is out of reach.
        """
        asked = self._begun
        async with self._loading:
            if self._ended <= asked:
                await self._read()
            if self._failure is not None:
                raise self._failure

    async def load_anew(self) -> None:
        await self.load()

    async def _read(self) -> None:
        self._begun += 1
        self._failure = None
        try:
            fresh = await self._ledger.catalogue()
        except ScoreboardError as error:
            self._failure = error
        else:
            self._take(fresh)
        self._ended = self._begun

    def _take(self, fresh: Catalogue) -> None:
        if fresh.version != self.version > 0:
            log().info(Event.CATALOGUE_CHANGED, version=fresh.version)
        self._catalogue = fresh
        self._rules = Rules.of(fresh.boards.values(), fresh.keys.values())

    async def hear(self, boards: Sequence[Board]) -> None:
        if any(self.boards.get(each.board) != each for each in boards):
            try:
                await self.load_anew()
            except ScoreboardError as error:
                log().warning(Event.LEDGER_FAILED, code=error.code)

    async def _looked_again(self) -> bool:
        # Whoever misses something while a look is under way waits for it: of many at once, all
        # have to find what the first one finds.
        if self._looking is None:
            loop = asyncio.get_running_loop()
            if loop.time() - self._asked_at_s < ASKED_EVERY_S:
                return False
            self._asked_at_s = loop.time()
            self._looking = loop.create_task(self.load())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)
        return True

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()  # those who wait get it, if they have not gone away

    async def run(self) -> None:
        """Keep it fresh for ever."""
        failing = False
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.load()
                failing = False
            except ScoreboardError as error:
                if not failing:
                    log().warning(Event.LEDGER_FAILED, code=error.code)
                failing = True
