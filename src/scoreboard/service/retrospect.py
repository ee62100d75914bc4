"""The past, from the postings themselves: why a score is what it is, and who stood where when."""

from collections.abc import Sequence

from msgspec import Struct

from scoreboard.core.past import Explanation
from scoreboard.core.posting import Posting
from scoreboard.core.standing import Page, Row, Standing, ranked
from scoreboard.errors import InvalidParameter, NotFound
from scoreboard.ports import Ledger
from scoreboard.service.reader import OWN, Reader, Sight

TIED_RADIUS = 10
"""How far on either side those with the same score are told."""


class Moment(Struct, frozen=True):
    """A place in the ledger's past: a seq, or a time in milliseconds."""

    seq: int | None = None
    at_ms: int | None = None


class Retrospect:
    """Asks the ledger; what it tells of ranks of now comes from the reader."""

    def __init__(self, ledger: Ledger, reader: Reader) -> None:
        self._ledger = ledger
        self._reader = reader

    async def explain(
        self, board_name: str, period_name: str, user_id: str, sight: Sight = OWN
    ) -> Explanation:
        """Why a user's score is what it is; for the user, shown or not.

        The account is true at its place, the standing may trail it; under a frozen board it is that
        of the freeze, or None for whoever has points only since then.

        Raises:
            NotFound: no such board or window, or no score.
        """
        board = self._reader.board(board_name)
        period = board.period(period_name, self._reader.now_ms())
        account = await self._ledger.account_of(board.board, period, user_id)
        asked = (board.board, period.name, user_id)
        told = (board.board, period.name, board.tie, account)
        try:
            standing = await self._reader.standing(*asked, sight)
            rows = await self._reader.around(*asked, TIED_RADIUS, sight)
        except NotFound:
            if board.frozen is None or sight.live:
                raise
            return Explanation(*told, None, ())
        return Explanation(*told, standing, _tied(rows, user_id))

    async def top(
        self, board_name: str, period_name: str, moment: Moment, limit: int
    ) -> tuple[str, Page]:
        """The first rows of a period as of a moment, and its name.

        Raises:
            NotFound: no such board or window, or the ledger begins later.
            InvalidParameter: there is no such seq yet.
            Unavailable: also, when too many postings lie between the period's start and then.
        """
        board = self._reader.board(board_name)
        last = await self._posting(moment)
        period = board.period(period_name, self._time_of(moment, last))
        scores = await self._ledger.top_at(board, period, last.seq, limit)
        rows = ranked(scores, 0, board.tie, 0)
        return period.name, Page(rows, last.epoch, last.seq, last.at, None)

    async def standing(
        self, board_name: str, period_name: str, moment: Moment, user_id: str
    ) -> Standing:
        """A user's standing as of a moment; raises as ``top``, and NotFound for no score."""
        board = self._reader.board(board_name)
        last = await self._posting(moment)
        period = board.period(period_name, self._time_of(moment, last))
        return await self._ledger.standing_at(board, period, last.seq, user_id)

    def _time_of(self, moment: Moment, last: Posting) -> int:
        """By which current periods are told: a day in which nothing happened is one as well."""
        if moment.at_ms is None:
            return last.at
        return max(last.at, min(moment.at_ms, self._reader.now_ms()))

    async def _posting(self, moment: Moment) -> Posting:
        if moment.at_ms is not None:
            return await self._ledger.posting_at(moment.at_ms)
        found = await self._ledger.postings((moment.seq or 0) - 1, 1) if moment.seq else ()
        if not found:
            raise InvalidParameter
        return found[0]


def _tied(rows: Sequence[Row], user_id: str) -> tuple[Row, ...]:
    own = next((row for row in rows if row.user_id == user_id), None)
    if own is None:
        raise NotFound  # it has just gone
    return tuple(row for row in rows if row.score == own.score)
