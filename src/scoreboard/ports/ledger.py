"""Remembers: the append-only order of all postings."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Outcome
from scoreboard.core.board import Board
from scoreboard.core.history import Line, Origin, Person, Tally
from scoreboard.core.merkle import Run
from scoreboard.core.posting import Posting
from scoreboard.core.rules import NO_RULES, Rules
from scoreboard.core.score import Score
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.window import Period
from scoreboard.ports.activity import Activities
from scoreboard.ports.catalogue import AuditEntry, Catalogue, Change
from scoreboard.ports.condition import Conditioned
from scoreboard.ports.decisions import Decisions
from scoreboard.ports.findings import Findings
from scoreboard.ports.frozen import Frozen
from scoreboard.ports.incidents import Incidents
from scoreboard.ports.moderation import Moderated
from scoreboard.ports.past import Past
from scoreboard.ports.proof import Sealed, Sealing
from scoreboard.ports.standings import Standings
from scoreboard.ports.sums import Sums


class Head(Struct, frozen=True):
    """How far the ledger has come; ``at`` is the time of its last posting."""

    epoch: int
    seq: int
    at: int


class Opening(Struct, frozen=True):
    """A window's new period, to be shown though nothing was posted in it yet."""

    board: str
    period: str


Part = Origin | Board | Action | SigningKey | AuditEntry | Person | Tally | Line | Run | Sealing
"""A piece of a ledger's history."""

History = AsyncIterator[Sequence[Part]]
"""A ledger as of one moment, in pages of one part or more, all of one kind.

In the order of ``Part``: one origin, the boards, the actions, the keys, the audit entries from
the first on, the people by reference, a tally of each period that has scores or a mark (and of
each board's ``all``), and the postings from the first on: after each page of them the tiles and
checkpoints that are over them, and at the end all others.
"""


class Prepared(Struct, frozen=True):
    """The catalogue's version, the current periods of each board in the group, and its rules.

    ``rules`` are those of boards and keys as of this version, of the group or of all.
    """

    catalogue_version: int
    periods: Mapping[str, Sequence[Period]]
    rules: Rules = NO_RULES


