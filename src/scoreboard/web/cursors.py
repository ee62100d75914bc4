"""Cursors: signed places in a board's order, so that nobody can ask for one we did not give."""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

from scoreboard.errors import InvalidParameter
from scoreboard.ports import Key

SIGNATURE_BYTES = 16

_PLACE = struct.Struct(">qq")
_TEXT_CHARACTERS = 43


class Cursors:
    """Makes and reads the cursors of one secret: 43 characters, valid on one board and period."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, board: str, period: str, place: Key) -> str:
        """The cursor that goes on after a sort key."""
        packed = _PLACE.pack(*place)
        bound = f"{board}\n{period}\n".encode() + packed
        signature = hmac.digest(self._key, bound, "sha256")[:SIGNATURE_BYTES]
        return urlsafe_b64encode(packed + signature).rstrip(b"=").decode()

    def read(self, text: str, board: str, period: str) -> Key:
        """The sort key of a cursor.

        Raises:
            InvalidParameter: it was not signed here for this board and period.
        """
        if len(text) != _TEXT_CHARACTERS or not text.isascii():
            raise InvalidParameter
        # Decoding drops junk and spare bits; comparing the whole text again refuses both.
        try:
            score, seq = _PLACE.unpack(urlsafe_b64decode(f"{text}=")[: _PLACE.size])
        except (ValueError, struct.error):
            raise InvalidParameter from None
        if not hmac.compare_digest(self.sign(board, period, (score, seq)), text):
            raise InvalidParameter
        return score, seq
