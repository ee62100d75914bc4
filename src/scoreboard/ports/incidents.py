"""What was refused as suspicious: kept by ``append``, read here."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.incident import Incident
from scoreboard.core.rule import Rule
from scoreboard.ports.findings import Dismissal

RETENTION_MS = 90 * 86_400_000
"""How long an incident is kept, as long as there are not too many."""

INCIDENTS_MAX = 1_000_000
"""The most incidents that are kept: about 250 MB. The oldest go first."""


class Sought(Struct, frozen=True):
    """Which incidents: older than the one numbered ``before``, of a user, of a rule."""

    before: int | None = None
    user_id: str | None = None
    rule: Rule | None = None


class Incidents(Protocol):
    """Remembers what was refused as suspicious, or would have been by a rule in the shadow.

    ``append`` keeps them in the transaction of the group that they happened in, also when the
    group has nothing else to record: one a minute of the ledger's clock for each rule, its
    subject and user (for a key's rule: for all users), with a count. What cannot be kept changes
    no answer. They are kept for ``RETENTION_MS``, at most ``INCIDENTS_MAX``; whoever writes takes
    out the oldest. They belong to users by their reference, so that an erased user's have no
    name, and are no part of the ledger's history.

    An incident is open until it is dismissed. One of a user is also closed by a later posting that
    releases, hides, bans or erases the user; one of a key's rule when the key is revoked. What is
    counted after that opens it again.
    """

    async def incidents(self, sought: Sought, limit: int) -> Sequence[Incident]:
        """At most ``limit`` of them, the newest first."""
        ...

    async def dismiss_incident(self, dismissal: Dismissal) -> Incident:
        """Close an incident, and all before it of the same user, or for a key's rule of the key.

        It is recorded once, of the user or the key; nothing is recorded of one that is closed
        already. Answers the incident as it is then.

        Raises:
            NotFound: there is none with this number.
            Unavailable: nothing was recorded.
            OutcomeUnknown: the commit's answer was lost; ask again, it happens once.
        """
        ...
