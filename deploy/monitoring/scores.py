"""What do users do, what is it worth, and who moves suddenly?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.monitoring.panels import HALF, Query, Steps, board, chart, number, rate


def scores() -> Dashboard:
    return (
        board("scores", "Scores", "What do users do, what is it worth, and who moves suddenly?")
        .with_row(Row("Now"))
        .with_panel(
            number(
                "Awards a second",
                "Recorded, over all nodes.",
                Query('sum(rate(scoreboard_awards_total{@,outcome="recorded"}[$__rate_interval]))'),
                "ops",
            )
        )
        .with_panel(
            number(
                "Points a second",
                "Points recorded, over all actions.",
                Query("sum(rate(scoreboard_action_points_total{@}[$__rate_interval]))"),
                "none",
            )
        )
        .with_panel(
            number(
                "Biggest gain",
                "The most points that one user gained in a minute.",
                Query("max(scoreboard_user_gain_max_points{@})"),
                "none",
            )
        )
        .with_panel(
            number(
                "Of the usual",
                "The biggest gain as a multiple of what it stayed under 99 % of the last day: a "
                "multiple of five alerts.",
                Query("scoreboard:user_gain_points:max / scoreboard:user_gain_points:usual1d"),
                "none",
                Steps(3, 5),
            )
        )
        .with_panel(
            number(
                "Ranked users",
                "Over all boards and open periods.",
                Query("max(scoreboard_ranked_users{@})"),
                "none",
            )
        )
        .with_panel(
            number(
                "Postings",
                "The seq of the ledger's head.",
                Query("max(scoreboard_ledger_seq{@})"),
                "none",
            )
        )
        .with_row(Row("Awards"))
        .with_panel(
            chart(
                "Awards by outcome",
                "Recorded, repeated (answered again, counted once), and refusals by their code.",
                [rate("scoreboard_awards_total", "outcome")],
                "ops",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Refused and repeated",
                "Everything but recorded awards, as a share of all.",
                [
                    Query(
                        "sum by (outcome) (rate(scoreboard_awards_total{@,outcome!="
                        '"recorded"}[$__rate_interval])) / ignoring(outcome) group_left '
                        "sum(rate(scoreboard_awards_total{@}[$__rate_interval]))",
                        "{{outcome}}",
                    )
                ],
                "percentunit",
            )
        )
        .with_row(Row("Actions"))
        .with_panel(
            chart(
                "Awards by action",
                "The busiest ten actions.",
                [
                    Query(
                        "topk(10, sum by (action) "
                        "(rate(scoreboard_action_awards_total{@}[$__rate_interval])))",
                        "{{action}}",
                    )
                ],
                "ops",
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Points by action",
                "The ten actions that bring most: one that grows alone may be worth too much.",
                [
                    Query(
                        "topk(10, sum by (action) "
                        "(rate(scoreboard_action_points_total{@}[$__rate_interval])))",
                        "{{action}}",
                    )
                ],
                "none",
                stacked=True,
            )
        )
        .with_row(Row("Spikes"))
        .with_panel(
            chart(
                "Top mover of each minute",
                "The most points that one user gained in a minute, what is usual (99 % of the "
                "minutes of the last day with a gain), and where the alert stands. Who it is, the audit says: metrics name no user.",
                [
                    Query("max(scoreboard_user_gain_max_points{@})", "biggest gain"),
                    Query("scoreboard:user_gain_points:usual1d", "usual"),
                    Query("5 * scoreboard:user_gain_points:usual1d", "alert"),
                ],
                "none",
                span=HALF,
            )
        )
        .with_panel(
            chart(
                "Growth of the ledger",
                "Postings a second, whatever their kind.",
                [Query("rate(scoreboard:ledger_seq:max[$__rate_interval])", "postings")],
                "ops",
                span=HALF,
            )
        )
    )
