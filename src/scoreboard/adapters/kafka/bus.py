"""``ports.Bus`` on Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Self

from confluent_kafka import KafkaException

from scoreboard.adapters.kafka.address import Address, address
from scoreboard.adapters.kafka.reader import Ears, Heard, Reader
from scoreboard.adapters.kafka.records import (
    Record,
    is_newer,
    of_news,
    of_postings,
    period_key,
)
from scoreboard.adapters.kafka.sender import Sender
from scoreboard.adapters.kafka.topics import Topics, postings_topic, tops_topic
from scoreboard.core.posting import Posting
from scoreboard.errors import Misconfigured, Unavailable
from scoreboard.ports import News


class _Listener:
    """The newest of each key that one listener has not taken yet."""

    def __init__(self, known: dict[str, News]) -> None:
        self.waiting = dict(known)
        self.woken = asyncio.Event()


class KafkaBus:
    """Tops and boards in one compacted partition that every node reads; postings for others."""

    def __init__(self, place: Address, observe: Callable[[bool], None], *, feeds: bool) -> None:
        tops, postings = tops_topic(place.prefix), postings_topic(place.prefix)
        self._newest: dict[str, News] = {}
        self._listeners: list[_Listener] = []
        topics = Topics(place, (tops, postings) if feeds else (tops,))
        self._reader = Reader(place, tops.name, topics, Ears(self._hear, observe))
        self._tops = Sender(place, tops.name)
        self._postings = Sender(place, postings.name) if feeds else None

    @classmethod
    async def open(
        cls, url: str, *, observe: Callable[[bool], None] = lambda _: None, feeds: bool = True
    ) -> Self:
        """A bus that looks for its brokers by itself; ``observe`` is told whether it has them.

        Raises:
            Misconfigured: the URL or one of its options cannot be.
        """
        place = address(url)
        try:
            bus = cls(place, observe, feeds=feeds)
        except KafkaException as error:
            raise Misconfigured(f"Kafka's client refuses its options: {_text(error)}.") from None
        bus._reader.start()
        bus._tops.warm()
        return bus

    async def started(self, within_s: float) -> bool:
        """Whether the topics are right and have been read; False when that takes longer.

        Raises:
            Misconfigured: a topic is not as it has to be, with the command that mends it.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._reader.settle()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Give up what is under way and end every thread."""
        senders = [self._tops, *([self._postings] if self._postings else [])]
        await asyncio.gather(self._reader.close(), *(each.close() for each in senders))

    async def publish(self, news: Sequence[News]) -> None:
        if news:
            await self._send(self._tops, map(of_news, news))

    async def close_period(self, board: str, period: str) -> None:
        await self._send(self._tops, [Record(period_key(board, period), None)])

    async def news(self) -> AsyncIterator[Sequence[News]]:
        await self._reader.caught_up()
        listener = _Listener(self._newest)
        self._listeners.append(listener)
        try:
            while True:
                batch = list(listener.waiting.values())
                listener.waiting.clear()
                listener.woken.clear()
                yield batch
                if not listener.waiting:
                    await listener.woken.wait()
        finally:
            self._listeners.remove(listener)

    async def feed(self, postings: Sequence[Posting]) -> None:
        if postings and self._postings is not None:
            await self._send(self._postings, of_postings(postings))

    async def _send(self, sender: Sender, records: Iterable[Record]) -> None:
        try:
            await sender.send(records)
        except Unavailable:
            self._reader.doubt()
            raise

    def _hear(self, heard: Heard) -> None:
        for key, news in heard.items():
            if news is None:
                self._newest.pop(key, None)
                for listener in self._listeners:
                    listener.waiting.pop(key, None)
            elif is_newer(news, self._newest.get(key)):
                self._newest[key] = news
                for listener in self._listeners:
                    listener.waiting[key] = news
                    listener.woken.set()


def _text(error: KafkaException) -> str:
    return str(error.args[0].str())
