"""What is written to Kafka: keys, values and headers of news and postings."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scoreboard.core.board import Board
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.standing import Snapshot
from scoreboard.ports import News
from scoreboard.wire import ENCODER, news_bytes, posting

Headers = list[tuple[str, str | bytes | None]]


class Record(NamedTuple):
    """One message; without a value it is a tombstone: compaction removes its key."""

    key: str
    value: bytes | None
    headers: Headers | None = None


def key_of(news: News) -> str:
    return news.board if isinstance(news, Board) else period_key(news.board, news.period)


def period_key(board: str, period: str) -> str:
    return f"{board}/{period}"


def of_news(news: News) -> Record:
    return Record(key_of(news), news_bytes(news))


def of_postings(recorded: Iterable[Posting]) -> Iterator[Record]:
    """Each posting, and after one that erased a user a tombstone for all that has the user's key.

    The topic is not compacted, as that would keep one posting a user: there a tombstone removes
    nothing, it tells whoever keeps a copy by key to drop what they have.
    """
    for each in recorded:
        record = _of_posting(each)
        yield record
        if each.kind is Kind.ERASE:
            yield Record(record.key, None, record.headers)


def _of_posting(recorded: Posting) -> Record:
    """Keyed by the user, so that each user's postings stand in order; else by the board."""
    ref = recorded.user_ref
    return Record(
        f"board:{recorded.board}" if ref is None else str(ref),
        ENCODER.encode(posting(recorded)),
        [
            ("seq", b"%d" % recorded.seq),
            ("epoch", b"%d" % recorded.epoch),
            ("kind", recorded.kind.value.encode()),
        ],
    )


def is_newer(news: News, known: News | None) -> bool:
    """Whether news replace what is known: a top by its place, a board whenever it differs."""
    if isinstance(news, Snapshot) and isinstance(known, Snapshot):
        return known.place() < news.place()
    return news != known
