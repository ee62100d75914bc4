"""Boards, tops and standings."""

from typing import Annotated

from msgspec import Meta, Struct

from scoreboard.core.board import Tie
from scoreboard.core.identifier import BoardId, UserId
from scoreboard.core.moment import rfc3339
from scoreboard.core.standing import Row as RankedRow
from scoreboard.core.standing import Snapshot, Standing
from scoreboard.core.window import Window
from scoreboard.wire.fields import Rank, Time


class Row(Struct, frozen=True):
    """One line of a board."""

    rank: Rank
    user_id: UserId
    score: int
    updated_at: Time


class Top(Struct, frozen=True, kw_only=True):
    """A page of a board in a period, true at ``(epoch, seq)``; ``next`` is the next cursor."""

    board: BoardId
    period: str
    epoch: int
    seq: int
    at: Time
    rows: tuple[Row, ...]
    next: str | None = None


class ToNext(Struct, frozen=True):
    """The next better rank, and the fewest points that reach it."""

    rank: Rank
    points: Annotated[int, Meta(ge=1)]


class UserStanding(Struct, frozen=True):
    """Where a user stands."""

    rank: Rank
    user_id: UserId
    score: int
    updated_at: Time
    total_users: int
    percentile: float
    to_next: ToNext | None


class Around(Struct, frozen=True):
    """A user between its neighbours."""

    rows: tuple[Row, ...]


class CurrentWindow(Struct, frozen=True):
    """A window's current period; ``next_reset_at`` is null for ``all``."""

    window: Window
    period: str
    next_reset_at: Time | None


class BoardView(Struct, frozen=True):
    """A board, its current periods, and how many users stand on it.

    ``frozen_at`` is null unless the board is frozen: since then the public sees it as it was.
    ``frozen_checkpoint`` is the first signed checkpoint that covers that; null until it is signed.
    A service that knows no freezes sends neither.
    """

    board: BoardId
    title: str
    tie: Tie
    time_zone: str
    windows: tuple[CurrentWindow, ...]
    total_users: int
    frozen_at: Time | None = None
    frozen_checkpoint: str | None = None


class Boards(Struct, frozen=True):
    """All boards."""

    boards: tuple[BoardView, ...]


class AdminBoard(BoardView, frozen=True, kw_only=True):
    """A board as an administrator sees it: with its rule, which players need not know."""

    points_per_hour: int
    shadow: bool


class AdminBoards(Struct, frozen=True):
    """All boards, with their rules."""

    boards: tuple[AdminBoard, ...]


def row(ranked: RankedRow) -> Row:
    return Row(ranked.rank, ranked.user_id, ranked.score, rfc3339(ranked.at))


def rows(ranked: tuple[RankedRow, ...]) -> tuple[Row, ...]:
    return tuple(row(each) for each in ranked)


def top(snapshot: Snapshot, cursor: str | None = None) -> Top:
    return Top(
        board=snapshot.board,
        period=snapshot.period,
        epoch=snapshot.epoch,
        seq=snapshot.seq,
        at=rfc3339(snapshot.at),
        rows=rows(snapshot.rows),
        next=cursor,
    )


def user_standing(standing: Standing) -> UserStanding:
    ahead = standing.to_next
    return UserStanding(
        standing.rank,
        standing.user_id,
        standing.score,
        rfc3339(standing.at),
        standing.total_users,
        standing.percentile(),
        ToNext(ahead.rank, ahead.points) if ahead else None,
    )
