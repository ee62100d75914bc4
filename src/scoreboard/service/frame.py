"""A frame: a snapshot encoded once for everybody."""

from msgspec import Struct

from scoreboard import wire
from scoreboard.core.standing import Snapshot

_FINAL_TEXT = 0x81
_LENGTH_16_BITS = 126
_LENGTH_64_BITS = 127


class Frame(Struct, frozen=True, eq=False):
    """What every viewer of a top is sent; ``at`` is the snapshot's time in milliseconds.

    ``websocket`` and ``tick`` are whole WebSocket frames, ``event`` a whole server-sent event.
    """

    place: tuple[int, int]
    board: str
    period: str
    at: int
    websocket: bytes
    event: bytes
    tick: bytes

    @property
    def event_id(self) -> str:
        """What ``since`` and ``Last-Event-ID`` say of this frame."""
        return f"{self.place[0]}-{self.place[1]}"


def frame_of(snapshot: Snapshot) -> Frame:
    """Encode a snapshot."""
    top = wire.ENCODER.encode(wire.top_message(snapshot))
    return Frame(
        place=snapshot.place(),
        board=snapshot.board,
        period=snapshot.period,
        at=snapshot.at,
        websocket=text_frame(top),
        event=b"id: %d-%d\ndata: %b\n\n" % (snapshot.epoch, snapshot.seq, top),
        tick=message_frame(wire.Tick(snapshot.epoch, snapshot.seq)),
    )


def message_frame(message: wire.ServerMessage) -> bytes:
    """A message as one WebSocket frame."""
    return text_frame(wire.ENCODER.encode(message))


def text_frame(text: bytes) -> bytes:
    """An unfragmented text frame from a server, which masks nothing (RFC 6455, 5.2)."""
    length = len(text)
    if length < _LENGTH_16_BITS:
        return bytes((_FINAL_TEXT, length)) + text
    if length < 1 << 16:
        return bytes((_FINAL_TEXT, _LENGTH_16_BITS)) + length.to_bytes(2) + text
    return bytes((_FINAL_TEXT, _LENGTH_64_BITS)) + length.to_bytes(8) + text
