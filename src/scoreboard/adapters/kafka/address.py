"""Where the brokers are and how they are spoken to, from the URL of the bus."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from scoreboard.errors import Misconfigured

FORM = "kafka://host:9092,host2:9092/prefix?option=value"
DEFAULT_PORT = 9092
DEFAULT_PREFIX = "scoreboard"

_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)
_SERVER = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?", re.ASCII)

OURS = frozenset(
    {
        "acks",
        "allow.auto.create.topics",
        "auto.offset.reset",
        "bootstrap.servers",
        "delivery.report.only.error",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.gapless.guarantee",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "isolation.level",
        "linger.ms",
        "log.queue",
        "log_level",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "message.send.max.retries",
        "message.timeout.ms",
        "metadata.broker.list",
        "partitioner",
        "queue.buffering.max.ms",
        "request.required.acks",
        "retries",
        "test.mock.num.brokers",
        "transactional.id",
    }
)
"""The promises of the bus rest on these: nobody else sets them."""

# librdkafka waits ten seconds before it tries a broker again, and a minute for an answer that
# does not come: too long for somebody who watches a screen.
PATIENCE = {
    "reconnect.backoff.max.ms": 1_000,
    "socket.timeout.ms": 10_000,
    "socket.connection.setup.timeout.ms": 5_000,
    "socket.keepalive.enable": True,
}


# What goes wrong comes to us as errors too, once; as lines it would come with every attempt.
LOG_LEVEL = 2


class Address(Struct, frozen=True):
    """The brokers, the prefix of the topics, and properties of librdkafka."""

    servers: str
    prefix: str
    properties: Mapping[str, str]

    def configuration(self) -> dict[str, str | int | float | bool]:
        """What every client of these brokers starts from."""
        return {
            **PATIENCE,
            "client.id": self.prefix,
            "log_level": LOG_LEVEL,
            **self.properties,
            "bootstrap.servers": self.servers,
        }


def address(url: str) -> Address:
    """The address in a URL.

    Raises:
        Misconfigured: it is not of the documented form, or sets what only the bus may set.
    """
    parts = urlsplit(url)
    if parts.scheme != "kafka" or not parts.netloc or parts.fragment:
        raise Misconfigured(f"The URL of a Kafka bus looks like {FORM}.")
    if "@" in parts.netloc:
        raise Misconfigured(
            "User and password of Kafka are options: ?sasl.username=...&sasl.password=..., or "
            "lines of a file that ?config=/path/to/file.properties names."
        )
    prefix = parts.path.strip("/") or DEFAULT_PREFIX
    if not _PREFIX.fullmatch(prefix):
        raise Misconfigured(
            "The prefix of Kafka's topics has letters, digits, '.', '_' and '-' only, "
            "at most 200 of them."
        )
    servers = ",".join(_server(each) for each in parts.netloc.split(","))
    return Address(servers, prefix, dict(_allowed(_options(parts.query))))


def _server(given: str) -> str:
    match = _SERVER.fullmatch(given)
    if match is None or int(match[2] or DEFAULT_PORT) > 65_535:  # noqa: PLR2004 - the last port
        raise Misconfigured(f"{given!r} is no broker's host:port; the URL looks like {FORM}.")
    return f"{match[1]}:{match[2] or DEFAULT_PORT}"


def _options(query: str) -> Iterator[tuple[str, str]]:
    """The query's options; those of the file come first, so that the query overrides them."""
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise Misconfigured("The options of a Kafka URL are name=value, joined by '&'.") from None
    for name, value in given:
        if name == "config":
            yield from _lines(Path(value))
    yield from ((name, value) for name, value in given if name != "config")


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Misconfigured(f"Kafka's properties in {path} cannot be read: {why}.") from None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", "!")):
            continue
        name, equals, value = stripped.partition("=")
        if not equals:
            raise Misconfigured(f"Line {number} of {path} is not name=value.")
        yield name.strip(), value.strip()


def _allowed(options: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in options:
        if name in OURS:
            raise Misconfigured(
                f"Kafka's property {name} is set by the service and cannot be chosen: take it out."
            )
        yield name, value
