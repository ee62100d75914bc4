"""Queries of the table's operations: read as their types, or refused."""

import msgspec
import pytest

from scoreboard.errors import InvalidParameter
from scoreboard.web.contract import (
    AroundQuery,
    LiveQuery,
    PageQuery,
    PeriodQuery,
    TopQuery,
    read_query,
)
from scoreboard.web.queries import SiteQuery


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"", TopQuery()),
        (b"limit=1", TopQuery(limit=1)),
        (b"limit=1000&period=week", TopQuery(period="week", limit=1_000)),
        (b"period=2026-W48", TopQuery(period="2026-W48")),
        (b"period=2026%2D11", TopQuery(period="2026-11")),
        (b"cursor=" + b"A" * 43, TopQuery(cursor="A" * 43)),
        (b"before=9&limit=2", PageQuery(9, 2)),
        (b"radius=0", AroundQuery(radius=0)),
        (b"period=day", PeriodQuery("day")),
        (b"board=a&since=17-9", LiveQuery("a", since="17-9")),
        (b"board=a&kiosk", SiteQuery("a", kiosk="")),
    ],
)
def test_a_query_is_read_as_its_type(query: bytes, value: msgspec.Struct) -> None:
    assert read_query(query, type(value)) == value


@pytest.mark.parametrize(
    "query",
    [
        b"x=1",
        b"limit=1&limit=1",
        b"limit=0",
        b"limit=1001",
        b"limit=-1",
        b"limit=",
        b"limit",
        b"limit=1.0",
        b"limit=1e1",
        b"limit=+1",
        b"limit=%201",
        b"limit=01",
        b"limit=true",
        b"limit=1_0",
        b"limit=" + b"9" * 4_000,
        b"limit=%D9%A3",
        b"period=",
        b"period=year",
        b"period=all%0A",
        b"period=ALL",
        b"period=2026-1",
        b"period=%",
        b"period=%zz",
        b"period=%ff",
        b"period=\xc3\xa9",
        b"cursor=",
        b"cursor=null",
        b"cursor=" + b"A" * 42 + b"%0A",
        b"&",
        b"&&limit=1",
        b"limit=1&",
        b"limit=1&&period=all",
        b"=1",
        b"&".join(b"a%d=1" % place for place in range(100)),
    ],
)
def test_a_query_that_is_not_exactly_so_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidParameter):
        read_query(query, TopQuery)


def test_nothing_stands_for_no_number() -> None:
    with pytest.raises(InvalidParameter):
        read_query(b"before=null", PageQuery)
