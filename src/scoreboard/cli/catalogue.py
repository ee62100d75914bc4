"""What changes of the catalogue share: who makes them, and why a value is refused."""

import getpass
import re
from datetime import datetime

import msgspec

from scoreboard.core.moment import milliseconds
from scoreboard.errors import InvalidPayload

_CALLER = re.compile(r"[^A-Za-z0-9_.-]")
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?$", re.DOTALL)

_WORDS = (
    (r"\bE(?=xpected)", "e"),
    (r"\bO(?=bject)", "o"),
    (r"\bstr matching regex .*", "letters, digits and . _ -, a letter or digit first"),
    (r"\bstr\b", "text"),
    (r"\bint\b", "a whole number"),
    (r"\bbool\b", "true or false"),
)


def caller() -> str:
    """Who is at the terminal, for the record of changes."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return "cli:" + _CALLER.sub("", name)[:64]


def moment_of(text: str) -> int | None:
    """A moment such as 2027-01-01T00:00:00Z in milliseconds; None for another text."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return None if moment.tzinfo is None else milliseconds(moment)


def contradicted(noun: str, error: InvalidPayload) -> str:
    """A sentence about members that do not fit together."""
    if error.pointer == "/active_until":
        return "active_until is not valid: it comes before active_from."
    return f"{error.pointer.removeprefix('/') or noun} is not valid."


def explained(noun: str, error: msgspec.ValidationError) -> str:
    """A sentence about the member that is not valid."""
    match = _PLACE.match(str(error))
    what, where = (match["what"], match["where"]) if match else (str(error), None)
    said = what.replace("`", "")
    for pattern, word in _WORDS:
        said = re.sub(pattern, word, said)
    return f"{where or noun} is not valid: {said}."
