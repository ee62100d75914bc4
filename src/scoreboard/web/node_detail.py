"""What a node tells of itself to those who may know; read off its own metrics."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from scoreboard import __version__, wire
from scoreboard.core.moment import rfc3339
from scoreboard.telemetry import Telemetry

COUNTED: Mapping[str, str] = {
    "ledger_seq": "scoreboard_ledger_seq",
    "ranking_seq": "scoreboard_ranking_seq",
    "relay_backlog": "scoreboard_relay_backlog",
    "feed_backlog": "scoreboard_feed_backlog",
    "waiting_awards": "scoreboard_waiting_awards",
    "recorded_awards": "scoreboard_action_awards_total",
    "viewers": "scoreboard_viewers",
    "data_free_bytes": "scoreboard_data_free_bytes",
    "data_size_bytes": "scoreboard_data_size_bytes",
}
"""Members of ``wire.NodeDetail`` that are the sum of a metric's samples."""

LAG = "scoreboard_relay_lag_seconds"
LEADING = "scoreboard_leader"
BEGAN = "process_start_time_seconds"


class NodeDetail(Struct, frozen=True):
    """``name`` is that of the lease; ``term`` that in which this node leads, or None."""

    name: str
    role: str
    term: Callable[[], int | None]
    clock_ms: Callable[[], int]
    telemetry: Telemetry

    def read(self) -> wire.NodeDetail:
        """As of now."""
        now_ms = self.clock_ms()
        return detail(
            self.telemetry.total,
            name=self.name,
            role=self.role,
            version=__version__,
            at=rfc3339(now_ms),
            term=self.term(),
            now_ms=now_ms,
        )


def detail(  # noqa: PLR0913 - what no metric tells
    total: Callable[[str], float],
    *,
    name: str,
    role: str,
    version: str,
    at: str | None,
    term: int | None,
    now_ms: int,
) -> wire.NodeDetail:
    """From the metrics; ``total`` is the sum of the samples of one."""
    began_s = total(BEGAN)
    return wire.NodeDetail(
        name=name,
        role=role,
        version=version,
        at=at,
        uptime_s=max(0, int(now_ms / 1000 - began_s)) if began_s else 0,
        leading=total(LEADING) > 0,
        term=term,
        relay_lag_s=round(total(LAG), 3),
        **{member: int(total(metric)) for member, metric in COUNTED.items()},
    )
