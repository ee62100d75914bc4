"""What was recorded, counted by action."""

from collections.abc import Iterable
from typing import Any

from scoreboard.core.award import Outcome, Recorded
from scoreboard.telemetry import Telemetry

ACTIONS_MAX = 64
"""Actions with series of their own; a catalogue may hold many more."""

OTHER = "other"


class Tally:
    """Counts awards and points a group at a time."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._counters: dict[str, tuple[Any, Any]] = {}

    def count(self, outcomes: Iterable[Outcome]) -> None:
        """Count what these outcomes recorded; repeats and refusals are nothing new."""
        sums: dict[str, list[int]] = {}
        for outcome in outcomes:
            if isinstance(outcome, Recorded):
                posting = outcome.posting
                found = sums.setdefault(posting.action_id or OTHER, [0, 0])
                found[0] += 1
                found[1] += max(0, posting.points)
        for action_id, (awards, points) in sums.items():
            awards_total, points_total = self._of(action_id)
            awards_total.inc(awards)
            points_total.inc(points)

    def _of(self, action_id: str) -> tuple[Any, Any]:
        found = self._counters.get(action_id)
        if found is None:
            label = action_id if len(self._counters) < ACTIONS_MAX else OTHER
            found = (
                self._telemetry.child("scoreboard_action_awards_total", label),
                self._telemetry.child("scoreboard_action_points_total", label),
            )
            if label == action_id:
                self._counters[action_id] = found
        return found
