"""Groups that the database records without judging them: one round trip each."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from scoreboard.adapters import rows
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.core.award import Award
from scoreboard.core.judgement import BANNED, Judgement, Knowledge, judge
from scoreboard.core.rules import NO_RULES, Rules
from scoreboard.core.score import Score
from scoreboard.core.window import ALL, Period
from scoreboard.errors import CatalogueMoved, PeriodMoved
from scoreboard.ports import Prepared

TRIES = 3
NEVER = 2**63 - 1


class Origin(Struct, frozen=True):
    """Who writes, and what stands in for the database's clock."""

    node: str
    clock_ms: int | None


class OrdinaryGroup(Struct):
    """Awards without repeats, and their totals.

    ``totals`` are points and the place of the last award, by board and user and in that order.
    """

    awards: list[Award]
    totals: dict[tuple[str, str], tuple[int, int]]


async def append_ordinary(
    connection: Connection, awards: Sequence[Award], prepared: Prepared, origin: Origin
) -> Judgement | None:
    """Record a group without a transaction that waits for us, or answer None: it has to be judged.

    What the database finds known or banned is settled by that; the rest is asked again.
    """
    knowledge = Knowledge(epoch=0, seq=0, at=0, known={}, users={}, scores={}, past={})
    group = ordinary(awards, prepared.rules)
    for _ in range(TRIES):
        if group is None:
            return None
        try:
            answer = await connection.fetchrow(
                SQL["append_group"],
                origin.node,
                origin.clock_ms,
                prepared.catalogue_version,
                *span(prepared.periods),
                *_arguments(group, prepared.periods),
            )
        except asyncpg.CheckViolationError:
            return None  # some score would leave its range: find out whose
        if answer["verdict"] == "written":
            return _judgement(awards, group, answer, knowledge)
        await _learn(connection, answer, knowledge)
        rest = [award for award in awards if _is_open(award, knowledge)]
        if not rest:
            return judge(awards, {}, knowledge)
        group = ordinary(rest, prepared.rules)
    return None


async def _learn(connection: Connection, answer: asyncpg.Record, knowledge: Knowledge) -> None:
    match answer["verdict"]:
        case "catalogue":
            raise CatalogueMoved
        case "period":
            raise PeriodMoved(answer["at"])
        case "known":
            found = await connection.fetch(SQL["known"], answer["ids"])
            knowledge.known |= {row["award_id"]: rows.posting(row) for row in found}
        case _:
            banned = dict.fromkeys(answer["ids"], (0, BANNED))
            knowledge.users = {**knowledge.users, **banned}


def _is_open(award: Award, knowledge: Knowledge) -> bool:
    return award.award_id not in knowledge.known and award.user_id not in knowledge.users


def _judgement(
    awards: Sequence[Award], group: OrdinaryGroup, answer: asyncpg.Record, knowledge: Knowledge
) -> Judgement:
    """What the rules say of what the database did, which is the same."""
    knowledge.epoch, knowledge.seq, knowledge.at = answer["epoch"], answer["seq"], answer["at"]
    users = dict(knowledge.users)
    answered = zip(group.totals.items(), answer["refs"] or (), answer["after"] or (), strict=True)
    for ((board, user_id), (points, _)), ref, after in answered:
        users[user_id] = (ref, "active")
        knowledge.scores[board, ALL.name, user_id] = Score(user_id, after - points, 0, 0)
    knowledge.users = users
    boards = {award.action.board for award in awards}
    judgement = judge(awards, dict.fromkeys(boards, (ALL,)), knowledge)
    assert len(judgement.postings) == len(group.awards)
    return judgement


def ordinary(awards: Sequence[Award], rules: Rules = NO_RULES) -> OrdinaryGroup | None:
    """The group without its repeats, or None when it has to be judged under the lock.

    That is when an award has rules or no points, when an id comes again for something else, or
    when the points of a user have two signs, so that a score may leave its range and come back.
    """
    seen: dict[str, Award] = {}
    sent: list[Award] = []
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for award in awards:
        action = award.action
        if rules.apply_to(award) or not action.points:
            return None
        first = seen.get(award.award_id)
        if first is not None:
            if first.user_id == award.user_id and first.action.action_id == action.action_id:
                continue
            return None
        seen[award.award_id] = award
        sent.append(award)
        key = (action.board, award.user_id)
        before = totals.get(key, (0, 0))[0]
        if before * action.points < 0:
            return None
        totals[key] = (before + action.points, len(sent))
    return OrdinaryGroup(sent, dict(sorted(totals.items())))


def span(periods: Mapping[str, Sequence[Period]]) -> tuple[int, int]:
    """The moments that all periods contain: from the first to before the second."""
    every = [period for current in periods.values() for period in current]
    starts, ends = [period.start_ms for period in every], [period.end_ms for period in every]
    return max(starts, default=0), min(ends, default=NEVER)


def _arguments(group: OrdinaryGroup, periods: Mapping[str, Sequence[Period]]) -> tuple[Any, ...]:
    awards, keys = group.awards, list(group.totals)
    total_places = {key: place for place, key in enumerate(keys, 1)}
    boards = list(dict.fromkeys(board for board, _ in keys))
    spans = [(board, period.name) for board in boards for period in periods[board][1:]]
    falls = [place for place, award in enumerate(awards, 1) if award.action.points < 0]
    return (
        [award.award_id for award in awards if award.named],
        [board for board, _ in keys],
        [user for _, user in keys],
        [points for points, _ in group.totals.values()],
        [place for _, place in group.totals.values()],
        [board for board, _ in spans],
        [name for _, name in spans],
        falls[-1] if falls else 0,
        list(dict.fromkeys(award.action.board for award in awards if award.action.points < 0)),
        [award.award_id for award in awards],
        [award.action.board for award in awards],
        [total_places[award.action.board, award.user_id] for award in awards],
        [award.action.action_id for award in awards],
        [award.action.points for award in awards],
        _following(group),
        [award.caller for award in awards],
        [award.key for award in awards],
    )


def _following(group: OrdinaryGroup) -> list[int]:
    """For each award the points of the same total that come after it in the group."""
    left = {key: points for key, (points, _) in group.totals.items()}
    following = []
    for award in group.awards:
        key = (award.action.board, award.user_id)
        left[key] -= award.action.points
        following.append(left[key])
    return following
