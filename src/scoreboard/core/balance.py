"""A balance: what a user brings along from another system, before the first award here."""

from collections.abc import Iterable

from msgspec import Struct

from scoreboard.core.award import derived_id


class Balance(Struct, frozen=True, gc=False):
    """A user's score elsewhere, and when it changed last (milliseconds).

    ``line`` is where in a file it was read.
    """

    user_id: str
    score: int
    at: int
    line: int = 0


def in_order(balances: Iterable[Balance]) -> list[Balance]:
    """As a ledger takes them: by time, and at one moment as they were given.

    So ties go to whoever got there first, and where no time is known to whoever is named first.
    """
    return sorted(balances, key=lambda balance: balance.at)


def balance_award_id(action_id: str, user_id: str) -> str:
    """The award id of a user's balance: an import is named by its action, and counts once."""
    return derived_id("balance", action_id, user_id)
