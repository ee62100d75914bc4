"""One line of the table of operations, and what its errors are made of."""

from enum import StrEnum

from msgspec import Struct

from scoreboard import errors
from scoreboard.errors import ScoreboardError

Errors = tuple[type[ScoreboardError], ...]


class Access(StrEnum):
    """Who may ask."""

    ANYONE = "anyone"
    AWARDER = "a token whose `sub` is the `user_id`, or with the scope `scores:write`"
    OWNER = "a token of the user, or with the scope `scores:read`"
    ADMIN = "a token with the scope `scores:admin`"
    OPERATOR = "the operator"


class Tag(StrEnum):
    """The chapters of the documentation."""

    AWARDS = "Awards"
    BOARDS = "Boards"
    HISTORY = "History"
    ADMIN = "Administration"
    OPERATION = "Operation"
    PAGES = "Pages"


class Operation(Struct, frozen=True, kw_only=True):
    """One request and everything that can come back.

    ``answer`` is a type of ``wire`` or a media type; ``asked`` and ``told`` are the header fields
    that a request may and a 200 does carry, explained in ``documents/fields.py``; ``errors`` come
    on top of what any request can meet. What is not ``documented`` is a page, not an interface.
    """

    method: str
    path: str
    name: str
    tag: Tag
    summary: str
    answer: type[Struct] | str
    description: str = ""
    access: Access = Access.ANYONE
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    asked: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    errors: Errors = ()

    @property
    def documented(self) -> bool:
        return self.tag is not Tag.PAGES

    @property
    def ops(self) -> bool:
        """Whether it moves to the operator's own port when there is one."""
        return self.access in (Access.ADMIN, Access.OPERATOR)


EVERYWHERE: Errors = (
    errors.InvalidPayload,
    errors.InvalidParameter,
    errors.RateLimited,
    errors.TooLarge,
    errors.UriTooLong,
    errors.HeadersTooLarge,
    errors.Unavailable,
)
NAMED: Errors = (errors.InvalidParameter, errors.NotFound)
TOKEN: Errors = (errors.InvalidToken,)
ADMINISTRATOR: Errors = (errors.InvalidToken, errors.InsufficientScope)
BODY: Errors = (
    errors.InvalidPayload,
    errors.TooLarge,
    errors.UnsupportedMediaType,
)
