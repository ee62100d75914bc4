"""An audit from the command line: the ledger, and the ranking where it is a server's."""

import contextlib
from collections.abc import AsyncIterator

from scoreboard.assembly.backends import open_ledger, open_ranking, unobserved
from scoreboard.assembly.checkpoints import seal_check_of
from scoreboard.service.auditor import Auditor
from scoreboard.settings import Settings


@contextlib.asynccontextmanager
async def open_auditor(settings: Settings) -> AsyncIterator[Auditor]:
    """An auditor of what the settings name; a ranking in memory is audited by its own service.

    Raises:
        Misconfigured, Unavailable: it cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(settings))
        ranking = None
        if settings.ranking.shared:
            ranking = await open_ranking(settings.ranking, unobserved, stack)
        seals = seal_check_of(settings, ledger)
        yield Auditor(ledger, ranking, seals, holds=settings.audit_holds)
