"""Do viewers see what happened, and soon?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.monitoring.panels import Query, Steps, board, chart, number, percentiles, rate


def live() -> Dashboard:
    return (
        board("live", "Live", "Do viewers see what happened, and soon?")
        .with_row(Row("Now"))
        .with_panel(
            number(
                "Viewers",
                "Open live connections on all nodes.",
                Query("sum(scoreboard_viewers{@})"),
                "none",
            )
        )
        .with_panel(
            number(
                "Fresh within 250 ms",
                "Share of the frames written to the last viewer within 250 ms of the commit; the "
                "objective is 99 %.",
                Query(
                    'sum(rate(scoreboard_freshness_seconds_bucket{@,le="0.25"}[$__rate_interval])) '
                    "/ sum(rate(scoreboard_freshness_seconds_count{@}[$__rate_interval]))"
                ),
                "percentunit",
                Steps(warn=0.99, bad=0.95, falling=True),
            )
        )
        .with_panel(
            number(
                "Frames a second",
                "Frames handed to sockets.",
                Query('sum(rate(scoreboard_frames_total{@,fate="delivered"}[$__rate_interval]))'),
                "none",
            )
        )
        .with_panel(
            number(
                "Skipped",
                "Share of the frames that a newer one replaced before a slow viewer could take them.",
                Query(
                    '(sum(rate(scoreboard_frames_total{@,fate="skipped"}[$__rate_interval])) or '
                    "vector(0)) / sum(rate(scoreboard_frames_total{@,"
                    'fate=~"skipped|delivered"}[$__rate_interval]))'
                ),
                "percentunit",
                Steps(0.05, 0.25),
            )
        )
        .with_panel(
            number(
                "Ended from here",
                "Live connections a second that a limit or a reason of ours ended.",
                Query("sum(rate(scoreboard_evictions_total{@}[$__rate_interval]))"),
                "ops",
            )
        )
        .with_panel(
            number(
                "Event loop",
                "How late a timer fires, p99: above 100 ms everything waits.",
                Query(
                    "histogram_quantile(0.99, sum by (le) "
                    "(rate(scoreboard_event_loop_lag_seconds_bucket{@}[$__rate_interval])))"
                ),
                "s",
                Steps(0.05, 0.25),
            )
        )
        .with_row(Row("Freshness"))
        .with_panel(
            chart(
                "Commit to write",
                "From the commit that changed a top to its frame written to the last viewer.",
                percentiles("scoreboard_freshness_seconds"),
                "s",
                steps=Steps(bad=0.25),
            )
        )
        .with_panel(
            chart(
                "Commit to delivered",
                "From the commit to the acknowledgement of the frame's last byte by a viewer, sampled.",
                percentiles("scoreboard_freshness_delivered_seconds"),
                "s",
                steps=Steps(bad=0.5),
            )
        )
        .with_row(Row("Viewers"))
        .with_panel(
            chart(
                "Viewers by node",
                "A node that has many more than the others was not restarted with them.",
                [Query("sum by (instance) (scoreboard_viewers{@})", "{{instance}}")],
                "none",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Frames by fate",
                "Published: encoded once for all. Delivered: handed to a socket. Skipped: replaced.",
                [rate("scoreboard_frames_total", "fate")],
                "none",
            )
        )
        .with_panel(
            chart(
                "Refused",
                "Live connections refused by a limit, by reason.",
                [rate("scoreboard_viewers_refused_total", "reason")],
                "ops",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Ended",
                "Live connections ended from here, by reason.",
                [rate("scoreboard_evictions_total", "reason")],
                "ops",
                stacked=True,
            )
        )
    )
