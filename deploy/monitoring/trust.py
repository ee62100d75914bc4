"""Is somebody cheating, and does everything add up?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.monitoring.panels import THIRD, Query, Steps, board, chart, number, rate


def trust() -> Dashboard:
    return (
        board("trust", "Trust", "Is somebody cheating, and does everything add up?")
        .with_row(Row("Does it add up?"))
        .with_panel(
            number(
                "Differences found",
                "Scores that differed between ranking and ledger in the last check.",
                Query("sum(scoreboard_ranking_drift{@})"),
                "none",
                Steps(bad=1, warn=0.5),
            )
        )
        .with_panel(
            number(
                "Mismatches",
                "Scores of the last audit that are not the sum of the ledger.",
                Query("max(scoreboard_audit_differences{@})"),
                "none",
                Steps(bad=1, warn=0.5),
            )
        )
        .with_panel(
            number(
                "History",
                "What the last audit found in the history that is not what was signed.",
                Query("max(scoreboard_audit_seal_faults{@})"),
                "none",
                Steps(bad=1, warn=0.5),
            )
        )
        .with_panel(
            number(
                "Last audit",
                "How long ago the last audit came to its end.",
                Query("time() - max(scoreboard_audit_last_timestamp_seconds{@})"),
                "s",
                Steps(90_000, 180_000),
            )
        )
        .with_panel(
            number(
                "Checkpoint",
                "Age of the oldest posting that no signed checkpoint covers; 0 when all are sealed.",
                Query("max(scoreboard_checkpoint_age_seconds{@})"),
                "s",
                Steps(30, 120),
            )
        )
        .with_panel(
            number(
                "Open findings",
                "What audits noticed and nobody has judged.",
                Query("max(sum by (instance) (scoreboard_findings_open{@}))"),
                "none",
                Steps(warn=1),
            )
        )
        .with_panel(
            number(
                "On hold",
                "Users who wait for a moderator.",
                Query("max(scoreboard_users_held{@})"),
                "none",
                Steps(warn=1),
            )
        )
        .with_row(Row("Who is refused?"))
        .with_panel(
            chart(
                "Rules",
                "Awards refused with suspicious-activity, by rule.",
                [rate("scoreboard_rule_refusals_total", "rule")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Rules in the shadow",
                "Awards that a rule would have refused, and did not.",
                [rate("scoreboard_rule_shadow_hits_total", "rule")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Rates",
                "Requests refused with 429, by which limit was used up.",
                [rate("scoreboard_rate_limited_total", "limit")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Signatures",
                "Signed actions that were not accepted, by reason.",
                [rate("scoreboard_signature_failures_total", "reason")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Tokens",
                "Bearer tokens refused, by reason.",
                [rate("scoreboard_token_failures_total", "reason")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Findings",
                "Open findings by what they are about.",
                [Query("max by (irregularity) (scoreboard_findings_open{@})", "{{irregularity}}")],
                "none",
                span=THIRD,
                stacked=True,
            )
        )
        .with_row(Row("What is checked?"))
        .with_panel(
            chart(
                "Drift check",
                "Scores compared between ranking and ledger, by result.",
                [rate("scoreboard_drift_checks_total", "result")],
                "ops",
                span=THIRD,
                stacked=True,
            )
        )
        .with_panel(
            chart(
                "Sealed",
                "Postings, and how many of them the newest checkpoint covers.",
                [
                    Query("max(scoreboard_ledger_seq{@})", "postings"),
                    Query("max(scoreboard_checkpoint_size{@})", "sealed"),
                ],
                "none",
                span=THIRD,
            )
        )
        .with_panel(
            chart(
                "Time of an audit",
                "How long the last audit took.",
                [Query("max(scoreboard_audit_seconds{@})", "last audit")],
                "s",
                span=THIRD,
            )
        )
    )
