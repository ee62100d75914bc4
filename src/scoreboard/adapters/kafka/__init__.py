"""The bus on Apache Kafka: a compacted topic of tops, and a topic of postings for others."""

from scoreboard.adapters.kafka.bus import KafkaBus

__all__ = ["KafkaBus"]
