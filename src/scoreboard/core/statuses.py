"""How users stand by their postings, and what may be posted about them then."""

from scoreboard.core.history import Line, Person
from scoreboard.core.posting import Kind
from scoreboard.core.user import LEADS_TO, Status


class Statuses:
    """Takes the people of a ledger, then all postings in order.

    Memory grows with those who are not active or were erased.
    """

    def __init__(self) -> None:
        self._kept: dict[int, str] = {}
        self._posted: dict[int, str] = {}
        self._nameless: set[int] = set()
        self._erased: set[int] = set()
        self._without: set[int | None] = set()  # who gets no awards

    def expect(self, person: Person) -> None:
        """How somebody stands as it was kept."""
        if person.status != Status.ACTIVE:
            self._kept[person.user_ref] = person.status
        if person.user_id is None:
            self._nameless.add(person.user_ref)

    def add(self, line: Line) -> bool:
        """Whether a ledger posts this: nothing to the erased, and no award to the banned."""
        user, kind = line.user_ref, line.kind
        if kind is Kind.AWARD:
            return user not in self._without
        if user is None:
            return True
        if user in self._erased:
            return False
        if kind is Kind.ERASE:
            self._erased.add(user)
        elif kind in LEADS_TO:
            self._posted[user] = LEADS_TO[kind]
        if user in self._erased or self._posted.get(user) == Status.BANNED:
            self._without.add(user)
        else:
            self._without.discard(user)
        return True

    def differing(self) -> list[int]:
        """Who stands otherwise than the postings say, or has a name otherwise; by reference."""
        users = self._kept.keys() | self._posted.keys() | (self._nameless ^ self._erased)
        return sorted(user for user in users if self._differs(user))

    def _differs(self, user: int) -> bool:
        kept, posted = (of.get(user, Status.ACTIVE) for of in (self._kept, self._posted))
        return kept != posted or (user in self._nameless) != (user in self._erased)
