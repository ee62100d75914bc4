"""Groups that are judged while the head is locked: those with rules, and whatever is unusual."""

from collections.abc import Sequence

import asyncpg

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import rules
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
    judgement = judge(awards, prepared.periods, knowledge, prepared.rules)
    if judgement.postings:
        await _write(connection, judgement, knowledge, origin)
    if judgement.incidents:
        await rules.keep_incidents(connection, judgement.incidents)
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
    needs = prepared.rules.needs(awards)
    found = await connection.fetchrow(
        SQL["know_group_and_rules"],
        origin.clock_ms,
        [award.award_id for award in awards if award.named],
        users,
        *([key[part] for key in keys] for part in range(3)),
        *rules.asked(needs, places),
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
        past=rules.past(needs, found),
    )


def _scores(keys: Sequence[ScoreKey], found: asyncpg.Record) -> dict[ScoreKey, Score]:
    columns = (found[name] or () for name in ("scores", "seqs", "ats"))
    return {
        key: Score(key[2], score, seq, at)
        for key, score, seq, at in zip(keys, *columns, strict=True)
        if score is not None
    }


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
