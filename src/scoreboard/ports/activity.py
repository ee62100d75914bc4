"""What an audit needs to know of all users' awards, hour by hour."""

from collections.abc import Sequence
from typing import Protocol

from scoreboard.core.activity import Activity, KeyActivity, Sighting


class Activities(Protocol):
    """Awards in their order, and a summary of them by hour that audits write and read.

    The summary follows from the ledger and can be made again at any time. It names users by
    reference alone.

    Raises:
        Unavailable: there is no answer; of a write, nothing happened.
    """

    async def sightings(self, after: int, limit: int) -> Sequence[Sighting]:
        """At most ``limit`` awards with a greater seq, in order; what was reversed later too."""
        ...

    async def seq_before(self, at_ms: int) -> int:
        """The last posting before a moment; 0 for none."""
        ...

    async def newest_user(self, seq: int) -> int:
        """The greatest reference of a user with a posting up to this seq; 0 for none."""
        ...

    async def put_activities(
        self, activities: Sequence[Activity], keys: Sequence[KeyActivity]
    ) -> None:
        """Write hours of users and keys; an hour that is there already is replaced."""
        ...

    async def activities(
        self, after: tuple[int, int], since_hour: int, limit: int
    ) -> Sequence[Activity]:
        """Hours since one, by (user, hour), after such a pair."""
        ...

    async def key_activities(self, since_hour: int) -> Sequence[KeyActivity]:
        """Hours of all keys since one, by (key, hour)."""
        ...

    async def forget_activities(self, before_hour: int) -> None:
        """Leave out the hours before one."""
        ...
