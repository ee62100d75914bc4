"""Writes records to a topic and says when the brokers have all of them for good."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from scoreboard.adapters.kafka.address import Address
from scoreboard.adapters.kafka.records import Record
from scoreboard.errors import Unavailable

_LOG = logging.getLogger(__name__)

DELIVERY_TIMEOUT_MS = 4_000
"""Less than a leader's lease: what a stopped leader still has in its queue dies before it wakes."""

SEND_S = 3.5
"""How long a batch may take: less than its records live.

So a batch that fails is taken back whole and leaves no gap, where records that end one by one
could let a later one through.
"""

CLOSE_S = 0.5

FATAL = (KafkaException, SystemError)
"""What the driver raises, wherever it may be, once a producer is of no use any more.

The second where a report comes on top of the first, which it then loses.
"""

_PURGED = frozenset(
    {
        KafkaError._PURGE_INFLIGHT,  # noqa: SLF001 - the driver's name for it
        KafkaError._PURGE_QUEUE,  # noqa: SLF001 - the same
    }
)


class Sender:
    """One topic's writer: a thread in which one batch after the other is sent and waited for.

    Reports come for failures only. One for each record would cost the interpreter's lock a
    thousand times a batch, and be late whenever the event loop is busy.
    """

    def __init__(self, address: Address, topic: str) -> None:
        self._configuration = {
            **address.configuration(),
            "acks": "all",
            "allow.auto.create.topics": False,
            "delivery.report.only.error": True,
            "delivery.timeout.ms": DELIVERY_TIMEOUT_MS,
            "enable.idempotence": True,
            "linger.ms": 5,
            "on_delivery": self._failed,
            # The same partition for the same key as Java's clients choose.
            "partitioner": "murmur2_random",
        }
        self._topic = topic
        self._producer: Producer | None = None
        self._failures = 0
        self._reason = self._told = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"kafka {topic}")

    def warm(self) -> None:
        """Make the producer now: it asks the brokers for its identity, which takes a second."""
        self._thread.submit(self._open)

    async def send(self, records: Iterable[Record]) -> None:
        """Return when the brokers have all records, each key's in this order.

        They are made in the thread, where a thousand of them hold up nobody.

        Raises:
            Unavailable: some may be missing, and of each key only the last ones.
        """
        until_s = time.monotonic() + SEND_S
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(self._thread, self._send, records, until_s):
            raise Unavailable

    async def close(self) -> None:
        """Give up what is under way and end the thread."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._discard)
        self._thread.shutdown()

    def _send(self, records: Iterable[Record], until_s: float) -> bool:
        if time.monotonic() >= until_s:
            return False
        try:
            if self._deliver(records, until_s):
                self._told = ""
                return True
        except (BufferError, *FATAL) as error:
            self._reason = str(error)
        self._discard()
        self._tell()
        return False

    def _deliver(self, records: Iterable[Record], until_s: float) -> bool:
        producer = self._open()
        self._failures, self._reason = 0, "no acknowledgement in time"
        for record in records:
            producer.produce(self._topic, record.value, record.key, headers=record.headers)
        waiting = producer.flush(max(0.0, until_s - time.monotonic()))
        return waiting == 0 and self._failures == 0

    def _open(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(self._configuration, logger=_LOG)
        return self._producer

    def _discard(self) -> None:
        """Take back what the brokers have not got; the next batch begins with a new producer.

        A producer that failed may be of no use any more, and waits longer and longer before it
        tries again.
        """
        producer, self._producer = self._producer, None
        if producer is not None:
            for end in (producer.purge, lambda: producer.flush(CLOSE_S), producer.close):
                with contextlib.suppress(*FATAL):
                    end()

    def _failed(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failures += 1
            if error.code() not in _PURGED:
                self._reason = error.str()

    def _tell(self) -> None:
        """Say why, once: it is tried again and again."""
        if self._reason != self._told:
            _LOG.error("%s cannot be written: %s", self._topic, self._reason)
        self._told = self._reason
