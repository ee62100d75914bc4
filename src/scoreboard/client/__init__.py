"""Clients of the service: awards, boards, and the live feed, blocking or with asyncio.

    from scoreboard.client import Client, SqliteOutbox

    with Client("https://scores.example", token, outbox=SqliteOutbox("outbox")) as client:
        client.resend()
        client.award("ada", "quiz-finished")
        for snapshot in client.watch("default"):
            print(snapshot.rows)

What to send and when to give up is decided once, without I/O, in ``calls``, ``reads`` and
``follow``; ``Client`` and ``AsyncClient`` carry it out. What ``verification`` is given, it verifies
without asking anybody.
"""

from typing import TYPE_CHECKING

from scoreboard import loaded_late

if TYPE_CHECKING:
    from scoreboard.client.async_client import AsyncClient
    from scoreboard.client.calls import Receipt, Resent
    from scoreboard.client.follow import Link
    from scoreboard.client.outbox import Outbox, OutboxFull, Pending, SqliteOutbox
    from scoreboard.client.patience import Patience
    from scoreboard.client.problem import ClientProblem
    from scoreboard.client.signing import Signer
    from scoreboard.client.sync_client import Client
    from scoreboard.client.verification import (
        NotProven,
        verified_award,
        verified_checkpoint,
        verify_growth,
    )

__all__ = [
    "AsyncClient",
    "Client",
    "ClientProblem",
    "Link",
    "NotProven",
    "Outbox",
    "OutboxFull",
    "Patience",
    "Pending",
    "Receipt",
    "Resent",
    "Signer",
    "SqliteOutbox",
    "verified_award",
    "verified_checkpoint",
    "verify_growth",
]

_ROOMS = {
    "AsyncClient": "async_client",
    "Client": "sync_client",
    "ClientProblem": "problem",
    "Link": "follow",
    "NotProven": "verification",
    "Outbox": "outbox",
    "OutboxFull": "outbox",
    "Patience": "patience",
    "Pending": "outbox",
    "Receipt": "calls",
    "Resent": "calls",
    "Signer": "signing",
    "SqliteOutbox": "outbox",
    "verified_award": "verification",
    "verified_checkpoint": "verification",
    "verify_growth": "verification",
}

# Who only signs needs no HTTP, and the command line starts at once.
__getattr__ = loaded_late(__name__, _ROOMS)
