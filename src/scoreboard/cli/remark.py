"""What ``check`` says of one thing it looked at."""

from msgspec import Struct

_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))


class Remark(Struct, frozen=True):
    """``verdict`` is good, look (works, but read this) or bad (has to be mended).

    ``advice`` is one sentence of what to do; empty where there is nothing to do.
    """

    subject: str
    verdict: str
    says: str
    advice: str = ""


def span(seconds: float) -> str:
    """A time of at least this many seconds in one unit: ``3 d``."""
    for unit_s, name in _SPANS:
        if seconds >= 2 * unit_s:
            return f"{seconds // unit_s:,.0f} {name}"
    return f"{max(0, seconds):,.0f} s"


def counted(number: int, noun: str) -> str:
    """``1 posting``, ``2,000 postings``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
