"""What changes of the catalogue share: who makes them, and why a value is refused."""

import getpass
import re

import msgspec

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


def explained(noun: str, error: msgspec.ValidationError) -> str:
    """A sentence about the member that is not valid."""
    match = _PLACE.match(str(error))
    what, where = (match["what"], match["where"]) if match else (str(error), None)
    said = what.replace("`", "")
    for pattern, word in _WORDS:
        said = re.sub(pattern, word, said)
    return f"{where or noun} is not valid: {said}."
