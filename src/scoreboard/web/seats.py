"""How many may watch a node at once: in all, from one address, and as one user."""

from collections.abc import Callable

from scoreboard.errors import Overloaded, TooManyConnections
from scoreboard.telemetry import Telemetry

RETRY_AFTER_S = 10


class Seats:
    """Counts open live connections of both transports."""

    def __init__(
        self, *, total: int, per_address: int, per_user: int, telemetry: Telemetry
    ) -> None:
        self._free = total
        self._per_address = per_address
        self._per_user = per_user
        self._telemetry = telemetry
        self._addresses: dict[str, int] = {}
        self._users: dict[str, int] = {}

    def take(self, address: str, transport: str) -> Callable[[], None]:
        """A seat, and the function that gives it back (more than once is fine).

        Raises:
            Overloaded: the node is full.
            TooManyConnections: the address has as many as it may.
        """
        if self._free <= 0:
            self._refuse("node")
            raise Overloaded(RETRY_AFTER_S)
        if self._addresses.get(address, 0) >= self._per_address:
            self._refuse("address")
            raise TooManyConnections(RETRY_AFTER_S)
        self._free -= 1
        _add(self._addresses, address)
        gauge = self._telemetry.child("scoreboard_viewers", transport)
        gauge.inc()
        taken = [True]

        def leave() -> None:
            if taken:
                taken.clear()
                self._free += 1
                _subtract(self._addresses, address)
                gauge.dec()

        return leave

    def take_user(self, user: str) -> None:
        """Raises: TooManyConnections: the user has as many as one may."""
        if self._users.get(user, 0) >= self._per_user:
            self._refuse("user")
            raise TooManyConnections(RETRY_AFTER_S)
        _add(self._users, user)

    def leave_user(self, user: str) -> None:
        """Give back what ``take_user`` took."""
        _subtract(self._users, user)

    def _refuse(self, reason: str) -> None:
        self._telemetry.child("scoreboard_viewers_refused_total", reason).inc()


def user_seat(issuer: str, subject: str) -> str:
    """The name under which a caller's connections are counted."""
    return f"{issuer}\n{subject}"


def _add(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _subtract(counts: dict[str, int], name: str) -> None:
    left = counts.get(name, 0) - 1
    if left > 0:
        counts[name] = left
    else:
        counts.pop(name, None)
