"""``scoreboard rebuild``: whether every score is the sum of its postings."""

from collections.abc import AsyncIterator

from msgspec import Struct
from rich.progress import Progress

from scoreboard import assembly
from scoreboard.cli.options import Data, Json, load
from scoreboard.cli.terminal import ERR, Failure, print_json, say
from scoreboard.ports import Catalogue, Ledger

PAGE = 5_000
TRIES = 5
SHOWN_MAX = 10

Sums = dict[tuple[str, str, str], int]
"""Points by board, period and user."""


class Difference(Struct, frozen=True):
    """A score that is not the sum of its postings; None when there is no score at all."""

    board: str
    period: str
    user_id: str
    score: int | None
    sum: int | None


class Verdict(Struct, frozen=True):
    """What was compared, and every difference."""

    seq: int
    scores: int
    differences: tuple[Difference, ...]


async def rebuild(*, json: Json = False, data: Data = None) -> None:
    """Add the whole ledger up again and compare it with every score.

    The ranking in memory needs no command: each start rebuilds it. Runs beside a service.
    """
    async with assembly.open_ledger(load(data=data)) as ledger:
        verdict = await _verdict(ledger)
    if json:
        print_json(verdict)
    for wrong in () if json else verdict.differences[:SHOWN_MAX]:
        ERR.print(
            f"{wrong.board} {wrong.period} {wrong.user_id}: the score is {_number(wrong.score)}, "
            f"the ledger says {_number(wrong.sum)}",
            markup=False,
        )
    if verdict.differences:
        raise Failure(
            f"{len(verdict.differences):,} of {verdict.scores:,} scores are not the sum of their "
            "postings: keep this database as evidence and restore a backup."
        )
    if not json:
        say(f"All {verdict.scores:,} scores are the sums of their postings, up to {verdict.seq:,}.")


async def _verdict(ledger: Ledger) -> Verdict:
    for _ in range(TRIES):
        before = await ledger.head()
        catalogue = await ledger.catalogue()
        sums = await _sums(ledger, catalogue, before.seq)
        scores = await _scores(ledger, catalogue, sums)
        if (await ledger.head()).seq == before.seq:
            return Verdict(before.seq, len(scores), _differences(sums, scores))
    raise Failure("The service is too busy to compare with: stop it, or try again later.")


async def _sums(ledger: Ledger, catalogue: Catalogue, upto: int) -> Sums:
    sums: Sums = {}
    with Progress(console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        task = progress.add_task("Adding up", total=upto)
        async for board, period, user_id, points, seq in _entries(ledger, catalogue, upto):
            key = (board, period, user_id)
            sums[key] = sums.get(key, 0) + points
            if seq % PAGE == 0:
                progress.update(task, completed=seq)
    return sums


async def _entries(
    ledger: Ledger, catalogue: Catalogue, upto: int
) -> AsyncIterator[tuple[str, str, str, int, int]]:
    after = 0
    while after < upto:
        page = await ledger.postings(after, min(PAGE, upto - after))
        if not page:
            raise Failure(f"The ledger ends after posting {after:,}, before its head {upto:,}.")
        for posting in page:
            if posting.user_id is None or posting.score_after is None:
                continue
            for period in catalogue.boards[posting.board].periods_at(posting.counts_at):
                yield posting.board, period.name, posting.user_id, posting.points, posting.seq
        after = page[-1].seq


async def _scores(ledger: Ledger, catalogue: Catalogue, sums: Sums) -> Sums:
    periods = {(board, period) for board, period, _ in sums}
    periods |= {(board, "all") for board in catalogue.boards}
    scores: Sums = {}
    for board, period in sorted(periods):
        after: str | None = None
        while page := await ledger.scores(board, period, after, PAGE):
            for score in page:
                scores[(board, period, score.user_id)] = score.score
            after = page[-1].user_id
    return scores


def _differences(sums: Sums, scores: Sums) -> tuple[Difference, ...]:
    return tuple(
        Difference(*key, score=scores.get(key), sum=sums.get(key))
        for key in sorted(sums.keys() | scores.keys())
        if scores.get(key) != sums.get(key)
    )


def _number(points: int | None) -> str:
    return "missing" if points is None else f"{points:,}"
