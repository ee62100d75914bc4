"""News between nodes. Two versions hear each other: unknown members are skipped."""

import msgspec
from msgspec import Struct

from scoreboard.core.board import Board as BoardSettings
from scoreboard.core.board import Freeze, Tie
from scoreboard.core.identifier import BoardId
from scoreboard.core.standing import Row as RankedRow
from scoreboard.core.standing import Snapshot
from scoreboard.core.window import Window
from scoreboard.errors import InvalidPayload
from scoreboard.wire.fields import ENCODER


class BusTop(Struct, frozen=True, kw_only=True, tag="top"):
    """A snapshot as one node tells it to the others; times in milliseconds."""

    board: BoardId
    period: str
    epoch: int
    seq: int
    at: int
    rows: tuple[RankedRow, ...]
    end: tuple[int, int] | None = None


class BusBoard(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="board"):
    """A board as it is defined now, and since when it is frozen."""

    board: BoardId
    title: str = ""
    tie: Tie = Tie.FIRST_REACHED
    windows: tuple[Window, ...] = (Window.ALL,)
    time_zone: str = "UTC"
    points_per_hour: int = 0
    shadow: bool = False
    frozen: Freeze | None = None


_BUS_DECODER: msgspec.json.Decoder[BusTop | BusBoard] = msgspec.json.Decoder(BusTop | BusBoard)


def news_bytes(news: Snapshot | BoardSettings) -> bytes:
    """News as they travel on a bus."""
    if isinstance(news, BoardSettings):
        return ENCODER.encode(BusBoard(**msgspec.structs.asdict(news)))
    return ENCODER.encode(BusTop(**msgspec.structs.asdict(news)))


def news_from(data: bytes) -> Snapshot | BoardSettings:
    """The news in these bytes, exactly as they were published.

    Raises:
        msgspec.DecodeError: they are not news of any version that is understood here.
    """
    try:
        heard = _BUS_DECODER.decode(data)
        kind = BoardSettings if isinstance(heard, BusBoard) else Snapshot
        return kind(**msgspec.structs.asdict(heard))
    except (InvalidPayload, RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(type(error).__name__) from None
