"""What the database itself says, read with plain SQL beside or after the service."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.acceptance.crowd import Acknowledged, Top
from tests.servers.postgres import PostgresServer

SQLITE_DAY = "strftime('%Y-%m-%d', l.at / 1000, 'unixepoch')"
POSTGRES_DAY = "to_char(to_timestamp(l.at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class Database(NamedTuple):
    """A database of a PostgreSQL server."""

    server: PostgresServer
    name: str

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        text = self.server.psql(
            f"SELECT coalesce(json_agg(found), '[]') FROM ({statement}) AS found", self.name
        )
        return [tuple(row) for row in json.loads(text, object_pairs_hook=_values)]


def _values(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [value for _, value in pairs]


Source = Path | Database
"""The folder of an SQLite database, or a database on a server."""


class Line(NamedTuple):
    """One award in the ledger."""

    seq: int
    award_id: str
    user: str
    action: str
    points: int
    score_after: int


def ask(data: Source, statement: str) -> list[Any]:
    if isinstance(data, Database):
        return data.rows(statement)
    with closing(sqlite3.connect(f"file:{data}/scoreboard.db?mode=ro", uri=True)) as db:
        return db.execute(statement).fetchall()


def awards(data: Source) -> list[Line]:
    """Every award, in the order of the ledger."""
    statement = (
        "SELECT seq, award_id, user_id, action_id, points, score_after "
        "FROM ledger JOIN users USING (user_ref) WHERE kind = 'award' ORDER BY seq"
    )
    return [Line(*row) for row in ask(data, statement)]


def turns(data: Source) -> list[tuple[int, str, str]]:
    """Every change of a user's status: seq, kind and user."""
    statement = (
        "SELECT seq, kind, user_id FROM ledger JOIN users USING (user_ref) "
        "WHERE kind IN ('hold', 'hide', 'ban', 'release') ORDER BY seq"
    )
    return [tuple(row) for row in ask(data, statement)]


def ensure_whole(data: Source) -> None:
    """No gap in seq, no award twice, and every score the sum of its postings, in each period."""
    statement = (
        "SELECT count(*) AS n, min(seq) AS low, max(seq) AS high, count(DISTINCT award_id) AS ids "
        "FROM ledger"
    )
    (count, first, last, ids) = ask(data, statement)[0]
    assert (first, last, ids) == (1, count, count)
    day = POSTGRES_DAY if isinstance(data, Database) else SQLITE_DAY
    for period in ("'all'", day):
        sums = (
            f"SELECT l.board, {period} AS period, u.user_id, sum(l.points) FROM ledger AS l "
            "JOIN users AS u USING (user_ref) WHERE l.kind = 'award' GROUP BY 1, 2, 3 ORDER BY 3"
        )
        shape = "period = 'all'" if period == "'all'" else "period LIKE '____-__-__'"
        scores = (
            "SELECT board, period, user_id, score FROM scores "
            f"WHERE board = 'default' AND {shape} ORDER BY user_id"
        )
        found = ask(data, scores)
        if found or period == "'all'":
            assert sorted(found) == sorted(ask(data, sums))
    if isinstance(data, Path):
        assert ask(data, "SELECT seq FROM ledger_head") == [(last,)]
        assert ask(data, "PRAGMA integrity_check") == [("ok",)]


def ensure_acknowledged(data: Source, acknowledged: dict[str, Acknowledged]) -> None:
    """The ledger holds exactly the awards that were acknowledged, each as it was answered."""
    lines = awards(data)
    assert {line.award_id for line in lines} == acknowledged.keys()
    assert len(lines) == len(acknowledged)
    for line in lines:
        answer = acknowledged[line.award_id]
        assert (line.user, line.action) == (answer.user, answer.action)
        assert answer.body == b'{"success":true,"new_score":%d}' % line.score_after


def ensure_frames(data: Source, tops: Sequence[Top]) -> None:
    """Places only grow, and each frame is the true top ten at its seq."""
    places = [top.place() for top in tops]
    assert all(before < after for before, after in pairwise(places))
    ensure_true(data, tops)


def ensure_true(data: Source, tops: Iterable[Top], size: int = 10) -> None:
    """Each is the true top of so many at its seq, in whatever order they were read."""
    ordered = sorted(tops, key=Top.place)
    ((epoch,),) = ask(data, "SELECT epoch FROM ledger_head")
    assert {top.epoch for top in ordered} <= {epoch}
    truths = _true_tops(data, [top.seq for top in ordered], size)
    for top, rows in zip(ordered, truths, strict=True):
        assert top.rows == rows, f"top {top.seq}: {top.rows}, true is {rows}"


def true_top(data: Source, size: int = 10) -> list[tuple[int, str, int]]:
    """The top that follows from the whole ledger."""
    ((head,),) = ask(data, "SELECT max(seq) AS head FROM ledger")
    (rows,) = _true_tops(data, [head], size)
    return rows


def _true_tops(
    data: Source, seqs: Iterable[int], size: int
) -> Iterable[list[tuple[int, str, int]]]:
    scores: dict[str, tuple[int, int]] = {}
    unseen: set[str] = set()
    rest = iter(sorted([*awards(data), *turns(data)], key=lambda line: line[0]))
    line = next(rest, None)
    for seq in seqs:
        while line is not None and line[0] <= seq:
            if isinstance(line, Line):
                before = scores.get(line.user, (0, 0))[0]
                scores[line.user] = (before + line.points, line.seq)
            else:
                _, kind, user = line
                (unseen.discard if kind == "release" else unseen.add)(user)
            line = next(rest, None)
        seen = [(user, score) for user, score in scores.items() if user not in unseen]
        order = sorted(seen, key=lambda item: (-item[1][0], item[1][1]))[:size]
        yield [(rank, user, score) for rank, (user, (score, _)) in enumerate(order, 1)]
