"""Groups that are judged while the head is locked: those with rules, and whatever is unusual."""

from collections.abc import Sequence

import asyncpg

from scoreboard.adapters import rows
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.adapters.postgres.ordinary import Origin
from scoreboard.core.award import Award
from scoreboard.core.judgement import Judgement, Knowledge, ScoreKey, ensure_current, judge
from scoreboard.core.score import Score
from scoreboard.errors import CatalogueMoved
from scoreboard.ports import Prepared


async def append_judged(
    connection: Connection, awards: Sequence[Award], prepared: Prepared, origin: Origin
) -> Judgement:
    """Judge and record a group in a transaction of a constant number of round trips."""
    await connection.execute("BEGIN")
    knowledge = await _knowledge(connection, awards, prepared, origin)
    judgement = judge(awards, prepared.periods, knowledge)
    if judgement.postings:
        await _write(connection, judgement, knowledge, origin)
    await connection.execute("COMMIT")
    return judgement


async def _knowledge(
    connection: Connection, awards: Sequence[Award], prepared: Prepared, origin: Origin
) -> Knowledge:
    users = list(dict.fromkeys(award.user_id for award in awards))
    places = {user: place for place, user in enumerate(users, 1)}
    keys = sorted(
        {
            (award.action.board, period.name, award.user_id)
            for award in awards
            for period in prepared.periods[award.action.board]
        }
    )
    memories = {
        (award.user_id, award.action.action_id): award.action.memory_ms()
        for award in awards
        if award.action.has_rules
    }
    found = await connection.fetchrow(
        SQL["know_group"],
        origin.clock_ms,
        [award.award_id for award in awards if award.named],
        users,
        *([key[part] for key in keys] for part in range(3)),
        [places[user] for user, _ in memories],
        [action_id for _, action_id in memories],
        list(memories.values()),
    )
    if found["catalogue"] != prepared.catalogue_version:
        raise CatalogueMoved
    ensure_current(prepared.periods, found["at"])
    known = await connection.fetch(SQL["known"], found["ids"]) if found["ids"] else []
    entered = zip(users, found["refs"] or (), found["statuses"] or (), strict=True)
    return Knowledge(
        epoch=found["epoch"],
        seq=found["seq"],
        at=found["at"],
        known={row["award_id"]: rows.posting(row) for row in known},
        users={user: (ref, status) for user, ref, status in entered},
        scores=_scores(keys, found),
        earlier=_earlier(list(memories), found),
    )


def _scores(keys: Sequence[ScoreKey], found: asyncpg.Record) -> dict[ScoreKey, Score]:
    columns = (found[name] or () for name in ("scores", "seqs", "ats"))
    return {
        key: Score(key[2], score, seq, at)
        for key, score, seq, at in zip(keys, *columns, strict=True)
        if score is not None
    }


def _earlier(
    memories: Sequence[tuple[str, str]], found: asyncpg.Record
) -> dict[tuple[str, str], list[int]]:
    earlier: dict[tuple[str, str], list[int]] = {}
    for place, moment in zip(found["earlier"] or (), found["moments"] or (), strict=True):
        earlier.setdefault(memories[place - 1], []).append(moment)
    return earlier


async def _write(
    connection: Connection, judgement: Judgement, knowledge: Knowledge, origin: Origin
) -> None:
    postings = judgement.postings
    changed = [(*key[:2], knowledge.scores[key]) for key in sorted(judgement.changed)]
    await connection.execute(
        SQL["write_group"],
        origin.node,
        knowledge.epoch,
        knowledge.at,
        [posting.seq for posting in postings],
        [posting.award_id for posting in postings],
        [posting.board for posting in postings],
        [posting.user_ref for posting in postings],
        [posting.action_id for posting in postings],
        [posting.points for posting in postings],
        [posting.score_after for posting in postings],
        [posting.caller for posting in postings],
        [posting.key for posting in postings],
        [board for board, _, _ in changed],
        [period for _, period, _ in changed],
        [score.user_id for _, _, score in changed],
        [score.score for _, _, score in changed],
        [score.seq for _, _, score in changed],
        [score.at for _, _, score in changed],
    )
    fallen = [posting for posting in postings if posting.points < 0]
    if fallen:
        boards = {posting.board for posting in fallen}
        tops = sorted({key[:2] for key in judgement.changed if key[0] in boards})
        await connection.execute(
            SQL["mark"],
            [board for board, _ in tops],
            [period for _, period in tops],
            fallen[-1].seq,
            knowledge.at,
        )
