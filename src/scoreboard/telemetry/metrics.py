"""Every metric, each declared once."""

from typing import Any

from msgspec import Struct
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from scoreboard import __version__

disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
GROUP_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metric(Struct, frozen=True):
    """One row of the table: what ``/metrics`` exposes and the docs explain."""

    name: str
    kind: type[Counter] | type[Gauge] | type[Histogram]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS


METRICS = (
    Metric(
        "scoreboard_http_requests_total",
        Counter,
        "HTTP requests answered, by route template and status.",
        ("route", "method", "status"),
    ),
    Metric(
        "scoreboard_http_request_seconds",
        Histogram,
        "Time from the complete request head to the last byte handed to the socket.",
        ("route",),
    ),
    Metric(
        "scoreboard_awards_total",
        Counter,
        "Awards answered, by outcome: recorded, repeated, or the code of the problem.",
        ("outcome",),
    ),
    Metric(
        "scoreboard_rule_refusals_total",
        Counter,
        "Awards refused with suspicious-activity, by the rule that fired.",
        ("rule",),
    ),
    Metric(
        "scoreboard_token_failures_total",
        Counter,
        "Bearer tokens refused, by reason.",
        ("reason",),
    ),
    Metric(
        "scoreboard_signature_failures_total",
        Counter,
        "Signed actions that were not accepted, by reason.",
        ("reason",),
    ),
    Metric(
        "scoreboard_rate_limited_total",
        Counter,
        "Requests refused with 429, by which limit was used up.",
        ("limit",),
    ),
    Metric(
        "scoreboard_group_size",
        Histogram,
        "Awards written in one transaction.",
        buckets=GROUP_SIZES,
    ),
    Metric(
        "scoreboard_commit_seconds",
        Histogram,
        "Time of one group's transaction, flush to disk included.",
    ),
    Metric(
        "scoreboard_waiting_awards",
        Gauge,
        "Awards that wait for the next transaction; at QUEUE_MAX new ones get 503 overloaded.",
    ),
    Metric(
        "scoreboard_unknown_outcomes_total",
        Counter,
        "Awards answered with outcome-unknown.",
    ),
    Metric("scoreboard_ledger_seq", Gauge, "The seq of the last posting known here."),
    Metric("scoreboard_ranking_seq", Gauge, "The seq that the ranking has reached."),
    Metric(
        "scoreboard_relay_lag_seconds",
        Gauge,
        "Age of the oldest posting that the ranking has not got; 0 when it has all.",
    ),
    Metric(
        "scoreboard_rebuilds_total",
        Counter,
        "Times the ranking was rebuilt from the ledger.",
    ),
    Metric(
        "scoreboard_ranked_users",
        Gauge,
        "Users in the ranking, over all boards and open periods.",
    ),
    Metric("scoreboard_leader", Gauge, "1 while this node leads: ranks, publishes and feeds."),
    Metric(
        "scoreboard_feed_backlog",
        Gauge,
        "Postings that the bus's feed has not acknowledged; 0 on a node that does not lead.",
    ),
    Metric(
        "scoreboard_feed_lag_seconds",
        Gauge,
        "Age of the oldest posting that the feed has not acknowledged; 0 when it has all.",
    ),
    Metric(
        "scoreboard_bus_errors_total",
        Counter,
        "Times that new tops could not be published; they are published again.",
    ),
    Metric(
        "scoreboard_degraded",
        Gauge,
        "1 while this node has to do without a dependency: ledger, ranking, bus or limiter.",
        ("dependency",),
    ),
    Metric(
        "scoreboard_ranking_drift",
        Gauge,
        "Scores of the last check that differ between ranking and ledger; above 0 it is rebuilt.",
    ),
    Metric(
        "scoreboard_drift_checks_total",
        Counter,
        "Scores compared between ranking and ledger, by result: same, moving or different.",
        ("result",),
    ),
    Metric("scoreboard_viewers", Gauge, "Open live connections, by transport.", ("transport",)),
    Metric(
        "scoreboard_viewers_refused_total",
        Counter,
        "Live connections refused or closed by a limit, by reason.",
        ("reason",),
    ),
    Metric(
        "scoreboard_frames_total",
        Counter,
        "Frames: published (encoded once), delivered (handed to a socket), or skipped (a newer "
        "one replaced it before a slow viewer could take it).",
        ("fate",),
    ),
    Metric(
        "scoreboard_freshness_seconds",
        Histogram,
        "Time from the commit of the posting that changed the top to its frame being written to "
        "the last viewer.",
    ),
    Metric(
        "scoreboard_jwks_age_seconds",
        Gauge,
        "Age of the key set fetched from JWKS_URL; 0 without one.",
    ),
    Metric("scoreboard_jwks_failures_total", Counter, "Failed fetches of JWKS_URL."),
    Metric(
        "scoreboard_connections_refused_total",
        Counter,
        "Connections or requests ended by the protocol's limits, by reason.",
        ("reason",),
    ),
    Metric(
        "scoreboard_event_loop_lag_seconds",
        Gauge,
        "How late a timer of one second last fired.",
    ),
    Metric("scoreboard_build_info", Gauge, "1, with the version as label.", ("version",)),
)

TABLE = {metric.name: metric for metric in METRICS}


class Telemetry:
    """One process's metrics: ``telemetry.child("scoreboard_awards_total", "recorded").inc()``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[str, ...], Any] = {}
        self._metrics = {metric.name: self._make(metric) for metric in METRICS}
        self.child("scoreboard_build_info", __version__).set(1)

    def child(self, name: str, *labels: str) -> Any:
        """The metric, or its child with these label values, bound once."""
        key = (name, *labels)
        child = self._children.get(key)
        if child is None:
            metric = self._metrics[name]
            child = self._children[key] = metric.labels(*labels) if labels else metric
        return child

    def exposition(self) -> bytes:
        """What ``/metrics`` answers (Prometheus text format 0.0.4)."""
        return generate_latest(self.registry)

    def _make(self, metric: Metric) -> Any:
        if metric.kind is Histogram:
            return Histogram(
                metric.name,
                metric.help,
                metric.labels,
                buckets=metric.buckets,
                registry=self.registry,
            )
        return metric.kind(metric.name, metric.help, metric.labels, registry=self.registry)
