"""The four ports: what the services need of a technology, and what it promises them.

Every adapter of a port runs the same contract suite. Adapters translate their driver's errors
into ``errors.Unavailable`` (nothing happened), ``errors.OutcomeUnknown`` (it may have) or
``errors.Misconfigured`` (it never will).
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Outcome
from scoreboard.core.board import Board
from scoreboard.core.history import Line, Origin, Person, Tally
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.standing import Page, Row, Snapshot, Standing
from scoreboard.core.window import Period

Key = tuple[int, int]
"""A sort key, from ``Score.key``."""

Place = tuple[int, int]
"""An (epoch, seq)."""

APPLY_MAX = 256
"""The most postings in one group that a ranking takes at once."""

COUNT_MAX = 100_000
"""How many better scores a ledger counts for one standing before it says that it cannot."""

News = Snapshot | Board
"""What a bus tells: a new top, or a board as it is defined now."""


class Head(Struct, frozen=True):
    """How far the ledger has come; ``at`` is the time of its last posting."""

    epoch: int
    seq: int
    at: int


class Opening(Struct, frozen=True):
    """A window's new period, to be shown though nothing was posted in it yet."""

    board: str
    period: str


class Change(Struct, frozen=True):
    """One change of the catalogue, with who asked for it and why."""

    subject: Action | Board | SigningKey
    caller: str
    reason: str


class Catalogue(Struct, frozen=True):
    """All actions, boards and keys as of a version."""

    version: int
    actions: Mapping[str, Action]
    boards: Mapping[str, Board]
    keys: Mapping[str, SigningKey] = {}


class AuditEntry(Struct, frozen=True):
    """Who changed what, when and why; ``at`` in milliseconds."""

    entry: int
    at: int
    caller: str
    operation: str
    subject: str
    reason: str
    before: str | None
    after: str | None


Part = Origin | Board | Action | SigningKey | AuditEntry | Person | Tally | Line
"""A piece of a ledger's history."""

History = AsyncIterator[Sequence[Part]]
"""A ledger as of one moment, in pages of one part or more, all of one kind.

In the order of ``Part``: one origin, the boards, the actions, the keys, the audit entries from
the first on, the people by reference, a tally of each period that has scores or a mark (and of
each board's ``all``), and the postings from the first on.
"""


class Standings(Protocol):
    """Reads of scores in their order; each answer is true at one moment.

    A ranking answers None for a period that it does not hold; the ledger holds every period and
    is slower.
    """

    async def snapshot(self, board: Board, period: str) -> Snapshot | None:
        """The top ten."""
        ...

    async def page(self, board: Board, period: str, after: Key | None, limit: int) -> Page | None:
        """Rows in order, after a sort key."""
        ...

    async def standing(self, board: Board, period: str, user_id: str) -> Standing | None:
        """One user's standing.

        Raises:
            NotFound: the user has no score in it.
            Unavailable: also, of a shared ledger, when over ``COUNT_MAX`` scores stand before it.
        """
        ...

    async def around(
        self, board: Board, period: str, user_id: str, radius: int
    ) -> Sequence[Row] | None:
        """A user's row between its neighbours, at most ``radius`` on either side.

        Raises:
            NotFound: the user has no score in it.
        """
        ...

    async def total(self, board: Board, period: str) -> int | None:
        """How many users stand in the period."""
        ...


class Prepared(Struct, frozen=True):
    """The version of the catalogue, and the current periods of each board in the group."""

    catalogue_version: int
    periods: Mapping[str, Sequence[Period]]


class Ledger(Standings, Protocol):
    """Remembers: the append-only order of all postings, and the scores that follow from it.

    Everything that ``append`` or ``change`` answers for is committed and flushed to disk before
    it returns. Postings are numbered without gaps in commit order, whoever writes.
    """

    async def append(self, awards: Sequence[Award], prepared: Prepared) -> Sequence[Outcome]:
        """Record a group of awards in one transaction, each judged on its own; answers in order.

        An award whose id is
        known is Repeated, also within the group; if it is for another user or action it is
        Refused with AwardConflict. Rules of the action are judged against the ledger in group
        order. One award never fails another.

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

        That is the period's opening, a change of its board, or a score that went down.
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


class Move(Struct, frozen=True, gc=False):
    """What one posting does to one user's score on one board in one period."""

    board: str
    period: str
    user_id: str
    points: int
    seq: int
    at: int


