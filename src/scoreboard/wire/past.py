"""Why a score is what it is."""

from msgspec import Struct

from scoreboard.core.board import Tie
from scoreboard.core.identifier import ActionId, BoardId
from scoreboard.core.moment import rfc3339
from scoreboard.core.past import Explanation as Told
from scoreboard.wire.boards import Row, UserStanding, rows, user_standing
from scoreboard.wire.fields import Time


class ActionSum(Struct, frozen=True):
    """What the postings of one action come to; ``reversed`` of the awards were taken back."""

    action_id: ActionId
    awards: int
    reversed: int
    points: int
    first_at: Time
    last_at: Time


class Explanation(Struct, frozen=True):
    """How a score came about, by action, the most points first; true at ``(epoch, seq)``.

    ``complete`` says that the actions add up to it. ``tied`` are the nearest with the same score,
    the user among them, in the order that ``tie`` and the times of their last points give. On a
    frozen board these are as of the freeze, and ``standing`` is null for who has points only since.
    """

    board: BoardId
    period: str
    epoch: int
    seq: int
    score: int
    actions: tuple[ActionSum, ...]
    complete: bool
    standing: UserStanding | None
    tie: Tie
    tied: tuple[Row, ...]


def explanation(told: Told) -> Explanation:
    account = told.account
    return Explanation(
        board=told.board,
        period=told.period,
        epoch=account.epoch,
        seq=account.seq,
        score=account.score.score,
        actions=tuple(
            ActionSum(
                each.action_id,
                each.awards,
                each.reversed,
                each.points,
                rfc3339(each.first_at),
                rfc3339(each.last_at),
            )
            for each in account.actions
        ),
        complete=account.complete,
        standing=None if told.standing is None else user_standing(told.standing),
        tie=told.tie,
        tied=rows(told.tied),
    )
