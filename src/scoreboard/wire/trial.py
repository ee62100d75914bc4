"""What an action's new settings would have made of the newest awards."""

from msgspec import Struct

from scoreboard.core.identifier import ActionId
from scoreboard.wire.fields import Time


class TrialRefusals(Struct, frozen=True):
    """Recorded awards of an action that a rule would have refused."""

    action_id: ActionId
    rule: str
    awards: int


class ActionTrial(Struct, frozen=True, kw_only=True):
    """The newest `postings`, since a time, had the action always had these settings.

    `awards` of them are of the action. All points in them were `points_before`, and would have been
    `points_after`. Nothing was changed: settings count from the moment they are set.
    """

    action_id: ActionId
    postings: int
    since: Time | None
    awards: int
    refused: tuple[TrialRefusals, ...]
    points_before: int
    points_after: int
