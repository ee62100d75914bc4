"""What audits noticed, until somebody has looked at it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.finding import Finding, Irregularity, Noted

OPEN_PLACE = 2**52
"""Open findings stand before all that are closed; a place is a number that JSON can carry."""

KEY_OPEN_MS = 30 * 86_400_000
"""How long a key's finding stays open: nothing is posted about a key that was looked at."""


class Queue(Struct, frozen=True):
    """How much there is to review: open findings by what they are, and users that are held."""

    open: Mapping[Irregularity, int]
    held: int


class Dismissal(Struct, frozen=True):
    """A finding or an incident, by its number, that somebody lets go, and why."""

    entry: int
    caller: str
    reason: str


class Findings(Protocol):
    """Findings are only ever added. Whether one is open follows from ledger and record of changes.

    It is open until it is dismissed. A user's is open until a later posting releases, hides, bans
    or erases the user; a hold leaves it open. A key's is open until the key is revoked, or for
    ``KEY_OPEN_MS``.

    Raises:
        Unavailable: there is no answer; of a write, nothing happened.
    """

    async def note_findings(self, findings: Sequence[Finding]) -> Sequence[Finding]:
        """Store findings, each once for ever by its identity; answers the new ones in order."""
        ...

    async def findings(self, before: int | None, limit: int) -> Sequence[Noted]:
        """Findings with a place less than ``before``: open ones first, and the newest first."""
        ...

    async def dismiss_finding(self, dismissal: Dismissal) -> Noted:
        """Close a finding for ever; answers it as it is then.

        It is recorded once, of the user or key that the finding is about; nothing is recorded of
        one that is closed already.

        Raises:
            NotFound: there is none with this entry.
            OutcomeUnknown: the commit's answer was lost; ask again, it happens once.
        """
        ...

    async def review(self) -> Queue:
        """What is open, counted."""
        ...
