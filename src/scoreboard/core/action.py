"""An action: something worth points that the server knows."""

from typing import Annotated

from msgspec import Meta, Struct

from scoreboard.core.board import DEFAULT_BOARD
from scoreboard.core.identifier import ActionId, BoardId
from scoreboard.core.rule import NO_CAPS, Caps, Hit, Past, Rule
from scoreboard.core.score import SCORE_MAX
from scoreboard.errors import InvalidPayload

Points = Annotated[int, Meta(ge=-SCORE_MAX, le=SCORE_MAX)]
Cooldown = Annotated[int, Meta(ge=0, le=31_536_000)]


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of an action, moments in milliseconds.

    ``cooldown_s`` is the least time between two awards of it to a user; it can be awarded from
    ``active_from`` on and before ``active_until``. In the shadow its rules are judged and counted,
    and refuse nothing.
    """

    action_id: ActionId
    points: Points
    board: BoardId = DEFAULT_BOARD
    cooldown_s: Cooldown = 0
    caps: Caps = NO_CAPS
    requires_signature: bool = False
    active_from: int | None = None
    active_until: int | None = None
    shadow: bool = False

    def __post_init__(self) -> None:
        """Refuse a span without a moment in it.

        Raises:
            InvalidPayload: it ends before it begins.
        """
        if self.active_until is not None and self.active_until <= (self.active_from or 0):
            raise InvalidPayload("/active_until")

    @property
    def has_rules(self) -> bool:
        """Whether its awards have to be judged."""
        return (
            self.cooldown_s > 0
            or self.caps != NO_CAPS
            or self.active_from is not None
            or self.active_until is not None
        )

    def broken_rule(self, past: Past, at_ms: int) -> Hit | None:
        """The first of its rules that an award at this moment breaks.

        ``past`` is that of the user with this action, as of this moment.
        """
        return (
            self._out_of_time(at_ms)
            or self._too_soon(past.last_ms, at_ms)
            or self.caps.exceeded(past, "cap")
        )

    def _out_of_time(self, at_ms: int) -> Hit | None:
        if self.active_from is not None and at_ms < self.active_from:
            return Hit(Rule.TIME_SPAN, self.active_from, at_ms, 0)
        if self.active_until is not None and at_ms >= self.active_until:
            return Hit(Rule.TIME_SPAN, self.active_until, at_ms, 0)
        return None

    def _too_soon(self, last_ms: int | None, at_ms: int) -> Hit | None:
        cooldown_ms = self.cooldown_s * 1000
        if last_ms is None or at_ms - last_ms >= cooldown_ms:
            return None
        return Hit(Rule.COOLDOWN, cooldown_ms, at_ms - last_ms, self.cooldown_s)
