"""It is promised that everything counts once, whatever was lost on the way: any history of it.

Two nodes on one ledger are asked for awards, retries, moderations, reversals and freezes; they
crash before and after commits, and answers get lost. After every step the ledger is what a plain
model says.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Outcome, Refused, Repeated
from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.reversal import Awards, AwardsOf, OneAward
from scoreboard.core.standing import placed_by_sorting
from scoreboard.core.user import Status
from scoreboard.core.window import Window
from scoreboard.errors import NotFound, OutcomeUnknown
from scoreboard.ports import Ledger, Moderation, Reversal

from .conftest import OpenLedger
from .material import (
    DAY_MS,
    FALL,
    HOUR_MS,
    NOTHING,
    PRIZE,
    QUIZ,
    WITHOUT_SHRINKING,
    Clock,
    all_scores,
    append,
    award,
    put,
    turn,
)
from .plain_ledger import Answer, PlainLedger

T = TypeVar("T")

HISTORIES = settings(
    max_examples=10,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=WITHOUT_SHRINKING,
    suppress_health_check=list(HealthCheck),
)
CUP = Board(board="cup", tie=Tie.SHARED, windows=(Window.ALL, Window.DAY), time_zone="Asia/Tokyo")
GOAL = Action(action_id="goal", points=5, board="cup")
FOUL = Action(action_id="foul", points=-5, board="cup")
ACTIONS = [QUIZ, PRIZE, FALL, NOTHING, GOAL, GOAL, FOUL]
USERS = ["ada-of-the-mill", "bob-of-the-well", "cyd-of-the-hill"]
MODERATIONS = [Kind.HOLD, Kind.HIDE, Kind.BAN, Kind.RELEASE, Kind.RELEASE]

nodes = st.sampled_from([0, 1])
users = st.sampled_from(USERS)
actions = st.sampled_from(ACTIONS)
pairs = st.lists(st.tuples(users, actions), min_size=1, max_size=3)


class CrashError(Exception):
    """The process ends here."""


class Stage:
    """Told how far a group has come; raises, once, where a fault is planted."""

    def __init__(self) -> None:
        self.fault: tuple[str, Exception] | None = None

    def __call__(self, stage: str) -> None:
        if self.fault and self.fault[0] == stage:
            (_, error), self.fault = self.fault, None
            raise error


class Node:
    """A ledger that can be opened anew."""

    def __init__(self, open_ledger: OpenLedger, home: Path, clock: Clock) -> None:
        self.stage = Stage()
        self._open = lambda: open_ledger(home, clock, self.stage)
        self._life = contextlib.AsyncExitStack()
        self.ledger: Ledger

    async def start(self) -> None:
        self.ledger = await self._life.enter_async_context(self._open())

    async def end(self) -> None:
        await self._life.aclose()

    async def restart(self) -> None:
        await self.end()
        await self.start()


class History(RuleBasedStateMachine):
    """Any history of two nodes, beside the plain model of it."""

    open_ledger: OpenLedger
    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.home = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.awards = 0
        self.acknowledged: dict[str, Posting] = {}
        home = Path(self.home.name)
        self.nodes = [Node(self.open_ledger, home, self.clock) for _ in range(2)]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        for node in self.nodes:
            self.run(node.start())
        ledger = self.nodes[0].ledger
        self.run(put(ledger, CUP, *{action.action_id: action for action in ACTIONS}.values()))
        boards = self.run(ledger.catalogue()).boards
        self.model = PlainLedger(boards, self.clock, self.run(ledger.postings(0, 100)))

    def teardown(self) -> None:
        for node in self.nodes:
            self.run(node.end())
        self.runner.close()
        self.home.cleanup()

    # --- awards

    @rule(target=asked, node=nodes, wanted=pairs)
    def award(self, node: int, wanted: list[tuple[str, Action]]) -> Sequence[Award]:
        group = self._group(wanted)
        self._ensure(node, group, self.model.append(group))
        return group

    @rule(node=nodes, group=asked, more=pairs)
    def retry(self, node: int, group: Sequence[Award], more: list[tuple[str, Action]]) -> None:
        # Beside others, and twice in one group.
        mixed = [*group, *self._group(more), group[0]]
        self._ensure(node, mixed, self.model.append(mixed))

    @rule(node=nodes, group=asked, user=users, action=actions)
    def retry_as_another(
        self, node: int, group: Sequence[Award], user: str, action: Action
    ) -> None:
        other = [award(group[-1].award_id, user, action)]
        self._ensure(node, other, self.model.append(other))

    @rule(
        target=asked,
        node=nodes,
        wanted=pairs,
        stage=st.sampled_from(["begin", "commit", "committed"]),
    )
    def crash(self, node: int, wanted: list[tuple[str, Action]], stage: str) -> Sequence[Award]:
        group = self._group(wanted)
        if stage == "committed":
            self.model.append(group)
        self._lose(node, group, stage, CrashError())
        self.run(self.nodes[node].restart())
        return group

    @rule(target=asked, node=nodes, again=nodes, wanted=pairs)
    def lose_the_answer(
        self, node: int, again: int, wanted: list[tuple[str, Action]]
    ) -> Sequence[Award]:
        group = self._group(wanted)
        self.model.append(group)
        self._lose(node, group, "committed", OutcomeUnknown())
        self._ensure(again, group, self.model.append(group))
        return group

    # --- moderators, who ask twice

    @rule(node=nodes, again=nodes, user=users, kind=st.sampled_from(MODERATIONS))
    def moderate(self, node: int, again: int, user: str, kind: Kind) -> None:
        self._moderate(node, user, kind)
        self._moderate(again, user, kind)

    @rule(node=nodes, again=nodes, group=asked)
    def reverse_one(self, node: int, again: int, group: Sequence[Award]) -> None:
        award_id = group[0].award_id
        found = self.model.find(award_id)
        known = found is not None and found.user_ref in self.model.names  # not erased
        for each in (node, again):
            self._reverse(
                each, OneAward(award_id), known, lambda posting: posting.award_id == award_id
            )

    @rule(node=nodes, again=nodes, user=users, hours=st.sampled_from([0, 1, 30]))
    def reverse_some(self, node: int, again: int, user: str, hours: int) -> None:
        since = self.clock() - hours * HOUR_MS
        for each in (node, again):
            self._reverse(
                each,
                AwardsOf(user, since),
                self.model.knows(user),
                lambda posting: self.model.names[posting.user_ref] == user and posting.at >= since,
            )

    @rule(node=nodes, again=nodes, user=users)
    def erase(self, node: int, again: int, user: str) -> None:
        self._moderate(node, user, Kind.ERASE)
        self._moderate(again, user, Kind.ERASE)

    @precondition(lambda self: self.model.unforgotten)
    @rule(node=nodes)
    def forget_the_erased(self, node: int) -> None:
        self.run(self.nodes[node].ledger.forget_erased(self.model.head.seq))
        self.model.forget()

    # --- administrators, who ask twice

    @rule(node=nodes, again=nodes, name=st.sampled_from(["default", "cup"]), frozen=st.booleans())
    def turn(self, node: int, again: int, name: str, frozen: bool) -> None:
        for each in (node, again):
            self.run(turn(self.nodes[each].ledger, name, frozen=frozen))
            self.model.turn(name, frozen=frozen)

    # --- time and other nodes

    @rule(step_ms=st.sampled_from([1, HOUR_MS, DAY_MS, -HOUR_MS]))
    def wait(self, step_ms: int) -> None:
        self.clock.now_ms += step_ms

    @rule(node=nodes)
    def restart(self, node: int) -> None:
        self.run(self.nodes[node].restart())

    # --- what has to be true

    @invariant()
    def the_ledger_is_what_was_answered_for(self) -> None:
        expected = [comparable(posting) for posting in self.model.postings()]
        for node in self.nodes:
            postings = self.run(node.ledger.postings(0, 10_000))
            assert [comparable(posting) for posting in postings] == expected
            half = len(expected) // 2  # what a node keeps of its own is read from its middle
            newest = self.run(postings_after(node.ledger, half))
            assert [comparable(posting) for posting in newest] == expected[half:]
            assert self.run(node.ledger.head()).seq == len(expected)
        assert len({posting.award_id for posting in postings}) == len(postings)
        for award_id, posting in self.acknowledged.items():
            recorded = postings[posting.seq - 1]
            assert recorded.award_id == award_id
            assert comparable(recorded, name=False) == comparable(posting, name=False)

    @invariant()
    def every_period_is_the_sum_of_its_postings_in_its_order(self) -> None:
        ledger = self.nodes[0].ledger
        scores = self.model.scores()
        for span in {*self.run(ledger.spans()), *scores}:
            users = scores.get(span, {})
            found = self.run(all_scores(ledger, span))
            assert {score.user_id: score for score in found} == users, span
            board = self.model.boards[span[0]]
            rows = self.run(ledger.page(board, span[1], None, 100)).rows
            assert rows == placed_by_sorting(self.model.shown(users.values()), board.tie), span

    @invariant()
    def statuses_are_what_moderators_left(self) -> None:
        ledger = self.nodes[1].ledger
        listed = self.run(ledger.statuses(None, 100)).users
        assert {user.user_id: user.status for user in listed} == {
            name: status
            for name, status in self.model.status.items()
            if status is not Status.ACTIVE
        }

    @invariant()
    def boards_are_frozen_as_they_were_left(self) -> None:
        for node in self.nodes:
            assert self.run(node.ledger.catalogue()).boards == self.model.boards

    @precondition(lambda self: self.model.nobody())
    @invariant()
    def whoever_was_erased_has_no_name(self) -> None:
        async def whole() -> str:
            return "".join([str(page) async for page in self.nodes[0].ledger.history()])

        told = self.run(whole())
        assert not [name for name in self.model.nobody() if name in told]

    # --- one call

    def _group(self, wanted: list[tuple[str, Action]]) -> list[Award]:
        self.awards += len(wanted)
        first = self.awards - len(wanted)
        return [award(f"award-{first + n}", *each) for n, each in enumerate(wanted)]

    def _ensure(self, node: int, group: Sequence[Award], expected: list[Answer]) -> None:
        outcomes = self.run(append(self.nodes[node].ledger, self.clock, *group))
        assert [answer_of(outcome) for outcome in outcomes] == expected
        for outcome in outcomes:
            if not isinstance(outcome, Refused):
                first = self.acknowledged.setdefault(outcome.posting.award_id, outcome.posting)
                assert comparable(outcome.posting) == comparable(first)

    def _lose(self, node: int, group: Sequence[Award], stage: str, error: Exception) -> None:
        self.nodes[node].stage.fault = (stage, error)
        with pytest.raises(type(error)):
            self.run(append(self.nodes[node].ledger, self.clock, *group))

    def _moderate(self, node: int, user: str, kind: Kind) -> None:
        asking = self.nodes[node].ledger.moderate(Moderation(user, kind, "mo", "odd"))
        if not self.model.knows(user):
            with pytest.raises(NotFound):
                self.run(asking)
            return
        posting = self.run(asking)
        expected = self.model.moderate(user, kind)
        assert (posting and posting.seq) == (expected and expected.seq)

    def _reverse(
        self, node: int, awards: Awards, known: bool, is_meant: Callable[[Posting], bool]
    ) -> None:
        asking = self.nodes[node].ledger.reverse(Reversal(awards, "mo", "odd"))
        if not known:
            with pytest.raises(NotFound):
                self.run(asking)
            return
        postings = self.run(asking).postings
        expected = self.model.reverse(is_meant)
        assert [each.seq for each in postings] == [each.seq for each in expected]


def comparable(posting: Posting, *, name: bool = True) -> Posting:
    """Without what is the ledger's own business: references, who asked, ids that it made up."""
    return msgspec.structs.replace(
        posting,
        award_id=posting.award_id if posting.kind is Kind.AWARD else "",
        user_ref=None,
        user_id=posting.user_id if name else None,
        caller=None,
        detail=None,
    )


async def postings_after(ledger: Ledger, seq: int) -> list[Posting]:
    found: list[Posting] = []
    while more := await ledger.postings(found[-1].seq if found else seq, 10_000):
        found.extend(more)
    return found


def answer_of(outcome: Outcome) -> Answer:
    if isinstance(outcome, Refused):
        return type(outcome.error), 0
    return "repeated" if isinstance(outcome, Repeated) else "recorded", outcome.posting.seq


def test_everything_counts_once_whatever_was_lost_on_the_way(open_ledger: OpenLedger) -> None:
    class OnThisLedger(History):
        pass

    OnThisLedger.open_ledger = staticmethod(open_ledger)
    run_state_machine_as_test(OnThisLedger, settings=HISTORIES)
