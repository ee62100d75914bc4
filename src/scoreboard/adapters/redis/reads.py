"""Reads that wait while a call is under way go together in the next one."""

import asyncio

import msgspec
from msgspec import Struct

from scoreboard.adapters.redis.connection import Connection, WrongData, script
from scoreboard.adapters.redis.facts import Facts, FetchedOrder
from scoreboard.errors import ScoreboardError, Unavailable
from scoreboard.ports import NOTHING_FROZEN, Place

BATCH_MAX = 64
ROWS_MAX = 1_000
"""Reads and rows in one call: the server does nothing else meanwhile."""

_SCRIPT = script("ranking", "ranking_read", reads=True)
_FROZEN = msgspec.json.Decoder(dict[str, int])


class Read(Struct, frozen=True):
    """One question: its words for the script, and about how many rows it asks for."""

    words: tuple[object, ...]
    rows: int = 1


class Answers(Struct, frozen=True, array_like=True):
    """What the server tells at one moment: a Facts for each read, and the freezes (JSON)."""

    epoch: int
    seq: int
    facts: tuple[Facts, ...]
    frozen: str = ""


class Found(Struct, frozen=True):
    """What a read found, and the place at which it is true."""

    place: Place
    facts: Facts
    order: FetchedOrder


Asked = tuple[Read, asyncio.Future[tuple[Place, Facts] | None]]


class Reads:
    """Asks the server one call at a time: a call costs this process more than what is in it."""

    def __init__(self, connection: Connection, head: str) -> None:
        self._connection = connection
        self._head = head
        self._waiting: list[Asked] = []
        self._work: asyncio.Task[None] | None = None
        self._decoder = msgspec.msgpack.Decoder(Answers)
        self.frozen = NOTHING_FROZEN
        self._frozen_text = ""

    async def ask(self, read: Read) -> Found | None:
        """What the server knows; None for a period that it does not hold, or not any more.

        Raises:
            Unavailable: the server did not answer.
        """
        answer: asyncio.Future[tuple[Place, Facts] | None]
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((read, answer))
        if self._work is None:
            self._work = asyncio.create_task(self._answer_all())
        told = await answer
        if told is None:
            return None
        try:
            return Found(*told, FetchedOrder(told[1]))
        except WrongData:
            return None

    async def close(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _answer_all(self) -> None:
        batch: list[Asked] = []
        try:
            while self._waiting:
                batch = self._next_batch()
                _settle(batch, await self._answers([read for read, _ in batch]))
        except ScoreboardError as error:
            # Whoever came meanwhile has waited as long: a server that hangs is waited for once.
            self._fail(batch, error)
        except BaseException:
            self._fail(batch, Unavailable())  # nobody may wait for ever
            raise
        finally:
            self._work = None

    def _next_batch(self) -> list[Asked]:
        rows = size = 0
        while size < min(BATCH_MAX, len(self._waiting)) and (rows < ROWS_MAX or not size):
            rows += self._waiting[size][0].rows
            size += 1
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        return batch

    async def _answers(self, reads: list[Read]) -> Answers | None:
        words = msgspec.msgpack.encode([read.words for read in reads])
        try:
            told = await self._connection.run(_SCRIPT, [self._head], [words])
            answers = self._decoder.decode(told)
            self._hear(answers.frozen)
        except (WrongData, msgspec.DecodeError):
            return None
        return answers

    def _hear(self, frozen: str) -> None:
        if frozen != self._frozen_text:
            self.frozen = _FROZEN.decode(frozen) if frozen else NOTHING_FROZEN
            self._frozen_text = frozen

    def _fail(self, batch: list[Asked], error: ScoreboardError) -> None:
        failed, self._waiting = [*batch, *self._waiting], []
        for _, answer in failed:
            if not answer.done():
                answer.set_exception(error)


def _settle(batch: list[Asked], answers: Answers | None) -> None:
    facts = answers.facts if answers else ()
    for index, (_, answer) in enumerate(batch):
        known = facts[index] if index < len(facts) else Facts()
        held = answers is not None and known.total >= 0
        if not answer.done():
            answer.set_result(((answers.epoch, answers.seq), known) if answers and held else None)