class Ledger(
    Activities,
    Conditioned,
    Decisions,
    Findings,
    Frozen,
    Incidents,
    Moderated,
    Past,
    Sealed,
    Standings,
    Sums,
    Protocol,
):
    """Remembers: the append-only order of all postings, and the scores that follow from it.

    Everything that ``append`` or ``change`` answers for is committed and flushed to disk before
    it returns. Postings are numbered without gaps in commit order, whoever writes.
    """

    async def append(self, awards: Sequence[Award], prepared: Prepared) -> Sequence[Outcome]:
        """Record a group of awards in one transaction, each judged on its own; answers in order.

        An award whose id is
        known is Repeated, also within the group; if it is for another user or action it is
        Refused with AwardConflict. Rules of the action, its board and the key are judged against
        the ledger, by its clock and in group order, and who breaks one leaves an incident. An
        award without rules costs nothing for those of others; a group with rules reads, in a
        constant number of statements, for each user and action at most the user's postings as
        far back as the rules look, and for each key at most as many awards as its cap.
        One award never fails another.

        Raises:
            PeriodMoved, CatalogueMoved: it has to be prepared again; nothing was recorded.
            Unavailable: nothing was recorded.
            OutcomeUnknown: the commit's answer was lost; named awards may be asked again.
        """
        ...

    async def open_periods(self, openings: Sequence[Opening]) -> Sequence[Posting]:
        """Record, once each for ever, that periods have begun; answers the new postings."""
        ...

    async def change(self, change: Change) -> None:
        """Put an action, a board or a key into the catalogue and record who did it and why.

        Putting what is there already changes nothing and records nothing. A board's new windows
        are filled from the ledger for their current period. A key is put once and revoked once;
        the record never has its secret.

        A board stays frozen, or not, whatever the subject's ``frozen`` is; the change's says what
        it is to become. That is a posting and an entry of its own, after those of other settings
        and in the same transaction; it marks the board's current tops as they do. To reveal it
        marks those too that have ended since the freeze.

        Raises:
            InvalidPayload: the board would lose a window or its time zone, the action's board
                does not exist, or the key would become another one or is not a safe one.
        """
        ...

    async def catalogue(self) -> Catalogue:
        """All actions, boards and keys."""
        ...

    async def head(self) -> Head:
        """The last posting's place."""
        ...

    async def postings(self, after: int, limit: int) -> Sequence[Posting]:
        """At most ``limit`` postings with a greater seq, in order, without gaps."""
        ...

    async def own_awards_since(self, at_ms: int) -> Sequence[tuple[str, int]]:
        """User and time of the awards of this moment or later that users asked for themselves.

        In order; what a limiter has to remember after a restart.
        """
        ...

    async def posting(self, award_id: str) -> Posting | None:
        """The posting of an award."""
        ...

    async def postings_of(self, user_id: str, before: int | None, limit: int) -> Sequence[Posting]:
        """A user's postings, newest first, with a seq less than ``before``."""
        ...

    async def scores(
        self, board: str, period: str, after: str | None, limit: int
    ) -> Sequence[Score]:
        """Scores by user id, after a user id: what a ranking loads.

        In this order nobody is missed or met twice, however scores move while pages are read.
        """
        ...

    async def scores_of(self, board: str, period: str, user_ids: Sequence[str]) -> Sequence[Score]:
        """The scores of these users, in any order; whoever has none is left out."""
        ...

    async def marked(self, board: str, period: str) -> tuple[int, int]:
        """The seq and time of the last posting that changed this top without leaving a row in it.

        That is the period's opening, a change of its board (or its freezing), or a score that went
        down.
        """
        ...

    async def audit(self, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """Changes of the catalogue, newest first."""
        ...

    async def bound(self) -> str | None:
        """The fingerprint of the secret that the ledger is tied to, if any."""
        ...

    async def bind(self, fingerprint: str) -> str:
        """Tie the ledger to a secret, unless it is tied already; answers which one it has."""
        ...

    async def lead(self, holder: str, lease_ms: int) -> int | None:
        """Take or renew the lease of the one node that leads, by the ledger's clock.

        Answers the lease's term, or None while another holder's has not run out. A term stays
        while its holder renews it in time, and is greater than all before it otherwise: at least
        the ledger's time in milliseconds, so that a restored ledger does not begin again below
        the terms that others have seen.
        """
        ...

    async def resign(self, holder: str) -> None:
        """End the holder's lease, if it is the holder's, so that nobody waits for its end."""
        ...

    async def bookmark(self, follower: str) -> int:
        """The seq up to which a follower of the postings has come; 0 for a new one."""
        ...

    async def move_bookmark(self, follower: str, seq: int) -> None:
        """Remember how far a follower has come; a smaller seq changes nothing."""
        ...

    def history(self) -> History:
        """The whole ledger as of one moment, while awards go on; in bounded memory.

        Not in it: the secret's fingerprint, the lease and the bookmarks, which belong to nodes.

        Raises:
            Unavailable: there is no more to be had; what came is to be thrown away.
        """
        ...

    async def restore(self, history: History) -> None:
        """Become the ledger of a history, with its epoch, places, ids and times; all or nothing.

        Scores are added up anew from the postings, by the periods that the tallies name, and
        compared with the tallies. Bookmarks begin anew, so that followers get every posting. An
        exception of the iterator ends it.

        Raises:
            HistoryRefused: this ledger has more than its first posting, or the history has a
                posting twice, one of an unknown user, or scores that do not add up. Nothing
                changed.
            Misconfigured: this user may not do it.
            Unavailable: nothing changed.
            OutcomeUnknown: the commit's answer was lost.
        """
        ...

    async def new_epoch(self, caller: str, reason: str) -> Head:
        """Make this ledger another one than its copies, and record who did it and why.

        The epoch becomes the ledger's time, or one more than it was if that is greater; postings
        go on with the next seq.

        Raises:
            Misconfigured: this user may not do it.
        """
        ...

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` on the event loop after commits: hints, no promises.

        After each one of this process; after those of other nodes where the ledger can tell.
        """
        ...
