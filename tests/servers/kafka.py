"""Kafka for tests: librdkafka's mock cluster in this process, and a real Apache Kafka."""

import base64
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

POM = Path(__file__).parent / "kafka_server" / "pom.xml"
START_S = 60
POLL_S = 0.02
READ_S = 20
PRODUCER = 0  # RD_KAFKA_PRODUCER


def driver() -> bool:
    """Whether confluent-kafka is installed: all that the mock cluster takes."""
    return find_spec("confluent_kafka") is not None


class MockCluster:
    """Brokers of librdkafka's own, in threads of this process.

    They know no admin requests, so topics are made from here; they keep every record, also in a
    topic that a real broker would compact.
    """

    def __init__(self, brokers: int = 3) -> None:
        self._library = _librdkafka()
        configuration = ctypes.c_void_p(self._library.rd_kafka_conf_new())
        for name, value in (("bootstrap.servers", "127.0.0.1:9"), ("log_level", "0")):
            self._library.rd_kafka_conf_set(
                configuration, name.encode(), value.encode(), None, ctypes.c_size_t(0)
            )
        self._client = ctypes.c_void_p(
            self._library.rd_kafka_new(PRODUCER, configuration, None, ctypes.c_size_t(0))
        )
        self._cluster = ctypes.c_void_p(
            self._library.rd_kafka_mock_cluster_new(self._client, brokers)
        )
        # Without a controller, describing a topic waits for one.
        self._library.rd_kafka_mock_set_controller_id(self._cluster, 1)
        self.brokers = brokers
        self.servers: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def topic(self, name: str, partitions: int) -> None:
        self._check(
            self._library.rd_kafka_mock_topic_create(
                self._cluster, name.encode(), partitions, self.brokers
            )
        )

    def bus_url(self, query: str = "") -> str:
        """The URL of a bus with topics of its own."""
        prefix = f"t{uuid.uuid4().hex[:12]}"
        self.topic(f"{prefix}.tops", 1)
        self.topic(f"{prefix}.postings", 6)
        return f"kafka://{self.servers}/{prefix}{query}"

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """Let this broker (from 1) lead a partition."""
        self._check(
            self._library.rd_kafka_mock_partition_set_leader(
                self._cluster, topic.encode(), partition, broker
            )
        )

    def down(self, broker: int) -> None:
        self._check(self._library.rd_kafka_mock_broker_set_down(self._cluster, broker))

    def up(self, broker: int) -> None:
        self._check(self._library.rd_kafka_mock_broker_set_up(self._cluster, broker))

    def fail(self, request: int, *codes: int) -> None:
        """Let the next requests of a kind (its number in the protocol) fail with these codes."""
        self._library.rd_kafka_mock_push_request_errors(
            self._cluster,
            ctypes.c_int16(request),
            ctypes.c_size_t(len(codes)),
            *(ctypes.c_int(code) for code in codes),
        )

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)

    @staticmethod
    def _check(error: int) -> None:
        assert error == 0, f"the mock cluster answers {error}"


def topic_of(url: str, name: str) -> str:
    """The topic of this name under the prefix of a bus's URL."""
    return f"{urlsplit(url).path.strip('/')}.{name}"


def records(url: str, topic: str, partitions: int) -> dict[str, list[Any]]:
    """All messages that a topic has, by key."""
    from confluent_kafka import Consumer, KafkaError, TopicPartition  # noqa: PLC0415

    consumer = Consumer(
        {
            "bootstrap.servers": urlsplit(url).netloc,
            "group.id": "reader",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, each, 0) for each in range(partitions)])
    found: defaultdict[str, list[Any]] = defaultdict(list)
    ends = 0
    while ends < partitions:
        message = consumer.poll(READ_S)
        assert message is not None, f"{topic} cannot be read to its end"
        if message.error() is None:
            found[message.key().decode()].append(message)
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ends += 1
    consumer.close()
    return dict(found)


def _librdkafka() -> ctypes.CDLL:
    import confluent_kafka  # noqa: PLC0415 - not everybody has it

    package = Path(confluent_kafka.__file__).parent
    folders = (package.parent / "confluent_kafka.libs", package / ".dylibs")
    (found,) = (path for folder in folders for path in folder.glob("librdkafka*"))
    library = ctypes.CDLL(str(found))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


def missing() -> str:
    """What a real broker lacks on this machine; nothing when it can be started."""
    needed = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"{' and '.join(needed)} not found" if needed else ""


def jars() -> Path:
    """The folder of what a broker is made of; Maven fills it once.

    Made under another name and renamed when complete, so that tests that run side by side and a
    Maven that was interrupted leave either all of it or nothing.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scoreboard"
    version = uuid.uuid5(uuid.NAMESPACE_OID, POM.read_text("utf-8")).hex[:12]
    folder = cache / f"kafka-{version}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="kafka-", dir=cache))
        copy = ("dependency:copy-dependencies", f"-DoutputDirectory={made}")
        subprocess.run(["mvn", "-q", "-B", "-f", POM, *copy], check=True, stdin=subprocess.DEVNULL)
        with contextlib.suppress(OSError):  # another one was faster
            made.rename(folder)
    return folder


class KafkaServer:
    """One broker that is its own controller (KRaft), in a folder and on ports of its own."""

    def __init__(self, settings: dict[str, str] | None = None, listener: str = "PLAINTEXT") -> None:
        self._jars = jars()
        self.home = Path(tempfile.mkdtemp(prefix="scoreboard-kafka-"))
        self.port, inside, controller = _free_ports(3)
        self.servers = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        listeners = {listener: self.port, "CONTROLLER": controller}
        if listener != "PLAINTEXT":
            listeners["INSIDE"] = inside
        self._write(listeners, settings or {})
        formatted = self._java(
            "kafka.tools.StorageTool", "format", f"--cluster-id={_cluster_id()}", "-c", self._file
        )
        assert formatted.wait() == 0, self._log()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def _file(self) -> str:
        return str(self.home / "server.properties")

    def url(self, prefix: str, query: str = "") -> str:
        return f"kafka://{self.servers}/{prefix}{query}"

    def start(self) -> None:
        """Return when it takes connections."""
        self._process = self._java("kafka.Kafka", self._file)
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self._log())
            time.sleep(POLL_S)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def _log(self) -> str:
        return (self.home / "log").read_text("utf-8")

    def _write(self, listeners: dict[str, int], settings: dict[str, str]) -> None:
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{listeners['CONTROLLER']}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items()),
            "log.dirs": str(self.home / "data"),
            "auto.create.topics.enable": "true",
            # A broker that was killed may come back when its session has run out.
            "broker.session.timeout.ms": "1000",
            "broker.heartbeat.interval.ms": "200",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
        } | settings
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        Path(self._file).write_text(text, "utf-8")

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        # One core is enough for it, and a quick start is worth more than speed later.
        options = ("-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        level = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(
                ["java", *options, level, "-cp", f"{self._jars}/*", main, *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )


@contextlib.contextmanager
def kafka_server(
    settings: dict[str, str] | None = None, listener: str = "PLAINTEXT"
) -> Iterator[KafkaServer]:
    """A broker that is running; ``listener`` is the one that ``url`` names."""
    server = KafkaServer(settings, listener)
    try:
        server.start()
        yield server
    finally:
        server.close()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def main() -> None:
    """Run a broker until the end of input or an interrupt: python -m tests.servers.kafka."""
    if missing():
        sys.exit(f"A broker needs a JVM (17 or later) and Maven: {missing()}.")
    with kafka_server() as server, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{server.url('scoreboard')}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
