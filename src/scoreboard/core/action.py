"""An action: something worth points that the server knows."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from scoreboard.core.board import DEFAULT_BOARD
from scoreboard.core.identifier import ActionId, BoardId
from scoreboard.core.score import SCORE_MAX

Points = Annotated[int, Meta(ge=-SCORE_MAX, le=SCORE_MAX)]
Cooldown = Annotated[int, Meta(ge=0, le=31_536_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
CAP_SPANS_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Rule(StrEnum):
    """What can refuse an award for what the same user did before."""

    COOLDOWN = "cooldown"
    CAP_MINUTE = "cap-minute"
    CAP_HOUR = "cap-hour"
    CAP_DAY = "cap-day"


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many awards of one action a user may have in any minute, hour or day; 0 is no cap.

    The spans slide (60, 3,600 and 86,400 seconds back from the award): a cap of 5 a day is never
    10 around midnight.
    """

    minute: Count = 0
    hour: Count = 0
    day: Count = 0


NO_CAPS = Caps()


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of an action; ``cooldown_s`` is the least time between two awards of it."""

    action_id: ActionId
    points: Points
    board: BoardId = DEFAULT_BOARD
    cooldown_s: Cooldown = 0
    caps: Caps = NO_CAPS
    requires_signature: bool = False

    @property
    def has_rules(self) -> bool:
        """Whether earlier awards matter to the next one."""
        return self.cooldown_s > 0 or self.caps != NO_CAPS

    def memory_ms(self) -> int:
        """How far back this action's rules look; 0 when it has none."""
        spans = [span for name, span in CAP_SPANS_MS.items() if getattr(self.caps, name)]
        return max([self.cooldown_s * 1000, *spans])

    def broken_rule(self, earlier_ms: Sequence[int], at_ms: int) -> Rule | None:
        """The first rule that an award at this moment breaks.

        ``earlier_ms`` are the moments of the user's awards of this action, oldest first, at least
        as far back as ``memory_ms``.
        """
        if self.cooldown_s and earlier_ms and at_ms - earlier_ms[-1] < self.cooldown_s * 1000:
            return Rule.COOLDOWN
        for name, span_ms in CAP_SPANS_MS.items():
            cap = getattr(self.caps, name)
            if cap and sum(at_ms - moment < span_ms for moment in earlier_ms) >= cap:
                return Rule(f"cap-{name}")
        return None
