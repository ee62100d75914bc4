"""Whether this node should get requests, and what it has to do without."""

from collections.abc import Callable


class Health:
    """Not ready while there is a reason; a dependency lost later degrades it."""

    def __init__(self, *reasons: str) -> None:
        self._reasons = dict.fromkeys(reasons)
        self._degraded: dict[str, None] = {}
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

    def lost(self, dependency: str) -> None:
        """Ready still, and says what is missing, until ``restored``."""
        self._degraded[dependency] = None

    def restored(self, dependency: str) -> bool:
        """Answers whether it was lost."""
        if self._degraded.pop(dependency, dependency) is not None:
            return False
        if dependency in self._hooks:
            self._hooks[dependency]()
        return True

    def when_restored(self, dependency: str, call: Callable[[], None]) -> None:
        """Call this each time that a lost dependency is back."""
        self._hooks[dependency] = call
