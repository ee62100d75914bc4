"""What every ranking promises of any history, against a plain sort of every score."""

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.core.board import Tie

from .conftest import OpenRanking
from .material import WITHOUT_SHRINKING
from .ranking_model import (
    EPOCH,
    ONE,
    SPANS,
    USERS,
    Line,
    Reads,
    after_each,
    apply,
    begin,
    board,
    cut_histories,
    ensure_shows,
    group,
    groups,
    histories,
    marked,
    rebuilds,
)

if TYPE_CHECKING:
    from scoreboard.ports import Key


@settings(max_examples=60, phases=WITHOUT_SHRINKING)
@given(cut_histories())
def test_every_read_is_that_of_a_plain_sort_however_postings_are_grouped(
    open_ranking: OpenRanking, cut: tuple[list[Line], list[int]]
) -> None:
    lines, cuts = cut
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            after = 0
            for upto in cuts:
                await apply(ranking, lines, after, upto)
                assert await ranking.place() == (EPOCH, upto)
                after = upto
            await ensure_shows(ranking, models[-1])

    asyncio.run(live())


@settings(max_examples=150, phases=WITHOUT_SHRINKING)
@given(cut_histories())
def test_a_snapshot_is_true_at_its_seq_and_never_goes_back(
    open_ranking: OpenRanking, cut: tuple[list[Line], list[int]]
) -> None:
    lines, cuts = cut
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            after, shown = 0, dict.fromkeys(SPANS, (0, ()))
            for upto in cuts:
                await apply(ranking, lines, after, upto)
                after = upto
                for span in SPANS:
                    snapshot = await ranking.snapshot(board(span[0], Tie.SHARED), span[1])
                    assert snapshot is not None
                    assert snapshot.seq <= upto
                    assert snapshot.rows == models[snapshot.seq].rows(span, Tie.SHARED)[:10]
                    seq, rows = shown[span]
                    assert snapshot.seq >= seq
                    assert snapshot.seq > seq or snapshot.rows == rows
                    assert snapshot.at == 1000 * snapshot.seq
                    shown[span] = (snapshot.seq, snapshot.rows)

    asyncio.run(live())


@settings(max_examples=100, phases=WITHOUT_SHRINKING)
@given(cut_histories())
def test_apply_answers_exactly_the_tops_that_changed(
    open_ranking: OpenRanking, cut: tuple[list[Line], list[int]]
) -> None:
    lines, cuts = cut
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            after = 0
            for upto in cuts:
                for step in groups(lines, after, upto):
                    changed = await ranking.apply(step)
                    noted = {(mark.board, mark.period) for mark in step.marks}
                    before, now = models[step.after], models[step.upto]
                    expected = {
                        span for span in SPANS if span in noted or before.top(span) != now.top(span)
                    }
                    assert set(changed) == expected
                    assert len(changed) == len(expected)
                after = upto

    asyncio.run(live())


@settings(max_examples=200, phases=WITHOUT_SHRINKING)
@given(rebuilds(), st.integers(1, 5))
def test_loading_scores_while_they_move_equals_applying_from_scratch(
    open_ranking: OpenRanking, case: Reads, page: int
) -> None:
    lines, start, marks_read, users_read, statuses_read = case
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            unseen = [user for user, seq in statuses_read.items() if user in models[seq].unseen]
            await ranking.rebuild((EPOCH, start), unseen)
            for span in SPANS:
                mark = marked(lines, span, marks_read[span])
                scores = [
                    models[seq].users[span][user_id]
                    for user_id, seq in users_read.items()
                    if user_id in models[seq].users[span]
                ]
                for first in range(0, max(1, len(scores)), page):
                    await ranking.load(mark, scores[first : first + page])
            await apply(ranking, lines, start, len(lines))
            await ranking.switch()
            await ensure_shows(ranking, models[-1])
            for span in SPANS:
                snapshot = await ranking.snapshot(board(span[0], Tie.SHARED), span[1])
                assert snapshot is not None
                assert snapshot.rows == models[snapshot.seq].rows(span, Tie.SHARED)[:10]

    asyncio.run(live())


@settings(max_examples=60, phases=WITHOUT_SHRINKING)
@given(histories(min_size=10), st.integers(1, 4), st.data())
def test_a_walk_meets_everybody_who_stood_still_exactly_once(
    open_ranking: OpenRanking, lines: list[Line], limit: int, data: st.DataObject
) -> None:
    begun = data.draw(st.integers(0, len(lines)))
    models = after_each(lines)

    async def live() -> None:
        async with open_ranking() as ranking:
            await begin(ranking)
            await apply(ranking, lines, 0, begun)
            seen: defaultdict[str, int] = defaultdict(int)
            after: Key | None = None
            for seq in range(begun, len(lines) + len(USERS) + 1):
                page = await ranking.page(ONE, "all", after, limit)
                assert page is not None
                for row in page.rows:
                    seen[row.user_id] += 1
                after = page.end
                if after is None:
                    break
                if seq < len(lines):
                    await ranking.apply(group(lines, seq, seq + 1))
            still = [
                score.user_id
                for score in models[begun].seen(SPANS[0])
                if all(score in model.seen(SPANS[0]) for model in models[begun:])
            ]
            assert {user_id: seen[user_id] for user_id in still} == dict.fromkeys(still, 1)

    asyncio.run(live())
