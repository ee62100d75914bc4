"""The topics: made as they have to be, or found to be so."""

from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from msgspec import Struct

from scoreboard.adapters.kafka.address import Address
from scoreboard.errors import Misconfigured

ANSWER_S = 3.0
REPLICAS_MAX = 3

_FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.POLICY_VIOLATION,
    }
)
_CANNOT_LOOK = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError._UNSUPPORTED_FEATURE,  # noqa: SLF001 - the driver's name for it
    }
)


class _Answer(Protocol):
    def result(self, timeout: float) -> Any: ...


class Topic(Struct, frozen=True):
    """A topic as it has to be; ``ordered`` says that a second partition would break it."""

    name: str
    partitions: int
    cleanup: str
    settings: tuple[tuple[str, str], ...] = ()
    ordered: bool = False


def tops_topic(prefix: str) -> Topic:
    """One partition, since listeners follow one order; only the newest of each key is kept.

    Compaction leaves the newest segment alone, and a node that starts reads all of it: small
    segments make a quick start.
    """
    segments = (("segment.bytes", str(16 << 20)), ("min.cleanable.dirty.ratio", "0.1"))
    return Topic(f"{prefix}.tops", 1, "compact", segments, ordered=True)


def postings_topic(prefix: str) -> Topic:
    """Partitions for those who read it in parallel; how long it is kept is the operator's."""
    return Topic(f"{prefix}.postings", 6, "delete")


class Topics:
    """Sees to topics by means of an admin client that lives no longer than it takes."""

    def __init__(self, address: Address, wanted: tuple[Topic, ...]) -> None:
        self._address = address
        self._wanted = wanted

    def ensure(self) -> bool:
        """Make what is missing and check what is there; answers whether anything was made.

        Raises:
            Misconfigured: a topic is not as it has to be, or may not be made.
            KafkaException: the brokers cannot say so now.
        """
        with AdminClient(self._address.configuration()) as admin:
            return any([self._ensure(admin, topic) for topic in self._wanted])  # noqa: C419 - all

    def _ensure(self, admin: AdminClient, topic: Topic) -> bool:
        partitions = _partitions(admin, topic)
        if partitions is None:
            return self._create(admin, topic)
        if topic.ordered and partitions != topic.partitions:
            raise Misconfigured(
                f"The Kafka topic {topic.name} has {partitions} partitions and must have one: "
                f"kafka-topics.sh {self._at()} --delete --topic {topic.name}, then start again."
            )
        cleanup = _setting(admin, topic.name, "cleanup.policy")
        if cleanup not in (None, topic.cleanup):
            raise Misconfigured(
                f"The Kafka topic {topic.name} has cleanup.policy={cleanup} and must have "
                f"{topic.cleanup}: kafka-configs.sh {self._at()} --alter --topic {topic.name} "
                f"--add-config cleanup.policy={topic.cleanup}"
            )
        return False

    def _create(self, admin: AdminClient, topic: Topic) -> bool:
        replicas = min(REPLICAS_MAX, len(_answer(admin.describe_cluster(**_within())).nodes))
        settings = {
            "cleanup.policy": topic.cleanup,
            "min.insync.replicas": str(max(1, replicas - 1)),
            **dict(topic.settings),
        }
        new = NewTopic(topic.name, topic.partitions, replicas, config=settings)
        try:
            _answer(admin.create_topics([new], **_within())[topic.name])
        except KafkaException as error:
            reason = _error(error)
            if reason.code() in _FORBIDDEN:
                options = " ".join(f"--config {name}={value}" for name, value in settings.items())
                raise Misconfigured(
                    f"The Kafka topic {topic.name} is missing and may not be made "
                    f"({reason.str()}): kafka-topics.sh {self._at()} --create --topic "
                    f"{topic.name} --partitions {topic.partitions} "
                    f"--replication-factor {replicas} {options}"
                ) from None
            if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
            return self._ensure(admin, topic)
        return True

    def _at(self) -> str:
        return f"--bootstrap-server {self._address.servers}"


def _partitions(admin: AdminClient, topic: Topic) -> int | None:
    """How many partitions the topic has; None when there is no such topic."""
    wanted = TopicCollection([topic.name])
    try:
        described = _answer(admin.describe_topics(wanted, **_within())[topic.name])
    except KafkaException as error:
        reason = _error(error)
        if reason.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        if reason.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise Misconfigured(
                f"The Kafka user may not use the topic {topic.name}: it needs Describe, Read "
                "and Write on it."
            ) from None
        raise
    return len(described.partitions)


def _setting(admin: AdminClient, topic: str, name: str) -> str | None:
    """A topic's setting; None when we may not look."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        found = _answer(admin.describe_configs([resource], **_within())[resource])
    except KafkaException as error:
        if _error(error).code() in _CANNOT_LOOK:
            return None
        raise
    return str(found[name].value)


def _within() -> dict[str, float]:
    return {"request_timeout": ANSWER_S}


def _answer(future: _Answer) -> Any:
    # The request has a limit of its own, which is reported better.
    return future.result(2 * ANSWER_S)


def _error(error: KafkaException) -> KafkaError:
    reason: KafkaError = error.args[0]
    return reason
