"""Reads the topic of tops for a whole process: from its beginning to its end, then on."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

import msgspec
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from scoreboard.adapters.kafka.address import Address
from scoreboard.adapters.kafka.records import is_newer
from scoreboard.adapters.kafka.topics import Topics
from scoreboard.errors import Misconfigured
from scoreboard.ports import News
from scoreboard.wire import news_from

POLL_S = 0.1
POLL_MAX = 1_000
PROBE_EVERY_S = 5.0
PROBE_S = 2.0
RETRY_S = 0.5
CLOSE_S = 4.0

_LOG = logging.getLogger(__name__)

_GONE = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 - the driver's name for it
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - the same
    }
)

Heard = Mapping[str, News | None]
"""The newest by key; None says that the key is closed."""


class Ears(msgspec.Struct, frozen=True):
    """Who is told, on the event loop."""

    heard: Callable[[Heard], None]
    reachable: Callable[[bool], None]


class TopicGone(Exception):
    """The topic is not there any more: it has to be made and read anew."""


class Reader:
    """One consumer in a thread of its own, in no group: every node reads everything.

    Whether the brokers can be reached is found by asking them for the topic's end every few
    seconds: an idle topic says nothing, and neither does a broker that hangs.
    """

    def __init__(self, address: Address, topic: str, topics: Topics, ears: Ears) -> None:
        self._wrong: Misconfigured | None = None
        self._settled = asyncio.Event()
        self._topics = topics
        self._ears = ears
        self._loop = asyncio.get_running_loop()
        self._partition = TopicPartition(topic, 0, OFFSET_BEGINNING)
        self._consumer = Consumer(_configuration(address, topic, self._failed), logger=_LOG)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._fresh: dict[str, News | None] = {}
        self._asked: deque[asyncio.Future[None]] = deque()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._position = 0
        self._reachable: bool | None = None
        self._probe_at_s = 0.0
        self._reason = ""
        self._doubted = False
        self._thread = threading.Thread(target=self._run, name=f"kafka {topic} reader", daemon=True)

    def start(self) -> None:
        self._asked.append(self._loop.create_future())
        self._thread.start()

    async def settle(self) -> None:
        """Wait until the topics are right and were read to their end for the first time.

        Raises:
            Misconfigured: a topic is not as it has to be.
        """
        await self._settled.wait()
        if self._wrong is not None:
            raise self._wrong

    async def caught_up(self) -> None:
        """Wait until everything that the topic has now was heard."""
        asked = self._loop.create_future()
        self._asked.append(asked)
        await asked

    def doubt(self) -> None:
        """Somebody could not write: look after the topics again."""
        self._doubted = True

    async def close(self) -> None:
        self._stopped.set()
        await asyncio.to_thread(self._thread.join, CLOSE_S)

    # --- in the thread

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._attempt()
        finally:
            self._consumer.close()

    def _attempt(self) -> None:
        try:
            self._topics.ensure()
            self._wrong = None
            self._follow()
        except TopicGone:
            self._tell(reachable=False, reason="the topic is gone")
        except Misconfigured as error:
            self._refuse(error)
        except (KafkaException, TimeoutError) as error:
            self._consumer.poll(0)  # what the connections say is the better reason
            self._tell(reachable=False, reason=str(error))
        except Exception:  # noqa: BLE001 - nothing may end the thread
            _LOG.exception("the reader of %s failed", self._partition.topic)
        self._stopped.wait(RETRY_S)

    def _follow(self) -> None:
        """Read from the beginning until the topic is gone."""
        self._position = 0
        self._consumer.assign([self._partition])
        self._probe_at_s = 0.0
        try:
            while not self._stopped.is_set():
                self._look()
                self._probe()
                first = self._consumer.poll(POLL_S)
                if first is not None:
                    self._take([first, *self._consumer.consume(POLL_MAX, 0)])
                self._answer()
        finally:
            self._consumer.unassign()

    def _look(self) -> None:
        """Make the topics again if they are gone; what is wrong with one holds up no other.

        Raises:
            TopicGone: one was made.
        """
        if not self._doubted:
            return
        self._doubted = made = False
        try:
            made = self._topics.ensure()
        except Misconfigured as error:
            self._refuse(error)
        except (KafkaException, TimeoutError):
            return  # the next one who cannot write doubts again
        if made:
            raise TopicGone

    def _take(self, messages: list[Message]) -> None:
        heard: dict[str, News | None] = {}
        for message in messages:
            error = message.error()
            if error is None:
                _note(message, heard)
                self._position = (message.offset() or 0) + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the driver's name
                self._position = message.offset() or 0
            elif error.code() in _GONE:
                raise TopicGone
            else:
                self._probe_at_s = 0.0
        if heard:
            self._hand_over(heard)

    def _hand_over(self, heard: Heard) -> None:
        """Leave news for the event loop: one visit takes all that has come before it."""
        with self._lock:
            announced = bool(self._fresh)
            for key, news in heard.items():
                if news is None or is_newer(news, self._fresh.get(key)):
                    self._fresh[key] = news
        if not announced:
            self._on_loop(self._visit)

    def _probe(self) -> None:
        """Ask for the topic's end when somebody waits for it, or when it is time to look."""
        if not self._asked and time.monotonic() < self._probe_at_s:
            return
        try:
            _, end = self._consumer.get_watermark_offsets(self._partition, timeout=PROBE_S)
        except KafkaException as error:
            self._probe_at_s = time.monotonic() + RETRY_S
            if error.args[0].code() in _GONE:
                raise TopicGone from None
            self._tell(reachable=False, reason=error.args[0].str())
            return
        if end < self._position:
            raise TopicGone  # and somebody made it anew
        self._probe_at_s = time.monotonic() + PROBE_EVERY_S
        self._tell(reachable=True)
        while self._asked:
            self._waiting.append((end, self._asked.popleft()))

    def _answer(self) -> None:
        done = [each for end, each in self._waiting if end <= self._position]
        if done:
            self._waiting = [each for each in self._waiting if each[0] > self._position]
            self._on_loop(self._resolve, done)

    def _failed(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - the driver's name
            self._probe_at_s = min(self._probe_at_s, time.monotonic())
        else:
            self._reason = error.str()

    def _refuse(self, error: Misconfigured) -> None:
        if self._wrong is None:
            _LOG.error("%s", error)
        self._wrong = error
        self._on_loop(self._settled.set)

    def _tell(self, *, reachable: bool, reason: str = "") -> None:
        if reachable is self._reachable:
            return
        if not reachable:
            _LOG.error("the brokers cannot be reached: %s", self._reason or reason)
        self._reachable = reachable
        self._reason = ""
        self._on_loop(self._ears.reachable, reachable)

    def _on_loop(self, call: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *values)
        except RuntimeError:
            self._stopped.set()  # the loop is closed: nobody listens any more

    # --- on the event loop

    def _visit(self) -> None:
        with self._lock:
            fresh, self._fresh = self._fresh, {}
        self._ears.heard(fresh)

    def _resolve(self, done: list[asyncio.Future[None]]) -> None:
        for each in done:
            if not each.done():
                each.set_result(None)
        self._settled.set()


def _note(message: Message, heard: dict[str, News | None]) -> None:
    key, value = message.key(), message.value()
    if key is None:
        return
    name = key.decode("ascii", "replace")
    if value is None:
        heard[name] = None
        return
    try:
        news = news_from(value)
    except msgspec.DecodeError as error:
        _LOG.error("a record of %s cannot be read: %s", name, error)
        return
    if is_newer(news, heard.get(name)):
        heard[name] = news


def _configuration(
    address: Address, topic: str, failed: Callable[[KafkaError], None]
) -> dict[str, object]:
    return {
        **address.configuration(),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "error_cb": failed,
        "fetch.error.backoff.ms": 100,
        # The driver asks for a name; nobody joins the group.
        "group.id": topic,
    }
