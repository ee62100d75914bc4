"""Is it up, is it fast, is it right?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.monitoring.panels import (
    THIRD,
    Query,
    Steps,
    board,
    chart,
    number,
    percentiles,
    rate,
)

AWARDS = ',route="/v1/scores"'


def overview() -> Dashboard:
    return (
        board("overview", "Overview", "Is it up, is it fast, is it right?")
        .with_row(Row("Is it up?"))
        .with_panel(
            number(
                "Nodes ready",
                "Nodes whose /readyz says yes.",
                Query("sum(scoreboard_ready{@})"),
                "none",
                Steps(warn=2, bad=1, falling=True),
            )
        )
        .with_panel(
            number(
                "Leaders",
                "Nodes that lead: exactly one ranks, publishes and feeds.",
                Query("sum(scoreboard_leader{@})"),
                "none",
                Steps(bad=1, falling=True),
            )
        )
        .with_panel(
            number(
                "Without",
                "Dependencies that some node has to do without.",
                Query("sum(scoreboard_degraded{@})"),
                "none",
                Steps(warn=1),
            )
        )
        .with_panel(
            number(
                "Awards that fail",
                "Share of the awards answered with 503: unavailable, outcome-unknown, overloaded. The "
                "objective is under 0.1 %.",
                Query(
                    '(sum(rate(scoreboard_awards_total{@,outcome=~"unavailable|outcome-unknown|'
                    'overloaded"}[$__rate_interval])) or vector(0)) '
                    "/ sum(rate(scoreboard_awards_total{@}[$__rate_interval]))"
                ),
                "percentunit",
                Steps(0.001, 0.01),
            )
        )
        .with_panel(
            number(
                "Error budget left",
                "Of the awards that may fail in 30 days (0.1 %), the share that is left; from the "
                "recording rules, over all nodes.",
                Query("scoreboard:award_budget:left30d"),
                "percentunit",
                Steps(warn=0.5, bad=0.1, falling=True),
            )
        )
        .with_panel(
            number(
                "Differences found",
                "Scores that differed between ranking and ledger in the last check.",
                Query("sum(scoreboard_ranking_drift{@})"),
                "none",
                Steps(bad=1, warn=0.5),
            )
        )
        .with_row(Row("Is it fast?"))
        .with_panel(
            chart(
                "Awards",
                "Awards recorded a second; repeats are answered again and not counted again.",
                [rate("scoreboard_awards_total", "outcome")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Time of an award",
                "From the complete request to the last byte of the answer, flush to disk included. The "
                "objective is 99 % within 250 ms.",
                percentiles("scoreboard_http_request_seconds", AWARDS),
                "s",
                steps=Steps(bad=0.25),
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Freshness",
                "From the commit that changed a top to the frame written to the last viewer. The "
                "objective is 99 % within 250 ms.",
                percentiles("scoreboard_freshness_seconds"),
                "s",
                steps=Steps(bad=0.25),
                span=THIRD,
            )
        )
        .with_row(Row("Is it right?"))
        .with_panel(
            chart(
                "Requests by status",
                "5xx are ours, 4xx are the callers'.",
                [rate("scoreboard_http_requests_total", "status")],
                "reqps",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Behind the ledger",
                "Age of the oldest posting that the ranking, or the feed to other systems, has not got.",
                [
                    Query("max(scoreboard_relay_lag_seconds{@})", "ranking"),
                    Query("max(scoreboard_feed_lag_seconds{@})", "feed"),
                ],
                "s",
                steps=Steps(bad=1),
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Unknown outcomes",
                "Awards answered with outcome-unknown: asked again with the same id they are settled.",
                [rate("scoreboard_unknown_outcomes_total")],
                "ops",
                span=THIRD,
            )
        )
        .with_row(Row("What runs?"))
        .with_panel(
            chart(
                "Versions",
                "Nodes by version: two during a rolling start.",
                [Query("count by (version) (scoreboard_build_info{@})", "{{version}}")],
                "none",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Viewers",
                "Open live connections, by transport.",
                [Query("sum by (transport) (scoreboard_viewers{@})", "{{transport}}")],
                "none",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "CPU of a node",
                "Cores used by each process of the service; one core is the most that the event loop takes.",
                [Query("rate(process_cpu_seconds_total{@}[$__rate_interval])", "{{instance}}")],
                "none",
                span=THIRD,
            )
        )
    )
