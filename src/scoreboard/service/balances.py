"""Balances of another system: as the history that a new ledger begins with, or as awards."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Recorded, Refused, Repeated, derived_id
from scoreboard.core.balance import Balance, balance_award_id
from scoreboard.core.board import DEFAULT_BOARD, Board
from scoreboard.core.history import Count, Counts, Line, Origin, Person, Tally
from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.core.user import Status
from scoreboard.core.window import ALL, Window
from scoreboard.errors import CatalogueMoved, HistoryRefused, ScoreboardError, Unavailable
from scoreboard.ports import AuditEntry, Catalogue, Change, History, Ledger, Part, Prepared

PAGE = 5_000
GROUP = 1_000
MOVES_MAX = 3
"""Tries for a group while somebody else changes the catalogue."""

SALT_BYTES = 16
_FOUNDER = "scoreboard"


class Arrival(Struct, frozen=True, kw_only=True):
    """Balances that arrive together, in the order of ``in_order``, each user once.

    ``action`` names the import and the board; who asked for it, why, and when (milliseconds).
    """

    balances: Sequence[Balance]
    action: Action
    caller: str
    reason: str
    at: int


class Arrived(Struct, frozen=True):
    """What became of balances that were awarded.

    How many were recorded now, how many were already and with the same points; those that were
    recorded earlier with other points, and those that the ledger refused.
    """

    recorded: int
    repeated: int
    differing: Sequence[Balance]
    refused: Sequence[tuple[Balance, ScoreboardError]]


class Beginning:
    """The history of a ledger that begins with balances: a posting each, at its own time.

    ``salt`` draws random bytes. The ledger is one of the same shape as any other: its boards, the
    action and the record of both, then the users, then the postings.
    """

    def __init__(self, arrival: Arrival, salt: Callable[[int], bytes]) -> None:
        self._arrival = arrival
        self._salt = salt
        names = dict.fromkeys((DEFAULT_BOARD, arrival.action.board))
        self._boards = [Board(board=name) for name in names]
        self._began_at = arrival.balances[0].at if arrival.balances else arrival.at
        self._before = len(self._boards)

    async def history(self) -> History:
        """All of it."""
        yield [self._origin()]
        yield self._boards
        yield [self._arrival.action]
        yield self._record()
        for page in _pages(self._people()):
            yield page
        yield self._tallies()
        for page in _pages(self._lines()):
            yield page

    def _origin(self) -> Origin:
        balances, record = self._arrival.balances, self._record()
        return Origin(
            epoch=self._arrival.at,
            seq=self._before + len(balances),
            at=balances[-1].at if balances else self._began_at,
            catalogue=1 + len(record),
            counts=Counts(
                boards=len(self._boards),
                actions=1,
                audit=len(record),
                users=len(balances),
                periods=len(self._boards),
                postings=self._before + len(balances),
            ),
        )

    def _record(self) -> list[AuditEntry]:
        changes: list[tuple[str, str, Board | Action]] = [
            ("board.put", board.board, board) for board in self._boards[1:]
        ]
        action = self._arrival.action
        changes.append(("action.put", action.action_id, action))
        return [
            AuditEntry(
                entry=entry,
                at=self._arrival.at,
                caller=self._arrival.caller,
                operation=operation,
                subject=subject,
                reason=self._arrival.reason,
                before=None,
                after=msgspec.json.encode(after).decode(),
            )
            for entry, (operation, subject, after) in enumerate(changes, 1)
        ]

    def _people(self) -> Iterator[Person]:
        for user_ref, balance in enumerate(self._arrival.balances, 1):
            salt = self._salt(SALT_BYTES)
            yield Person(user_ref, balance.user_id, salt, Status.ACTIVE.value)

    def _tallies(self) -> list[Tally]:
        tallies = []
        for seq, board in enumerate(self._boards, 1):
            count = Count()
            if board.board == self._arrival.action.board:
                self._add_scores(count)
            tallies.append(count.tally(board.board, ALL.name, (seq, self._began_at)))
        return tallies

    def _add_scores(self, count: Count) -> None:
        balances = self._arrival.balances
        by_user = sorted(range(len(balances)), key=lambda place: balances[place].user_id)
        for first in range(0, len(by_user), PAGE):
            page = ((self._before + 1 + at, balances[at]) for at in by_user[first : first + PAGE])
            count.add(Score(one.user_id, one.score, seq, one.at) for seq, one in page)

    def _lines(self) -> Iterator[Line]:
        arrival, epoch = self._arrival, self._arrival.at
        for seq, board in enumerate(self._boards, 1):
            yield Line(
                seq=seq,
                epoch=epoch,
                award_id=derived_id("board", board.board, str(seq)),
                kind=Kind.BOARD,
                board=board.board,
                at=self._began_at,
                caller=_FOUNDER if seq == 1 else arrival.caller,
            )
        for user_ref, balance in enumerate(arrival.balances, 1):
            yield Line(
                seq=self._before + user_ref,
                epoch=epoch,
                award_id=balance_award_id(arrival.action.action_id, balance.user_id),
                kind=Kind.AWARD,
                board=arrival.action.board,
                at=balance.at,
                points=balance.score,
                user_ref=user_ref,
                action_id=arrival.action.action_id,
                score_after=balance.score,
                caller=arrival.caller,
            )


async def award(
    ledger: Ledger, arrival: Arrival, seen: Callable[[int], object] = lambda _: None
) -> Arrived:
    """Award balances now, in groups, each once for ever; ``seen`` is told the size of each group.

    What is cut off is asked again and goes on. Rules of the board do not apply: nobody has earned
    these points just now.

    Raises:
        HistoryRefused: the board has windows, in whose present periods the points would count.
        Unavailable, OutcomeUnknown: the groups before are recorded.
    """
    _ensure_without_windows(await ledger.catalogue(), arrival.action.board)
    await ledger.change(Change(arrival.action, arrival.caller, arrival.reason))
    recorded = repeated = 0
    differing: list[Balance] = []
    refused: list[tuple[Balance, ScoreboardError]] = []
    for first in range(0, len(arrival.balances), GROUP):
        group = arrival.balances[first : first + GROUP]
        awards = [_award(arrival, balance) for balance in group]
        for balance, outcome in zip(group, await _append(ledger, awards), strict=True):
            match outcome:
                case Recorded():
                    recorded += 1
                case Repeated(posting) if posting.points == balance.score:
                    repeated += 1
                case Repeated():
                    differing.append(balance)
                case Refused(error):
                    refused.append((balance, error))
        seen(len(group))
    return Arrived(recorded, repeated, differing, refused)


def _award(arrival: Arrival, balance: Balance) -> Award:
    # What the catalogue has is worth nothing and has ended, so that nobody else can award it.
    action = replace(arrival.action, points=balance.score, active_until=None)
    return Award(
        award_id=balance_award_id(action.action_id, balance.user_id),
        user_id=balance.user_id,
        action=action,
        named=True,
        caller=arrival.caller,
    )


async def _append(ledger: Ledger, awards: list[Award]) -> Sequence[Recorded | Repeated | Refused]:
    board = awards[0].action.board
    for _ in range(MOVES_MAX):
        catalogue = await ledger.catalogue()
        _ensure_without_windows(catalogue, board)
        try:
            return await ledger.append(awards, Prepared(catalogue.version, {board: (ALL,)}))
        except CatalogueMoved:
            continue
    raise Unavailable


def _ensure_without_windows(catalogue: Catalogue, board: str) -> None:
    if catalogue.boards[board].windows != (Window.ALL,):
        raise HistoryRefused(
            f"Board {board} has windows, and in their present periods these points would count as "
            "if earned today: name a board without windows, or a database without a history."
        )


def _pages(parts: Iterator[Part]) -> Iterator[Sequence[Part]]:
    page: list[Part] = []
    for part in parts:
        page.append(part)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
