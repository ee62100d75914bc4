"""A finding: what an audit noticed about a user or a key on a day, in words and numbers."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct

from scoreboard.core.user import Status

_FIRST_DAY = date(1970, 1, 1)


class Irregularity(StrEnum):
    """What can be irregular; one check each."""

    SPIKE = "spike"
    INTERVAL = "interval"
    CAP = "cap"
    JUMP = "jump"
    RING = "ring"
    KEY = "key"
    REFUSALS = "refusals"


class Finding(Struct, frozen=True, kw_only=True):
    """One irregular user (``user_ref``) or key on a day; ``day`` counts from 1970, in UTC."""

    irregularity: Irregularity
    day: int
    user_ref: int | None = None
    key: str | None = None
    says: str
    numbers: Mapping[str, float]

    @property
    def identity(self) -> str:
        """The same for the same thing, however often it is noticed."""
        subject = f"user-{self.user_ref}" if self.key is None else f"key-{self.key}"
        return f"{self.irregularity}/{self.date}/{subject}"

    @property
    def date(self) -> str:
        """The day as ``2026-11-25``."""
        return (_FIRST_DAY + timedelta(days=self.day)).isoformat()


class DismissalRecord(Struct, frozen=True):
    """What the record of changes keeps of a finding that was dismissed: its identity."""

    finding: str


class Noted(Struct, frozen=True, kw_only=True):
    """A finding as it was stored: where it stands in the list, when, and how it is now.

    ``user_id`` is None for keys and for users who were erased; ``status`` is the user's of now.
    """

    place: int
    entry: int
    at: int
    finding: Finding
    user_id: str | None
    status: Status | None
    is_open: bool


def rounded(number: float) -> float:
    """A number of a finding: four digits that count."""
    return float(f"{number:.4g}")