class Mark(Struct, frozen=True, gc=False):
    """A change of a top that changes no score: its period was opened, or its board changed."""

    board: str
    period: str
    seq: int
    at: int


class Group(Struct, frozen=True):
    """Postings ``after`` < seq <= ``upto`` as moves, in order, and the tops they marked."""

    epoch: int
    after: int
    upto: int
    moves: tuple[Move, ...]
    marks: tuple[Mark, ...] = ()


class Ranking(Standings, Protocol):
    """Ranks: scores in order, an index of open periods, rebuildable from the ledger at any time.

    Everybody reads; only the leader of the newest term changes it. A ranking that finds itself
    damaged (emptied, evicted, of wrong types) has no place any more and answers None to reads.

    Raises:
        Unavailable: it cannot be reached.
        Deposed: from whatever changes it: a later term leads; nothing changed.
    """

    async def lead(self, term: int) -> None:
        """Change it from now on as the leader of this term; an index half rebuilt is dropped."""
        ...

    async def place(self) -> Place | None:
        """The (epoch, seq) reached, or None when it has to be rebuilt first."""
        ...

    async def apply(self, group: Group) -> Sequence[tuple[str, str]]:
        """Apply a group and move the place in one step; answers whose tops it changed.

        A move whose seq is not greater than that of the user's score is already in it.

        Raises:
            OutOfPlace: the group does not begin right after the place; nothing changed.
        """
        ...

    async def rebuild(self, place: Place) -> None:
        """Begin a new, empty index at this place, beside the one that is being read.

        From now on ``place``, ``apply`` and ``load`` are about the new one.
        """
        ...

    async def load(self, mark: Mark, scores: Sequence[Score]) -> None:
        """Add scores, in any order, to one period of the new index.

        ``mark`` names the period and says what last changed its top without leaving a row.
        """
        ...

    async def switch(self) -> None:
        """Read from the new index, now that it has caught up; the old one is gone."""
        ...

    async def forget(self, board: str, period: str) -> None:
        """Drop a period that is over."""
        ...

    async def periods(self) -> Sequence[tuple[str, str]]:
        """The (board, period) pairs it holds."""
        ...

    async def scores_of(
        self, board: str, period: str, user_ids: Sequence[str]
    ) -> tuple[Place, Sequence[Score]] | None:
        """The scores of these users, in any order, and the place at which they are true.

        None for a period that it does not hold.
        """
        ...


class Bus(Protocol):
    """Tells every node the newest tops and the boards they belong to.

    At least once, possibly out of order: whoever hears keeps the snapshot with the greatest
    (epoch, seq), and of a board the one heard last.
    """

    async def publish(self, news: Sequence[News]) -> None:
        """Return when the news are with the bus for good.

        Raises:
            Unavailable: they may not be; publish them, or newer ones, again.
        """
        ...

    async def close_period(self, board: str, period: str) -> None:
        """A period is over: nobody who comes now needs its top.

        Raises:
            Unavailable: the bus cannot be reached.
        """
        ...

    def news(self) -> AsyncIterator[Sequence[News]]:
        """The newest known of everything, as the first batch, then what is published, in batches.

        The first batch comes when it is complete, and may be empty. It never ends and raises
        nothing: while the bus is lost it waits; what was missed meanwhile comes afterwards.
        """
        ...

    async def feed(self, postings: Sequence[Posting]) -> None:
        """Hand postings to other systems, in order; return when the bus has all of them for good.

        A bus without such a feed has nothing to do.

        Raises:
            Unavailable: some may be missing; feed all of them again.
        """
        ...


class Verdict(Struct, frozen=True):
    """Whether a hit was within the limit, what is left, and when more will be (seconds)."""

    allowed: bool
    remaining: int
    reset_s: int


class Rate(Struct, frozen=True):
    """At most ``limit`` hits in any span of ``window_s`` seconds; a limit of 0 is off."""

    limit: int
    window_s: int


class Limiter(Protocol):
    """Counts hits in a sliding log: never more than the limit in any span of the window."""

    async def hit(self, key: str, rate: Rate) -> Verdict:
        """Take a slot when one is free; a refused hit consumes nothing."""
        ...

    async def give_back(self, key: str) -> None:
        """Return the newest slot of a key: what it was taken for did not happen."""
        ...

    async def remember(self, key: str, rate: Rate, age_s: float) -> None:
        """Enter a hit of the past, oldest first, so that a restart grants nothing twice."""
        ...
