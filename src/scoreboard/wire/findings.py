"""What audits noticed, as an administrator reads it."""

from collections.abc import Mapping

from msgspec import Struct

from scoreboard.core.finding import Irregularity, Noted
from scoreboard.core.moment import rfc3339
from scoreboard.core.user import Status
from scoreboard.wire.fields import Reason, Time


class Finding(Struct, frozen=True, kw_only=True):
    """An irregular user or key on a day (UTC), in words and in numbers.

    A finding is open until it is dismissed. A user's is open until the user is released, hidden,
    banned or erased after ``at``; a key's until the key is revoked, or for 30 days. ``user_id`` and
    ``status`` are null for a key and for a user who was erased.
    """

    entry: int
    at: Time
    irregularity: Irregularity
    day: str
    user_id: str | None
    status: Status | None
    key: str | None
    open: bool
    says: str
    numbers: Mapping[str, float]


class Dismissal(Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing has to be done about a finding or an incident."""

    reason: Reason


class FindingList(Struct, frozen=True):
    """Open findings first, and the newest first; ``next`` is the next ``before``."""

    findings: tuple[Finding, ...]
    next: int | None


def finding(noted: Noted) -> Finding:
    found = noted.finding
    return Finding(
        entry=noted.entry,
        at=rfc3339(noted.at),
        irregularity=found.irregularity,
        day=found.date,
        user_id=noted.user_id,
        status=noted.status,
        key=found.key,
        open=noted.is_open,
        says=found.says,
        numbers=found.numbers,
    )
