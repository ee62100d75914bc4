"""Whether this node should get requests, and what it has to do without."""


class Health:
    """Not ready while there is a reason; a dependency lost later degrades it."""

    def __init__(self, *reasons: str) -> None:
        self._reasons = dict.fromkeys(reasons)
        self._degraded: dict[str, None] = {}

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
        return self._degraded.pop(dependency, dependency) is None
