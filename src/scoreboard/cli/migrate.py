"""``scoreboard migrate``: the database brought up to date, and opened to the service's role."""

from typing import Annotated, Protocol, cast

import msgspec
from cyclopts import Parameter

from scoreboard import assembly
from scoreboard.cli.database import exists, place
from scoreboard.cli.options import Data, load
from scoreboard.cli.terminal import Failure, say
from scoreboard.errors import Misconfigured
from scoreboard.settings import Settings


class _Granting(Protocol):
    """A ledger on a server with roles."""

    async def grant(self, role: str) -> None: ...


async def migrate(
    *,
    grant: Annotated[
        str | None,
        Parameter(
            help="Role of a PostgreSQL server that the service runs as: gets the rights it needs, "
            "and none to rewrite the ledger."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Bring the database up to date; makes it when there is none. It is safe to repeat."""
    settings = load(data=data)
    if grant is not None and not settings.ledger.shared:
        raise Failure(
            "SQLite has no roles: whoever can write the file can change the ledger. "
            "--grant is for PostgreSQL."
        )
    was_current = await _is_current(settings)
    async with assembly.open_ledger(settings, may_migrate=True) as ledger:
        head = await ledger.head()
        if grant is not None:
            await cast("_Granting", ledger).grant(grant)
    done = "was up to date" if was_current else "is now up to date"
    say(f"The database {place(settings)} {done}; its last posting is {head.seq:,}.")
    if grant is not None:
        say(f"The role {grant} may read and add, and not rewrite: name it in the service's LEDGER.")


async def _is_current(settings: Settings) -> bool:
    if not exists(settings):
        return False
    try:
        async with assembly.open_ledger(msgspec.structs.replace(settings, migrate=False)):
            return True
    except Misconfigured:
        return False
