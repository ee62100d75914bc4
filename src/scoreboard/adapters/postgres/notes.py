"""Postings without points: written one by one under the head's lock."""

from collections.abc import Sequence

from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.core.posting import Kind, Posting
from scoreboard.ports import Head


async def lock_head(connection: Connection, clock_ms: int | None) -> tuple[Head, int]:
    """Lock the head until the transaction ends; answers it as of now, and the catalogue."""
    row = await connection.fetchrow(SQL["lock_head"], clock_ms)
    return Head(row["epoch"], row["seq"], row["at"]), row["catalogue"]


def note(  # noqa: PLR0913 - a posting's columns
    head: Head,
    kind: Kind,
    board: str,
    award_id: str,
    *,
    caller: str = "scoreboard",
    detail: str | None = None,
) -> Posting:
    """The posting right after the head."""
    return Posting(
        seq=head.seq + 1,
        epoch=head.epoch,
        award_id=award_id,
        kind=kind,
        board=board,
        at=head.at,
        counts_at=head.at,
        caller=caller,
        detail=detail,
    )


async def add(connection: Connection, posting: Posting) -> None:
    await connection.execute(
        SQL["add_posting"],
        posting.seq,
        posting.epoch,
        posting.award_id,
        posting.kind.value,
        posting.board,
        posting.at,
        posting.caller,
        posting.detail,
    )


async def mark(connection: Connection, tops: Sequence[tuple[str, str]], posting: Posting) -> None:
    """Note that a posting changed tops without leaving a row in them."""
    boards, periods = [board for board, _ in tops], [period for _, period in tops]
    await connection.execute(SQL["mark"], boards, periods, posting.seq, posting.at)
