"""What every ledger promises after any history, and of two nodes that write at once."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Outcome, Recorded, Repeated
from scoreboard.core.rule import Caps
from scoreboard.core.score import SCORE_MAX
from scoreboard.errors import AwardConflict, Unavailable
from scoreboard.ports import Ledger

from .conftest import OpenLedger
from .material import (
    DAY_MS,
    FALL,
    FOUL,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOTHING,
    PRIZE,
    QUIZ,
    WITHOUT_SHRINKING,
    Clock,
    append,
    award,
    ensure_sums,
    error_of,
    posting_of,
    put,
)

actions = st.sampled_from(
    [
        QUIZ, PRIZE, FALL, NOTHING, GOAL, FOUL,
        Action(action_id="slow", points=2, cooldown_s=60),
        Action(action_id="capped", points=4, board="league", caps=Caps(minute=2, day=5)),
        Action(action_id="vast", points=SCORE_MAX // 2),
    ]
)  # fmt: skip
awards = st.builds(
    award,
    st.sampled_from([f"a{index}" for index in range(25)]),
    st.sampled_from(["u1", "u2", "u3", "u4"]),
    actions,
)
steps = st.tuples(
    st.sampled_from([0, 1, 30_000, 60_000, 5 * HOUR_MS, DAY_MS, -HOUR_MS]),
    st.lists(awards, max_size=8),
)


@settings(max_examples=40, phases=WITHOUT_SHRINKING)
@given(st.lists(steps, max_size=8))
def test_scores_are_the_sums_of_postings_after_any_history(
    open_ledger: OpenLedger, history: list[tuple[int, list[Award]]]
) -> None:
    async def live() -> None:
        clock = Clock()
        with tempfile.TemporaryDirectory() as home:
            async with open_ledger(Path(home), clock) as ledger:
                await put(ledger, LEAGUE)
                recorded: dict[str, Outcome] = {}
                for later_ms, group in history:
                    clock.now_ms += later_ms
                    for asked, outcome in zip(
                        group, await append(ledger, clock, *group), strict=True
                    ):
                        ensure_answer(asked, outcome, recorded)
                await ensure_sums(ledger)
                for award_id, outcome in recorded.items():
                    assert await ledger.posting(award_id) == posting_of(outcome)

    asyncio.run(live())


def ensure_answer(asked: Award, outcome: Outcome, recorded: dict[str, Outcome]) -> None:
    """An award is recorded once; later it is repeated, or a conflict, and nothing else."""
    first = recorded.get(asked.award_id)
    if first is None:
        assert not isinstance(outcome, Repeated)
        if isinstance(outcome, Recorded):
            assert outcome.posting.user_id == asked.user_id
            assert outcome.posting.action_id == asked.action.action_id
            recorded[asked.award_id] = outcome
        return
    posting = posting_of(first)
    same = (posting.user_id, posting.action_id) == (asked.user_id, asked.action.action_id)
    if same:
        assert outcome == Repeated(posting)
    else:
        assert isinstance(error_of(outcome), AwardConflict)


async def test_two_nodes_write_one_ledger_without_gaps_and_count_each_award_once(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path
) -> None:
    def node(name: str) -> list[Outcome]:
        return asyncio.run(write_groups(open_ledger, tmp_path, name))

    one, two = await asyncio.gather(asyncio.to_thread(node, "one"), asyncio.to_thread(node, "two"))
    postings = await ensure_sums(ledger)
    shared = [posting for posting in postings if posting.award_id.startswith("shared")]
    assert len(shared) == len({posting.award_id for posting in shared}) == 30
    answers = [*one, *two]
    assert sum(isinstance(answer, Recorded) for answer in answers) == len(postings) - 1 == 90
    assert sum(isinstance(answer, Repeated) for answer in answers) == 30


async def write_groups(open_ledger: OpenLedger, home: Path, name: str) -> list[Outcome]:
    clock, answers = Clock(), []
    async with open_ledger(home, clock) as own:
        for index in range(30):
            group = [award(f"shared{index}", "u1"), award(f"{name}{index}", "u2", PRIZE)]
            answers += await until_available(own, clock, group)
    return answers


async def until_available(ledger: Ledger, clock: Clock, group: list[Award]) -> tuple[Outcome, ...]:
    for _ in range(20):
        try:
            return await append(ledger, clock, *group)
        except Unavailable:
            continue
    pytest.fail("the ledger was never available")
