"""Whether this node should get requests, and what it has to do without."""

from collections.abc import Callable


class Health:
    """Not ready while there is a reason; a dependency lost later degrades it."""

    def __init__(self, *reasons: str) -> None:
        self._reasons = dict.fromkeys(reasons)
        self._degraded: dict[str, set[str]] = {}
        self._hooks: dict[str, Callable[[], None]] = {}

    @property
    def ready(self) -> bool:
        return not self._reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(self._reasons)

    @property
    def degraded(self) -> tuple[str, ...]:
        return tuple(self._degraded)

    def blocked(self, reason: str) -> None:
        """Not ready until ``cleared``."""
        self._reasons[reason] = None

    def cleared(self, reason: str) -> None:
        self._reasons.pop(reason, None)

    def lost(self, dependency: str, by: str = "") -> None:
        """Ready still, and says what is missing, until everybody who lost it has it back."""
        self._degraded.setdefault(dependency, set()).add(by)

    def restored(self, dependency: str, by: str = "") -> bool:
        """Answers whether it was lost, and nobody lacks it now."""
        losers = self._degraded.get(dependency)
        if losers is None:
            return False
        losers.discard(by)
        if losers:
            return False
        del self._degraded[dependency]
        if dependency in self._hooks:
            self._hooks[dependency]()
        return True

    def when_restored(self, dependency: str, call: Callable[[], None]) -> None:
        """Call this each time that a lost dependency is back."""
        self._hooks[dependency] = call
