"""Every metric, each declared once: the table that ``registry`` makes and the docs explain."""

from msgspec import Struct
from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
GROUP_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
RULES = (
    "time-span", "cooldown", "cap-minute", "cap-hour", "cap-day", "key-minute", "key-hour",
    "key-day", "points-hour",
)  # fmt: skip
TOKEN_REASONS = (
    "missing", "too-long", "malformed", "header", "algorithm", "unknown-key", "signature", "claims",
    "expired", "not-yet-valid", "lifetime", "issuer", "audience", "subject",
)  # fmt: skip
SIGNATURE_REASONS = (
    "malformed", "missing", "unknown-key", "mismatch", "key-revoked", "key-out-of-time",
    "action-not-allowed", "expired",
)  # fmt: skip


class Metric(Struct, frozen=True):
    """One row of the table: what ``/metrics`` exposes and the docs explain.

    ``from_start`` are values of the one label that are exposed as 0 before they ever happened: a
    rate cannot see the first time of a series that was not there.
    """

    name: str
    kind: type[Counter] | type[Gauge] | type[Histogram]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS
    from_start: tuple[str, ...] = ()


METRICS = (
    Metric(
        "scoreboard_http_requests_total",
        Counter,
        "HTTP requests answered, by route template, method (HEAD is GET) and status.",
        ("route", "method", "status"),
    ),
    Metric(
        "scoreboard_http_request_seconds",
        Histogram,
        "Time from the complete request head to the last byte handed to the socket; all of "
        "/v1/admin is one route.",
        ("route",),
        buckets=SECONDS[1:-1],
    ),
    Metric(
        "scoreboard_awards_total",
        Counter,
        "Awards answered, by outcome: recorded, repeated, or the code of the problem.",
        ("outcome",),
        from_start=("recorded", "repeated", "unavailable", "outcome-unknown", "overloaded"),
    ),
    Metric(
        "scoreboard_action_awards_total",
        Counter,
        "Awards recorded here, by action: the first 64 that were recorded, then other.",
        ("action",),
    ),
    Metric(
        "scoreboard_action_points_total",
        Counter,
        "Points recorded here, by action as above; points that were taken away are not in it.",
        ("action",),
    ),
    Metric(
        "scoreboard_user_gain_max_points",
        Gauge,
        "The most points that one user gained in a minute of the clock, the present one or the one "
        "before; 0 on a node that does not lead.",
    ),
    Metric(
        "scoreboard_rule_refusals_total",
        Counter,
        "Awards refused with suspicious-activity, by the rule that fired.",
        ("rule",),
        from_start=RULES,
    ),
    Metric(
        "scoreboard_rule_shadow_hits_total",
        Counter,
        "Awards that a rule in the shadow would have refused, by rule; they were recorded.",
        ("rule",),
        from_start=RULES,
    ),
    Metric(
        "scoreboard_token_failures_total",
        Counter,
        "Bearer tokens refused, by reason.",
        ("reason",),
        from_start=TOKEN_REASONS,
    ),
    Metric(
        "scoreboard_signature_failures_total",
        Counter,
        "Signed actions that were not accepted, by reason.",
        ("reason",),
        from_start=SIGNATURE_REASONS,
    ),
    Metric(
        "scoreboard_rate_limited_total",
        Counter,
        "Requests refused with 429, by which limit was used up.",
        ("limit",),
        from_start=("user", "address"),
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
        "Age of the oldest posting that the ranking has not got; 0 when it has all, and on a node "
        "that does not lead.",
    ),
    Metric(
        "scoreboard_relay_backlog",
        Gauge,
        "Postings that the ranking has not got; 0 on a node that does not lead.",
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
        "scoreboard_checkpoint_size",
        Gauge,
        "Postings under the newest signed checkpoint; 0 on a node that does not lead.",
    ),
    Metric(
        "scoreboard_checkpoint_age_seconds",
        Gauge,
        "Age of the oldest posting that no checkpoint covers; 0 when all are sealed, and on a node "
        "that does not lead.",
    ),
    Metric(
        "scoreboard_checkpoint_failures_total",
        Counter,
        "Seconds in which no checkpoint could be signed, by reason: rolled-back, contradiction, "
        "gap, key or unreadable (refused), or the code of an outage, file or error.",
        ("reason",),
        from_start=("rolled-back", "contradiction", "gap", "key", "unreadable"),
    ),
    Metric(
        "scoreboard_bus_errors_total",
        Counter,
        "Times that new tops could not be published; they are published again.",
    ),
    Metric(
        "scoreboard_dependency_seconds",
        Histogram,
        "Time that a call to a shared server took, failed ones too: ranking/apply, bus/publish, "
        "bus/feed, limiter/hit.",
        ("dependency", "operation"),
    ),
    Metric(
        "scoreboard_pool_wait_seconds",
        Histogram,
        "How long a read waited for a free connection: of the sessions on PostgreSQL, or of the "
        "reader threads on SQLite.",
        ("pool",),
    ),
    Metric("scoreboard_ready", Gauge, "1 while /readyz answers 200."),
    Metric(
        "scoreboard_degraded",
        Gauge,
        "1 while this node has to do without a dependency: ledger, ranking, bus or limiter.",
        ("dependency",),
    ),
    Metric(
        "scoreboard_ranking_drift",
        Gauge,
        "Scores of the last check that differ between ranking and ledger; above 0 it is rebuilt. 0 "
        "on a node that does not lead.",
    ),
    Metric(
        "scoreboard_drift_checks_total",
        Counter,
        "Scores compared between ranking and ledger, by result: same, moving or different.",
        ("result",),
        from_start=("same", "moving", "different"),
    ),
    Metric(
        "scoreboard_audit_last_timestamp_seconds",
        Gauge,
        "When the last audit of this node ended, whatever it found; 0 before the first.",
    ),
    Metric(
        "scoreboard_audit_every_seconds",
        Gauge,
        "How often an audit is due (AUDIT_EVERY); 0 is never, and on a node that may not lead.",
    ),
    Metric("scoreboard_audit_seconds", Gauge, "How long the last audit of this node took."),
    Metric(
        "scoreboard_audit_differences",
        Gauge,
        "Scores, ranks and users' statuses that the last audit found otherwise than the postings "
        "say; 0 on a node that does not lead.",
    ),
    Metric(
        "scoreboard_audit_seal_faults",
        Gauge,
        "What the last audit found in postings, tiles and checkpoints that is not what was signed; "
        "0 on a node that does not lead.",
    ),
    Metric(
        "scoreboard_findings_open",
        Gauge,
        "Findings of audits that nobody has dealt with, by what is irregular; on the leader.",
        ("irregularity",),
        from_start=("spike", "interval", "cap", "jump", "ring", "key", "refusals"),
    ),
    Metric("scoreboard_users_held", Gauge, "Users held until somebody looks; on the leader."),
    Metric(
        "scoreboard_viewers",
        Gauge,
        "Open live connections, by transport.",
        ("transport",),
        from_start=("websocket", "sse"),
    ),
    Metric(
        "scoreboard_viewers_refused_total",
        Counter,
        "Live connections refused or closed by a limit, by reason.",
        ("reason",),
        from_start=("node", "address", "user", "rate", "origin"),
    ),
    Metric(
        "scoreboard_evictions_total",
        Counter,
        "Live connections that were ended from here, by reason; leaving by itself is none.",
        ("reason",),
        from_start=(
            "message",
            "token",
            "user",
            "expired",
            "rate",
            "fault",
            "drain",
            "protocol",
            "timeout",
        ),
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
        "scoreboard_freshness_delivered_seconds",
        Histogram,
        "Time from the commit of the posting that changed the top to the acknowledgement of its "
        "frame's last byte by the viewer's TCP; of a few viewers of each round, drawn by lot.",
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
        from_start=(
            "pipeline",
            "target-size",
            "head-size",
            "body-size",
            "malformed",
            "head-deadline",
            "request-deadline",
        ),
    ),
    Metric(
        "scoreboard_event_loop_lag_seconds",
        Histogram,
        "How late a timer fired that is due every 0.1 s.",
    ),
    Metric(
        "scoreboard_build_info",
        Gauge,
        "1, with the versions of the service and of Python as labels.",
        ("version", "python"),
    ),
    Metric(
        "scoreboard_data_free_bytes",
        Gauge,
        "Room that the service may still use on the file system of DATA.",
    ),
    Metric("scoreboard_data_size_bytes", Gauge, "Size of the file system of DATA."),
    Metric("scoreboard_log_events_total", Counter, "Events logged, by level.", ("level",)),
    Metric(
        "scoreboard_log_dropped_total",
        Counter,
        "Lines of the log that were dropped because nobody read fast enough.",
    ),
)

TABLE = {metric.name: metric for metric in METRICS}
