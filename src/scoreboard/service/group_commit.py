"""Group commit: every award that waits while a commit is under way goes into the next one."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scoreboard.core.award import Award, Outcome, Recorded, Refused
from scoreboard.errors import (
    ActionRejected,
    CatalogueMoved,
    OutcomeUnknown,
    Overloaded,
    PeriodMoved,
    ScoreboardError,
    SignatureRequired,
    Unavailable,
)
from scoreboard.ports import Ledger, Prepared
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.health import Health
from scoreboard.service.tally import Tally
from scoreboard.telemetry import (
    Event,
    RequestContext,
    Span,
    Telemetry,
    current_request,
    exemplar,
    log,
    now_s,
)

WAIT_MAX_S = 2.0
"""An award that waited longer for its turn is refused unwritten: its caller has other plans."""

MOVES_MAX = 3
"""Tries for a group whose periods or settings move on under it."""

TOLD_MAX = 8
"""Requests of a group that are named in the log."""


class _Waiting(Struct):
    award: Award
    outcome: "asyncio.Future[Outcome]"
    since_s: float
    request: RequestContext | None


class GroupCommit:
    """Joins awards into groups of at most ``group_max``; at most ``queue_max`` wait."""

    def __init__(  # noqa: PLR0913 - what it works with, and its two limits
        self,
        ledger: Ledger,
        catalogue: CurrentCatalogue,
        *,
        group_max: int,
        queue_max: int,
        clock_ms: Callable[[], int],
        health: Health,
        telemetry: Telemetry,
    ) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._group_max = group_max
        self._queue_max = queue_max
        self._clock_ms = clock_ms
        self._health = health
        self._waiting: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._size = telemetry.child("scoreboard_group_size")
        self._commit = telemetry.child("scoreboard_commit_seconds")
        self._tally = Tally(telemetry)
        self._traces = telemetry.traces
        queue = telemetry.child("scoreboard_waiting_awards")
        queue.set_function(lambda: len(self._waiting))  # a commit that hangs must show it too
        self._unknown = telemetry.child("scoreboard_unknown_outcomes_total")

    async def record(self, award: Award) -> Outcome:
        """Return when the award is durable, repeated or refused.

        Raises:
            Overloaded: too many wait; nothing was recorded.
            Unavailable: nothing was recorded.
            OutcomeUnknown: it may have been recorded.
        """
        if len(self._waiting) >= self._queue_max:
            raise Overloaded
        loop = asyncio.get_running_loop()
        waiting = _Waiting(award, loop.create_future(), loop.time(), current_request())
        self._waiting.append(waiting)
        if self._writing is None:
            # Not in the context of the award that happens to be the first.
            context = contextvars.Context()
            self._writing = loop.create_task(self._write_all(), context=context)
        return await waiting.outcome

    async def drain(self) -> None:
        """Return when nothing waits any more."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group = self._take()
                if group:
                    await self._write(group)
        finally:
            self._writing = None

    def _take(self) -> list[_Waiting]:
        too_old_s = asyncio.get_running_loop().time() - WAIT_MAX_S
        group: list[_Waiting] = []
        while self._waiting and len(group) < self._group_max:
            waiting = self._waiting.popleft()
            if waiting.outcome.done():
                continue  # the caller has gone
            if waiting.since_s < too_old_s:
                waiting.outcome.set_exception(Unavailable())
                continue
            group.append(waiting)
        return group

    async def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            with self._traces.group([waiting.request for waiting in group]) as span:
                outcomes = await self._append([waiting.award for waiting in group], span)
        except ScoreboardError as error:
            self._fail(group, error)
        except Exception:  # noqa: BLE001 - whatever it is, these awards may have been recorded
            log().exception(Event.LEDGER_FAILED, **_told(group))
            self._fail(group, OutcomeUnknown())
        else:
            self._health.restored("ledger")
            for waiting, outcome in zip(group, outcomes, strict=True):
                if not waiting.outcome.done():
                    waiting.outcome.set_result(outcome)

    async def _append(self, awards: Sequence[Award], span: Span | None) -> Sequence[Outcome]:
        at_ms = self._clock_ms()
        for _ in range(MOVES_MAX):
            began_s = now_s()
            # Once: a key may be revoked while the ledger is at work, and each keeps its answer.
            present = [self._present(award) for award in awards]
            good = [award for award in present if isinstance(award, Award)]
            try:
                prepared = self._prepared(good, at_ms)
                outcomes = await self._ledger.append(good, prepared) if good else ()
            except PeriodMoved as moved:
                at_ms = moved.at_ms  # our clock is not the one that counts
                continue
            except CatalogueMoved:
                await self._catalogue.load()
                continue
            if good:
                self._commit.observe(now_s() - began_s, exemplar(span))
                self._size.observe(len(good))
                self._tally.count(outcomes)
            if span is not None:
                _tell_span(span, outcomes)
            left = iter(outcomes)
            return [each if isinstance(each, Refused) else next(left) for each in present]
        raise Unavailable

    def _present(self, award: Award) -> Award | Refused:
        """The award by the catalogue of now: it may have changed while the award waited."""
        if award.key is not None:
            key = self._catalogue.keys.get(award.key)
            if key is None or key.revoked_at is not None:
                return Refused(ActionRejected())
        action = self._catalogue.actions.get(award.action.action_id)
        if action is None or action is award.action:
            return award
        if action.requires_signature and award.key is None and award.caller is None:
            return Refused(SignatureRequired())
        return replace(award, action=action)

    def _prepared(self, awards: Sequence[Award], at_ms: int) -> Prepared:
        boards = {award.action.board for award in awards}
        periods = {name: self._catalogue.board(name).periods_at(at_ms) for name in boards}
        return Prepared(self._catalogue.version, periods, self._catalogue.rules)

    def _fail(self, group: Sequence[_Waiting], error: ScoreboardError) -> None:
        log().warning(Event.LEDGER_FAILED, code=error.code, **_told(group))
        self._health.lost("ledger")
        if isinstance(error, OutcomeUnknown):
            self._unknown.inc(len(group))
        for waiting in group:
            if not waiting.outcome.done():
                waiting.outcome.set_exception(type(error)())


def _tell_span(span: Span, outcomes: Sequence[Outcome]) -> None:
    seqs = [outcome.posting.seq for outcome in outcomes if isinstance(outcome, Recorded)]
    if seqs:
        span.wrote(seqs[0], seqs[-1])


def _told(group: Sequence[_Waiting]) -> dict[str, object]:
    """What the log says of a group: how many, and the first requests' ids."""
    requests = [each.request.request_id for each in group[:TOLD_MAX] if each.request is not None]
    return {"awards": len(group), "requests": requests}
