"""A small ranking on a real server, a second one beside it, and hands for its keys."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

import redis

from scoreboard.adapters.redis.ranking import RedisRanking
from scoreboard.core.board import Board, Tie
from scoreboard.core.score import Score
from scoreboard.errors import NotFound
from scoreboard.ports import Group, Mark, Move, Ranking

EPOCH = 7
ALL = ("default", "all")
DAY = ("default", "2026-11-23")
DEFAULT = Board(board="default")
START = 10
LOADED = (Score("ada", 5, 3, 30), Score("ben", -2, 4, 40), Score("cy", 5, 2, 20))


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisRanking]:
    ranking = await RedisRanking.open(url)
    try:
        yield ranking
    finally:
        await ranking.close()


@contextlib.contextmanager
def hands(url: str) -> Iterator["Hands"]:
    port, prefix = urlsplit(url).port, parse_qs(urlsplit(url).query)["prefix"][0]
    client = redis.Redis(port=port or 0, protocol=2)
    try:
        yield Hands(client, prefix)
    finally:
        client.close()


class Hands:
    """What an operator, or an accident, does to the keys of one prefix."""

    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        self.client = client
        self.head = f"{{{prefix}}}:ranking".encode()

    def present(self) -> list[bytes]:
        return sorted(self.client.scan_iter(match=self.head.decode() + "*"))

    def generations(self) -> set[bytes]:
        return {key[len(self.head) + 1 :].split(b":")[0] for key in self.present()} - {b""}

    def lose(self) -> None:
        for key in self.present():
            self.client.delete(key)

    def dump(self) -> dict[bytes, bytes]:
        return {key: self.client.dump(key) for key in self.present()}

    def restore(self, copy: dict[bytes, bytes]) -> None:
        for key, value in copy.items():
            self.client.restore(key, 0, value, replace=True)


def move(seq: int, user_id: str, points: int, span: tuple[str, str] = ALL) -> Move:
    return Move(*span, user_id, points, seq, 10 * seq)


def group(after: int, *moves: Move) -> Group:
    return Group(EPOCH, after, max(move.seq for move in moves), moves)


async def build(ranking: Ranking, scores: Sequence[Score] = LOADED, seq: int = START) -> None:
    await ranking.rebuild((EPOCH, seq), ["dan"])
    await ranking.load(Mark(*ALL, 1, 10), [*scores, Score("dan", 3, 1, 10)])
    await ranking.load(Mark(*DAY, 2, 20), scores[:1])
    await ranking.switch()


async def top(ranking: Ranking) -> list[tuple[str, int]] | None:
    snapshot = await ranking.snapshot(DEFAULT, "all")
    return snapshot and [(row.user_id, row.score) for row in snapshot.rows]


Answers = tuple[object, ...]


async def answers(ranking: Ranking, span: tuple[str, str], users: Sequence[str]) -> Answers:
    """Every read of a period, in both tie styles."""
    found: list[object] = [await ranking.scores_of(*span, [])]
    known = await ranking.scores_of(*span, users)
    found.append(known and (known[0], sorted(known[1], key=Score.key)))
    for tie in Tie:
        board = Board(board=span[0], tie=tie)
        found.append(await ranking.snapshot(board, span[1]))
        found.append(await ranking.total(board, span[1]))
        page = await ranking.page(board, span[1], None, 3)
        found.append(page)
        if page and page.end:
            found.append(await ranking.page(board, span[1], page.end, 3))
            gone = (page.end[0], page.end[1] - 1)
            found.append(await ranking.page(board, span[1], gone, 3))
        for user_id in users:
            found.append(await standing(ranking, board, span[1], user_id, own=False))
            found.append(await standing(ranking, board, span[1], user_id, own=True))
            found.append(await ranking.own_standing(board, span[1], user_id))
            found.append(await around(ranking, board, span[1], user_id))
    return tuple(found)


async def standing(
    ranking: Ranking, board: Board, period: str, user_id: str, *, own: bool
) -> object:
    try:
        return await ranking.standing(board, period, user_id, own=own)
    except NotFound:
        return NotFound


async def around(ranking: Ranking, board: Board, period: str, user_id: str) -> object:
    try:
        rows = await ranking.around(board, period, user_id, 2, own=True)
    except NotFound:
        return NotFound
    return rows and tuple(rows)
