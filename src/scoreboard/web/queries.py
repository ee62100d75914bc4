"""What may follow the question mark, by operation."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct, field

from scoreboard.core.identifier import BoardId, UserId
from scoreboard.core.rule import Rule
from scoreboard.errors import InvalidParameter

FIELDS_MAX = 8

Q = TypeVar("Q", bound=Struct)

PeriodName = Annotated[
    str,
    Meta(
        pattern=r"^(all|day|week|month|[0-9]{4}-(W[0-9]{2}|[0-9]{2}(-[0-9]{2})?))$(?!\n)",
        description="`all`, `day`, `week`, `month` (the current one), or a name such as "
        "`2026-11-23`, `2026-W48` or `2026-11`.",
        examples=["all"],
    ),
]
Limit = Annotated[int, Meta(ge=1, le=1000, description="The most lines to answer.")]
Cursor = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_-]{43}$(?!\n)", description="The `next` of the page before."),
]
Seen = Annotated[
    int, Meta(ge=1, le=2**63 - 1, description="The `next` of the page before: only older ones.")
]
Size = Annotated[int, Meta(ge=0, le=2**63 - 1, description="How many postings a tree has.")]
Rows = Annotated[int, Meta(ge=1, le=10, description="The most rows to show.")]
Sought = Annotated[str, Meta(max_length=128, description="The user to follow.")]
Radius = Annotated[
    int, Meta(ge=0, le=100, description="The most neighbours to answer on either side.")
]
Place = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,19}-[0-9]{1,19}$(?!\n)",
        description="The `epoch` and `seq` of the newest `top` you have, joined by `-`.",
    ),
]


class ConsistencyQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which two trees; without `to` the newer one is that of the newest checkpoint."""

    from_: Size | None = field(name="from", default=None)
    to: Size | None = None


AsOf = Annotated[
    str,
    Meta(
        pattern=r"^([1-9][0-9]{0,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,6})?Z)$(?!\n)",
        description="With the scope `scores:read`: as it was right after the posting of this "
        "`seq`, or at this time (RFC 3339, UTC).",
        examples=["8041"],
    ),
]


class PeriodQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which period of the board."""

    period: PeriodName = "all"


class TopQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of which period."""

    period: PeriodName = "all"
    limit: Limit = 10
    cursor: Cursor | None = None
    as_of: AsOf | None = None


class StandingQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which period of the board, now or earlier."""

    period: PeriodName = "all"
    as_of: AsOf | None = None


class ExplainQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which score of the user."""

    board: BoardId = "default"
    period: PeriodName = "all"


class AroundQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How far to look around, in which period."""

    period: PeriodName = "all"
    radius: Radius = 5


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, newest first."""

    before: Seen | None = None
    limit: Limit = 50


class UsersQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, by user id, of the users who are not shown for this or any reason."""

    after: UserId | None = None
    limit: Limit = 50
    status: Literal["held", "hidden", "banned"] | None = None


class IncidentsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, newest first, of which user's or rule's incidents."""

    before: Seen | None = None
    limit: Limit = 50
    user_id: UserId | None = None
    rule: Rule | None = None


class LiveQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which board in which period a socket watches, and what its viewer has already."""

    board: BoardId = "default"
    period: PeriodName = "all"
    since: Place | None = None


class SiteQuery(Struct, frozen=True):
    """Which board in which period the page shows, how many rows of it, and whom it follows.

    ``kiosk`` and ``overlay``, with or without a value, are its other forms. What else a link
    picks up where it is shared (``utm_source``, ``fbclid``) changes nothing.
    """

    board: BoardId = "default"
    period: PeriodName = "all"
    limit: Rows = 10
    user: Sought = ""
    kiosk: str | None = None
    overlay: str | None = None


_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})|^&|&&|&$")


def read_query(query: bytes, shape: type[Q]) -> Q:
    """The query string as a value of its type.

    Raises:
        InvalidParameter: a parameter is unknown, repeated, badly encoded or out of range.
    """
    default, integers = _plan(shape)
    if not query:
        same: Q = default
        return same
    given: dict[str, Any] = dict(_parameters(query))
    try:
        for name in integers.intersection(given):
            given[name] = _integer(given[name])
        return msgspec.convert(given, shape)
    except msgspec.ValidationError:
        raise InvalidParameter from None


def _parameters(query: bytes) -> Mapping[str, str]:
    if _BROKEN.search(query):
        raise InvalidParameter
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError:
        raise InvalidParameter from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise InvalidParameter
    return given


@cache
def _plan(shape: type[Struct]) -> tuple[Any, frozenset[str]]:
    fields = msgspec.structs.fields(shape)
    return shape(), frozenset(each.encode_name for each in fields if _is_integer(each.type))


def _is_integer(annotation: object) -> bool:
    return _has_integer(msgspec.inspect.type_info(annotation))


def _has_integer(info: msgspec.inspect.Type) -> bool:
    match info:
        case msgspec.inspect.Metadata(type=inner):
            return _has_integer(inner)
        case msgspec.inspect.UnionType(types=members):
            return any(map(_has_integer, members))
        case _:
            return isinstance(info, msgspec.inspect.IntType)


def _integer(text: str) -> int:
    # msgspec's lax mode would take 1.0, 1e1 and null.
    if not _INTEGER.fullmatch(text):
        raise InvalidParameter
    return int(text)
