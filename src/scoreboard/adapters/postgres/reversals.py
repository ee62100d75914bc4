"""Awards taken back in the PostgreSQL ledger, under the head's lock."""

from collections.abc import Sequence

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.adapters.postgres.moderation import UNHURRIED, WRITE_S, known_user
from scoreboard.adapters.postgres.writer import Writer
from scoreboard.core.judgement import ScoreKey
from scoreboard.core.posting import Posting
from scoreboard.core.reversal import (
    Awards,
    AwardsBy,
    AwardsFor,
    Base,
    OneAward,
    TakenBack,
    record,
    score_keys,
    take_back,
)
from scoreboard.core.score import Score
from scoreboard.core.standing import NEVER
from scoreboard.errors import NotFound
from scoreboard.ports import Reversal, Reversed


async def reverse(writer: Writer, reversal: Reversal, before: int | None, limit: int) -> Reversed:
    """Take back the newest of the awards."""

    async def work(connection: Connection) -> Reversed:
        await connection.execute("BEGIN")
        await connection.execute(UNHURRIED)
        head, _ = await notes.lock_head(connection, writer.clock())
        awards = await reversible(connection, reversal.awards, before, limit)
        if not awards:
            await connection.execute("ROLLBACK")
            return Reversed((), None)
        boards = {row["board"]: rows.board(row) for row in await connection.fetch(SQL["boards"])}
        bases = await _bases(connection, score_keys(awards, boards))
        base = Base(head.epoch, head.seq, head.at, bases)
        taken = take_back(awards, boards, base, reversal.caller)
        await _write(connection, taken, base, reversal)
        await connection.execute(SQL["notify"], writer.node)
        await connection.execute("COMMIT")
        return Reversed(tuple(taken.postings), awards[-1].seq if len(awards) == limit else None)

    return await writer.session.write(work, WRITE_S)


async def reversible(
    connection: Connection, awards: Awards, before: int | None, limit: int
) -> list[Posting]:
    """What can be taken back of the awards, the newest first."""
    if isinstance(awards, OneAward):
        return await _reversible_one(connection, awards.award_id)
    bounds = (awards.since_ms, before or NEVER, limit)
    if isinstance(awards, AwardsBy):
        found = await connection.fetch(SQL["reversible_by"], awards.key, *bounds)
    elif isinstance(awards, AwardsFor):
        found = await connection.fetch(SQL["reversible_for"], awards.action_id, *bounds)
    else:
        known = await known_user(connection, awards.user_id)
        found = await connection.fetch(SQL["reversible_of"], known.user_ref, *bounds)
    return [rows.posting(row) for row in found]


async def _reversible_one(connection: Connection, award_id: str) -> list[Posting]:
    row = await connection.fetchrow(SQL["reversible_one"], award_id)
    if row is None:
        raise NotFound
    return [] if row["reversed"] else [rows.posting(row)]


async def _bases(connection: Connection, keys: Sequence[ScoreKey]) -> dict[ScoreKey, Score]:
    columns = ([key[part] for key in keys] for part in range(3))
    found = await connection.fetch(SQL["bases"], *columns)
    return {(row[0], row[1], row[2]): rows.score(tuple(row)[2:]) for row in found}


async def _write(connection: Connection, taken: TakenBack, base: Base, reversal: Reversal) -> None:
    postings = taken.postings
    await connection.execute(
        SQL["add_reversals"],
        base.epoch,
        base.at,
        reversal.caller,
        [posting.seq for posting in postings],
        [posting.award_id for posting in postings],
        [posting.board for posting in postings],
        [posting.user_ref for posting in postings],
        [posting.action_id for posting in postings],
        [posting.points for posting in postings],
        [posting.score_after for posting in postings],
        [posting.reverses for posting in postings],
    )
    await _move_scores(connection, taken, base)
    await connection.execute(
        SQL["mark_each"],
        [board for board, _ in taken.fallen],
        [period for _, period in taken.fallen],
        [posting.seq for posting in taken.fallen.values()],
        base.at,
    )
    subject, numbers = record(reversal.awards, postings)
    entry = ("award.reverse", subject, reversal.reason, None, rows.to_json(numbers))
    await connection.execute(SQL["add_audit"], base.at, reversal.caller, *entry)


async def _move_scores(connection: Connection, taken: TakenBack, base: Base) -> None:
    # Awards without points leave their scores as they are.
    moved = [(key, score) for key, score in taken.scores.items() if score != base.scores[key]]
    await connection.execute(
        SQL["move_scores"],
        *([key[part] for key, _ in moved] for part in range(3)),
        [base.scores[key].seq for key, _ in moved],
        [score.score for _, score in moved],
        [score.seq for _, score in moved],
        base.at,
    )
