"""How a ledger's database is, for whoever looks after it."""

from typing import Protocol

from msgspec import Struct


class Condition(Struct, frozen=True):
    """The newest migration that the database has had, and the time by its clock in milliseconds."""

    schema: int
    clock_ms: int


class Conditioned(Protocol):
    """What a ledger tells of its database."""

    async def condition(self) -> Condition:
        """As of now.

        Raises:
            Unavailable: there is no answer.
        """
        ...
