"""Compares the ranking with the ledger: a sample each minute."""

import asyncio
import random
import string
from collections.abc import Callable, Sequence

from msgspec import Struct

from scoreboard.core.score import Score
from scoreboard.errors import ScoreboardError
from scoreboard.ports import Ledger, Ranking
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.leadership import Leadership
from scoreboard.service.turns import unseen_in
from scoreboard.telemetry import Event, Telemetry, log

CHECK_EVERY_S = 60.0
SAMPLE = 100
TOP = 100

LOOKS = 2
"""A difference that is gone at the next look was a posting on its way."""

LOOK_EVERY_S = 0.5
PATIENCE = 20
"""So many looks a ranking has to reach the ledger's head; after that, all is on its way."""

STARTS = string.digits + string.ascii_letters
"""What a user id begins with: a sample is the users that follow one of these."""

Span = tuple[str, str]


class Compared(Struct, frozen=True):
    """How many scores were the same, on the move between the two reads, or different."""

    same: int = 0
    moving: int = 0
    different: int = 0

    def plus(self, other: "Compared") -> "Compared":
        return Compared(
            self.same + other.same, self.moving + other.moving, self.different + other.different
        )


class DriftCheck:
    """Looks on the node that leads; ``distrust`` is called when the ranking is wrong."""

    def __init__(  # noqa: PLR0913 - the two it compares, and whom it tells
        self,
        ledger: Ledger,
        ranking: Ranking,
        catalogue: CurrentCatalogue,
        leadership: Leadership,
        *,
        distrust: Callable[[], None],
        telemetry: Telemetry,
    ) -> None:
        self._ledger = ledger
        self._ranking = ranking
        self._catalogue = catalogue
        self._leadership = leadership
        self._distrust = distrust
        self._telemetry = telemetry
        self._drift = telemetry.child("scoreboard_ranking_drift")
        self._random = random.Random()  # noqa: S311 - a sample is no secret
        self._suspects: frozenset[str] = frozenset()
        self._suspected_at = 0

    async def run(self) -> None:
        """Check for ever; what cannot be read now is read next time."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            if self._leadership.term is None:
                self._drift.set(0)  # another node looks, and tells what it finds
                continue
            try:
                await self.check()
            except ScoreboardError as error:
                log().warning(Event.RELAY_FAILED, code=error.code)
            except Exception:  # noqa: BLE001 - a look may not end the service
                log().exception(Event.RELAY_FAILED)

    async def check(self) -> Compared:
        """Compare who is not shown, and the top hundred and a sample of every open period."""
        total = await self._unseen()
        for span in await self._ranking.periods():
            total = total.plus(await self._sampled(span))
        self._drift.set(total.different)
        for result in Compared.__struct_fields__:
            checked = self._telemetry.child("scoreboard_drift_checks_total", result)
            checked.inc(getattr(total, result))
        if total.different:
            log().error(Event.RANKING_DIFFERS, scores=total.different)
            self._distrust()
        return total

    async def _unseen(self) -> Compared:
        """Compare all who are not shown.

        Nothing tells when they became so. Whoever differs, and differed when the ledger was at a
        place that the ranking has passed since, is not on the move.
        """
        kept, head = await unseen_in(self._ledger), await self._ledger.head()
        ranked = await self._ranking.unseen()
        if ranked is None:
            return Compared()
        (_, seq), users = ranked
        differing = kept ^ frozenset(users)
        wrong = differing & self._suspects if seq >= self._suspected_at else frozenset()
        self._suspects, self._suspected_at = differing - wrong, head.seq
        return Compared(len(kept) - len(kept & differing), len(differing - wrong), len(wrong))

    async def _sampled(self, span: Span) -> Compared:
        board = self._catalogue.boards.get(span[0])
        if board is None:
            return Compared()
        page = await self._ranking.page(board, span[1], None, TOP)
        top = [row.user_id for row in page.rows] if page else []
        sample = await self._ledger.scores(*span, self._random.choice(STARTS), SAMPLE)
        users = list(dict.fromkeys([*top, *(score.user_id for score in sample)]))
        return await compared_again(self._ledger, self._ranking, span, users)


async def compared_again(
    ledger: Ledger, ranking: Ranking, span: Span, users: Sequence[str]
) -> Compared:
    """As ``compared``, and what differs is looked at again when all that was posted has arrived.

    Whoever was erased has no score in the ledger at once, and nothing there tells since when. As
    long as the ranking does not reach the ledger's head, what differs is on the move.
    """
    found = await compared(ledger, ranking, span, users)
    for _ in range(LOOKS - 1):
        if found.different:
            found = await compared(ledger, ranking, span, users)
    if not found.different:
        return found
    if not await reached_head(ledger, ranking):
        return Compared(found.same, found.moving + found.different)
    return await compared(ledger, ranking, span, users)


async def reached_head(ledger: Ledger, ranking: Ranking) -> bool:
    """Wait, for ten seconds at most, until the ranking has everything that the ledger has by now.

    False also for a ranking that has to be rebuilt.
    """
    head = await ledger.head()
    for _ in range(PATIENCE):
        ranked = await ranking.unseen()
        if ranked is None or ranked[0] >= (head.epoch, head.seq):
            return ranked is not None
        await asyncio.sleep(LOOK_EVERY_S)
    return False


async def compared(ledger: Ledger, ranking: Ranking, span: Span, users: Sequence[str]) -> Compared:
    """Compare the scores of these users on a board in a period.

    The ledger is read last, so it is never behind: a score that it changed after the place of
    the ranking is on the move, any other has to be the same.
    """
    ranked = await ranking.scores_of(*span, users)
    if ranked is None:
        return Compared()
    (_, seq), scores = ranked
    known = {score.user_id: score for score in scores}
    kept = {score.user_id: score for score in await ledger.scores_of(*span, users)}
    total = Compared()
    for user_id in users:
        total = total.plus(_compare(known.get(user_id), kept.get(user_id), seq))
    return total


def _compare(ranked: Score | None, kept: Score | None, seq: int) -> Compared:
    if ranked == kept:
        return Compared(same=1)
    if kept is not None and kept.seq > seq:
        return Compared(moving=1)
    return Compared(different=1)
