"""The bus of those without Kafka: a hash of the newest news, and Pub/Sub for what comes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import count
from typing import Any, Self

import msgspec
from redis.exceptions import RedisError

from scoreboard import wire
from scoreboard.adapters.redis.connection import (
    Argument,
    Connection,
    WrongData,
    connect,
    script,
)
from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.core.standing import Snapshot
from scoreboard.errors import Misconfigured, Unavailable
from scoreboard.ports import News

PUBLISH_MAX = 64
"""News in one call."""

SILENCE_S = 2.0
"""After so long without a message the server is asked whether it is there; as long to answer."""

RECONNECT_MIN_S = 0.05
RECONNECT_MAX_S = 2.0

_PUBLISH = script("bus_publish")


class _Listener:
    """One reader of news, and the newest of what it has not read."""

    def __init__(self) -> None:
        self.waiting: dict[str, News] = {}
        self.woken = asyncio.Event()

    def hear(self, news: Iterable[News]) -> None:
        for each in news:
            field = _field(each)
            if _is_newer(each, self.waiting.get(field)):
                self.waiting[field] = each
                self.woken.set()

    def batch(self) -> list[News]:
        batch = list(self.waiting.values())
        self.waiting.clear()
        self.woken.clear()
        return batch


class RedisBus:
    """``ports.Bus`` on a Redis or Valkey server; all listeners of a process share a subscription.

    Whoever listens subscribes first and reads the hash then, again after each interruption: so
    nothing is missed, and what is heard twice is one and the same.
    """

    def __init__(self, connection: Connection, observe: Callable[[bool], None]) -> None:
        self.skipped = 0
        self.silence_s = SILENCE_S
        self._connection = connection
        self._observe = observe
        self._newest = connection.key("bus", "newest")
        self._channel = connection.key("bus", "news")
        self._listeners: list[_Listener] = []
        self._failures = 0
        self._following: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()

    @classmethod
    async def open(cls, url: str, *, observe: Callable[[bool], None] = lambda _: None) -> Self:
        """Use the server at this address; one that cannot be reached now may come later.

        ``observe`` hears False when the subscription is lost and True when it is back.

        Raises:
            Misconfigured: the address is none, or the server refuses us.
        """
        connection = connect(url)
        try:
            await connection.verify()
            await _ensure_shards(connection)
        except BaseException:
            await connection.close()
            raise
        return cls(connection, observe)

    async def close(self) -> None:
        """End the connections; whoever still listens hears nothing any more."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        await self._connection.close()

    async def publish(self, news: Sequence[News]) -> None:
        for first in range(0, len(news), PUBLISH_MAX):
            words: list[Argument] = [self._channel]
            for each in news[first : first + PUBLISH_MAX]:
                place = each.place() if isinstance(each, Snapshot) else ("", "")
                words += (_field(each), *place, wire.news_bytes(each))
            try:
                await self._connection.run(_PUBLISH, [self._newest], words)
            except WrongData as error:
                raise Unavailable from error

    async def close_period(self, board: str, period: str) -> None:
        try:
            await self._connection.command("HDEL", self._newest, f"{board} {period}")
        except WrongData as error:
            raise Unavailable from error

    async def news(self) -> AsyncIterator[Sequence[News]]:
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        listener = _Listener()
        self._listeners.append(listener)
        try:
            await self._catch_up(listener)
            while True:
                yield listener.batch()
                await listener.woken.wait()
        finally:
            self._listeners.remove(listener)

    async def feed(self, postings: Sequence[Posting]) -> None:
        """There is no such feed: Pub/Sub keeps nothing for those who come later."""

    async def _catch_up(self, listener: _Listener) -> None:
        """Hear what is known, read while the subscription stands."""
        for attempt in count():
            await self._subscribed.wait()
            try:
                known = await self._read()
                # What the subscription has told meanwhile is not older; a board has no place.
                listener.hear(each for each in known if _field(each) not in listener.waiting)
            except Unavailable:
                await asyncio.sleep(_pause_s(attempt))
            else:
                break

    async def _read(self) -> Sequence[News]:
        try:
            found: dict[bytes, bytes] = await self._connection.command("HGETALL", self._newest)
        except WrongData:
            return []  # the next one who publishes mends it
        return self._understood(value.rpartition(b"\n")[2] for value in found.values())

    def _understood(self, lines: Iterable[bytes]) -> list[News]:
        """The news in these lines; what is none, or of a later version, is skipped and counted."""
        news: list[News] = []
        for line in lines:
            try:
                news.append(wire.news_from(line))
            except msgspec.DecodeError:
                self.skipped += 1
        return news

    async def _follow(self) -> None:
        """Stay subscribed for ever."""
        while True:
            with contextlib.suppress(RedisError, OSError, Unavailable):
                # The driver would subscribe again by itself, and nobody would read what was missed.
                async with contextlib.aclosing(self._connection.client.pubsub()) as subscription:
                    await self._subscribe(subscription)
                    await self._hear(subscription)
            self._subscribed.clear()
            if not self._failures:  # the first since it stood, or ever
                self._observe(False)  # noqa: FBT003 - what every observer of a server hears
            self._failures += 1
            await asyncio.sleep(_pause_s(self._failures))

    async def _subscribe(self, subscription: Any) -> None:
        """Subscribe, and only then read what was said before."""
        await subscription.ssubscribe(self._channel)
        if await subscription.get_message(timeout=self.silence_s) is None:
            raise Unavailable
        known = await self._read()
        for listener in self._listeners:
            listener.hear(known)
        self._failures = 0
        self._subscribed.set()
        self._observe(True)  # noqa: FBT003

    async def _hear(self, subscription: Any) -> None:
        asked = False
        while True:
            message = await subscription.get_message(timeout=self.silence_s)
            if message is None:
                if asked:
                    return
                await subscription.ping()
            elif message["type"] == "smessage":
                news = self._understood(message["data"].split(b"\n"))
                for listener in self._listeners:
                    listener.hear(news)
            asked = message is None


async def _ensure_shards(connection: Connection) -> None:
    try:
        await connection.command("PUBSUB", "SHARDNUMSUB")
    except Unavailable as error:
        if "unknown" in str(error.__cause__).lower():
            raise Misconfigured("the bus needs Redis 7 or later, or Valkey") from error


def _pause_s(attempt: int) -> float:
    """Full jitter: nodes that lost one server do not all come back at once."""
    ceiling = min(RECONNECT_MAX_S, RECONNECT_MIN_S * 2.0 ** min(attempt, 10))
    return ceiling * random.random()  # noqa: S311 - no secret hangs on it


def _field(news: News) -> str:
    return news.board if isinstance(news, Board) else f"{news.board} {news.period}"


def _is_newer(news: News, known: News | None) -> bool:
    if isinstance(news, Snapshot) and isinstance(known, Snapshot):
        return known.place() < news.place()
    return True
