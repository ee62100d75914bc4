"""How do database, Redis, Kafka and the machine look from the service?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.monitoring.panels import THIRD, Query, Steps, board, chart, percentiles, rate

CALLS = "scoreboard_dependency_seconds"


def _calls(title: str, help_: str, dependency: str) -> tuple[str, str, list[Query]]:
    matchers = f',dependency="{dependency}"'
    return title, help_, percentiles(CALLS, matchers, by="operation")


def infrastructure() -> Dashboard:
    return (
        board(
            "infrastructure",
            "Infrastructure",
            "How do database, Redis, Kafka and the machine look from the service?",
        )
        .with_row(Row("Ledger: SQLite or PostgreSQL"))
        .with_panel(
            chart(
                "Commit",
                "One group's transaction, flush to disk included.",
                percentiles("scoreboard_commit_seconds"),
                "s",
                steps=Steps(bad=0.1),
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Group size",
                "Awards in one transaction: it grows when commits are slow or load is high.",
                percentiles("scoreboard_group_size"),
                "none",
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Waiting",
                "Awards that wait for the next transaction; at QUEUE_MAX new ones get 503.",
                [Query("sum by (instance) (scoreboard_waiting_awards{@})", "{{instance}}")],
                "none",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Wait for a reader",
                "How long a read waited for a free connection or thread.",
                percentiles("scoreboard_pool_wait_seconds"),
                "s",
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Done without",
                "Dependencies that a node has to do without.",
                [Query("sum by (dependency) (scoreboard_degraded{@})", "{{dependency}}")],
                "none",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Room on the disk of DATA",
                "Share that is free.",
                [
                    Query(
                        "scoreboard_data_free_bytes{@} / scoreboard_data_size_bytes{@}",
                        "{{instance}}",
                    )
                ],
                "percentunit",
                span=THIRD,
            )
        )
        .with_row(Row("Ranking and limiter: memory or Redis"))
        .with_panel(chart(*_calls("Ranking", "Time of calls.", "ranking"), "s", span=THIRD))
        .with_panel(chart(*_calls("Limiter", "Time of calls.", "limiter"), "s", span=THIRD))
        .with_panel(
            chart(
                "Rebuilds",
                "Times that the ranking was made anew from the ledger: after a start, a loss or a "
                "difference.",
                [
                    Query(
                        "sum(increase(scoreboard_rebuilds_total{@}[$__rate_interval]))", "rebuilds"
                    )
                ],
                "none",
                span=THIRD,
            )
        )
        .with_row(Row("Bus: local, Redis or Kafka"))
        .with_panel(chart(*_calls("Bus", "Time of calls.", "bus"), "s", span=THIRD))
        .with_panel(
            chart(
                "Backlog",
                "Postings that ranking and feed have not got.",
                [
                    Query("max(scoreboard_relay_backlog{@})", "ranking"),
                    Query("max(scoreboard_feed_backlog{@})", "feed"),
                ],
                "none",
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Failed publishes",
                "Times that new tops could not be published; they are published again.",
                [rate("scoreboard_bus_errors_total")],
                "ops",
                span=THIRD,
            )
        )
        .with_row(Row("The process"))
        .with_panel(
            chart(
                "Event loop",
                "How late a timer fires.",
                percentiles("scoreboard_event_loop_lag_seconds"),
                "s",
                steps=Steps(bad=0.25),
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Memory",
                "Resident memory of each node.",
                [Query("process_resident_memory_bytes{@}", "{{instance}}")],
                "bytes",
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "CPU",
                "Cores used by each node.",
                [Query("rate(process_cpu_seconds_total{@}[$__rate_interval])", "{{instance}}")],
                "none",
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Connections refused",
                "Connections or requests ended by the limits of the protocol, by reason.",
                [rate("scoreboard_connections_refused_total", "reason")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Log",
                "Events by level, and lines dropped because nobody read fast enough.",
                [
                    rate("scoreboard_log_events_total", "level"),
                    Query(
                        "sum(rate(scoreboard_log_dropped_total{@}[$__rate_interval]))", "dropped"
                    ),
                ],
                "ops",
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Keys of tokens",
                "Age of the key set fetched from JWKS_URL; 0 without one.",
                [Query("scoreboard_jwks_age_seconds{@}", "{{instance}}")],
                "s",
                steps=Steps(bad=3_600),
                span=THIRD,
            )
        )
    )
