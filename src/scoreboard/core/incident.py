"""An incident: what was refused as suspicious, or would have been by a rule in the shadow."""

from collections.abc import Iterable

from msgspec import Struct

from scoreboard.core.rule import MINUTE_MS, Hit


class Incident(Struct, frozen=True, kw_only=True):
    """Who did what, which rule it broke, and the numbers.

    ``at`` (milliseconds) is the moment of the first hit, ``last_at`` that of the last: hits of
    the same kind within a minute of the clock are one incident with a ``count``, and the last one
    tells the user, the caller and the numbers. ``user_id`` is None once the user is erased.
    It ``is_open`` until somebody has dealt with it.
    """

    at: int
    hit: Hit
    shadow: bool
    user_ref: int
    user_id: str | None
    action_id: str
    board: str
    caller: str | None = None
    key: str | None = None
    last_at: int = 0
    count: int = 1
    incident: int = 0
    is_open: bool = True

    @property
    def minute(self) -> int:
        return self.at // MINUTE_MS

    @property
    def subject(self) -> str:
        """The key, the board or the action whose rule it is."""
        if self.hit.rule.of_key:
            return self.key or ""
        return self.board if self.hit.rule.of_board else self.action_id

    @property
    def who(self) -> int:
        """Whose hits are counted together: a user's, or for a key's rule everybody's (0)."""
        return 0 if self.hit.rule.of_key else self.user_ref


class IncidentDismissal(Struct, frozen=True):
    """What the record of changes keeps of a dismissal: up to which incident it was looked at."""

    incident: int


def together(incidents: Iterable[Incident]) -> list[tuple[Incident, int]]:
    """Incidents of one moment: one of each kind, the last one, and how many there were."""
    found: dict[tuple[str, bool, str, int], tuple[Incident, int]] = {}
    for each in incidents:
        kind = (each.hit.rule.value, each.shadow, each.subject, each.who)
        found[kind] = (each, found.get(kind, (each, 0))[1] + 1)
    return list(found.values())
