"""What an action's new settings would have made of the newest awards: a short simulation."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.posting import Kind, Posting
from scoreboard.errors import InvalidPayload
from scoreboard.ports import Ledger
from scoreboard.service.simulation import Proposal, Simulated, Simulation

POSTINGS_MAX = 10_000
"""The newest postings that a trial looks at: 0.06 s of CPU; ``rules simulate`` takes all."""

PAGE = 1_000


class Trial(Struct, frozen=True):
    """What was simulated, over so many newest ``postings`` since a time in milliseconds.

    ``awards`` of them are of the action.
    """

    postings: int
    since: int | None
    awards: int
    simulated: Simulated


class Trials:
    """Tries settings on what the ledger holds, beside the awards that go on; changes nothing."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of_action(self, action: Action) -> Trial:
        """The newest postings, had the action always had these settings.

        Raises:
            InvalidPayload: there is no such board.
        """
        boards = (await self._ledger.catalogue()).boards
        if action.board not in boards:
            raise InvalidPayload("/board")
        head = await self._ledger.head()
        pages = await self._newest(head.seq)
        simulation = Simulation(boards, Proposal({action.action_id: action}), head.at)
        for take in (simulation.foresee, simulation.add):
            for page in pages:
                take(page)
                await asyncio.sleep(0)  # awards go first
        found = [posting for page in pages for posting in page]
        return Trial(
            postings=len(found),
            since=found[0].at if found else None,
            awards=sum(_is_award(posting, action) for posting in found),
            simulated=simulation.result(0),
        )

    async def _newest(self, head: int) -> Sequence[Sequence[Posting]]:
        start = max(0, head - POSTINGS_MAX)
        pages: list[Sequence[Posting]] = []
        after = start
        while after < head:
            page = await self._ledger.postings(after, min(PAGE, head - after))
            if not page:
                break
            after = page[-1].seq
            # What takes back an award from before is no difference that the settings make.
            pages.append([each for each in page if (each.reverses or head) > start])
        return pages


def _is_award(posting: Posting, action: Action) -> bool:
    return posting.kind is Kind.AWARD and posting.action_id == action.action_id
