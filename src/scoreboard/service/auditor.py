"""An audit: do scores, ranking, ledger and seals agree, and is anybody irregular."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from msgspec import Struct

from scoreboard.core.finding import Finding, Irregularity, Noted
from scoreboard.core.posting import Kind
from scoreboard.core.user import Status
from scoreboard.errors import NotFound, ScoreboardError
from scoreboard.ports import Catalogue, Head, Ledger, Moderation, Ranking
from scoreboard.service.agreement import Summed, compare_all
from scoreboard.service.comparison import Comparison
from scoreboard.service.decisions import Decisions, compare_decisions
from scoreboard.service.drift import Compared
from scoreboard.service.irregularities import Irregularities
from scoreboard.service.leadership import Leadership
from scoreboard.service.seal_check import Checked, SealCheck
from scoreboard.telemetry import Event, Telemetry, log

FIRST_AFTER_S = 600.0
"""How long after a start, which has enough to do, or after an outage an audit is due."""
REVIEW_EVERY_S = 60.0
CALLER = "scoreboard"
LISTED_AT_ONCE = 500
SHOWN_MAX = 50
REASON_MAX = 500

Seen = Callable[[str, int, int], None]
"""Told what is under way, how far it has come, and of how much."""


def unseen(_: str, __: int, ___: int) -> None:
    """Nobody watches."""


class Audit(Struct, frozen=True, kw_only=True):
    """What an audit found; a function of the ledger up to ``seq``, its tables and the catalogue.

    ``ranking`` is None where there is no ranking to read, or one that is being rebuilt. How much
    ``seals`` looked at follows also from the audits before.
    """

    seq: int
    sums: Summed
    ranking: Compared | None
    decisions: Decisions
    seals: Checked
    findings: tuple[Finding, ...]

    @property
    def right(self) -> bool:
        """Whether everything adds up; irregular users are no error of the ledger."""
        return not self.different and not self.seals.faults

    @property
    def different(self) -> int:
        """How much differs from the postings."""
        different = len(self.sums.differences) + len(self.sums.strange)
        different += self.ranking.different if self.ranking else 0
        return different + self.decisions.different


class Auditor:
    """``audit`` looks once; ``run`` looks again and again, on the node that leads."""

    def __init__(
        self, ledger: Ledger, ranking: Ranking | None, seals: SealCheck, *, holds: bool = False
    ) -> None:
        self._ledger = ledger
        self._ranking = ranking
        self._seals = seals
        self._holds = holds
        self._irregularities = Irregularities(ledger)

    async def audit(self, seen: Seen = unseen) -> Audit:
        """Compare, judge, and store what is new; awards go on meanwhile.

        Raises:
            Unavailable: something could not be read or stored; nothing is lost by trying again.
        """
        head, catalogue = await self._ledger.head(), await self._ledger.catalogue()
        # The database adds up while the rest is looked at here.
        adding = asyncio.create_task(compare_all(self._ledger, _as("scores", seen)))
        try:
            ranking = await self._compared(catalogue, seen)
            decisions = await compare_decisions(self._ledger, _as("decisions", seen))
            seals = await self._seals.check(head, _as("seals", seen))
            found = await self._judged(head, catalogue, seen)
            sums = await adding
        finally:
            adding.cancel()
            await asyncio.gather(adding, return_exceptions=True)
        return Audit(
            seq=head.seq,
            sums=sums,
            ranking=ranking,
            decisions=decisions,
            seals=seals,
            findings=found,
        )

    async def _compared(self, catalogue: Catalogue, seen: Seen) -> Compared | None:
        if self._ranking is None:
            return None
        comparison = Comparison(self._ledger, self._ranking, catalogue.boards)
        return await comparison.whole(_as("ranking", seen))

    async def _judged(self, head: Head, catalogue: Catalogue, seen: Seen) -> tuple[Finding, ...]:
        caps = {action.action_id: action.caps for action in catalogue.actions.values()}
        await self._irregularities.summarise(head, caps, _as("activity", seen))
        found = await self._irregularities.find(head, _as("users", seen))
        await self._note(found)
        return tuple(found)

    async def open_findings(self) -> list[Noted]:
        """The newest findings that nobody has dealt with, at most ``SHOWN_MAX``."""
        return [noted for noted in await self._ledger.findings(None, SHOWN_MAX) if noted.is_open]

    async def _note(self, found: Sequence[Finding]) -> None:
        new = {finding.identity for finding in await self._ledger.note_findings(found)}
        # Also those that were noted before: the audit that noted them may not have come so far.
        to_hold = {finding.identity for finding in found} if self._holds else set[str]()
        before: int | None = None
        while (new or to_hold) and (page := await self._ledger.findings(before, LISTED_AT_ONCE)):
            for noted in page:
                if noted.finding.identity in new:
                    new.discard(noted.finding.identity)
                    _tell(noted)
                if noted.finding.identity in to_hold and noted.is_open:
                    await self._hold(noted)
            before = page[-1].place
            if not page[-1].is_open:
                to_hold.clear()  # open ones come first

    async def _hold(self, noted: Noted) -> None:
        if noted.user_id is None or noted.status is not Status.ACTIVE:
            return
        finding = noted.finding
        reason = f"Finding {noted.entry} ({finding.irregularity.value}): {finding.says}"
        hold = Moderation(
            noted.user_id, Kind.HOLD, CALLER, reason[:REASON_MAX], only_from=Status.ACTIVE
        )
        with contextlib.suppress(NotFound):  # erased just now
            await self._ledger.moderate(hold)


class PeriodicAudit:
    """Audits every so often on the node that leads, and counts what waits for review."""

    def __init__(
        self,
        auditor: Auditor,
        ledger: Ledger,
        leadership: Leadership,
        *,
        every_s: float,
        telemetry: Telemetry,
    ) -> None:
        self._auditor = auditor
        self._ledger = ledger
        self._leadership = leadership
        self._every_s = every_s
        self._telemetry = telemetry
        telemetry.child("scoreboard_audit_every_seconds").set(every_s)

    async def run(self) -> None:
        """Look for ever; what cannot be read now is read next time."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + min(self._every_s, FIRST_AFTER_S)
        while True:
            if self._leadership.term is not None:
                if self._every_s and loop.time() >= due_s:
                    outage = await self._audit()
                    wait_s = min(self._every_s, FIRST_AFTER_S) if outage else self._every_s
                    due_s = loop.time() + wait_s
                await self._count()
            else:
                self._stand_down()
            await asyncio.sleep(min(REVIEW_EVERY_S, self._every_s or REVIEW_EVERY_S))

    def _stand_down(self) -> None:
        """Another node looks, and tells what it finds: what is told here would not go away."""
        for name in ("audit_differences", "audit_seal_faults", "users_held"):
            self._telemetry.child(f"scoreboard_{name}").set(0)
        for irregularity in Irregularity:
            self._telemetry.child("scoreboard_findings_open", irregularity.value).set(0)

    async def _audit(self) -> bool:
        """Whether an outage was in its way, so that it has to be tried again soon."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            audit = await self._auditor.audit()
        except ScoreboardError as error:
            log().warning(Event.AUDIT_FAILED, code=error.code)
            return True
        except Exception:  # noqa: BLE001 - what a damaged ledger holds may not end the service
            log().exception(Event.AUDIT_FAILED)
            return False
        took_s = loop.time() - began_s
        self._telemetry.child("scoreboard_audit_seconds").set(took_s)
        self._telemetry.child("scoreboard_audit_last_timestamp_seconds").set_to_current_time()
        different, seals = audit.different, audit.seals
        self._telemetry.child("scoreboard_audit_differences").set(different)
        self._telemetry.child("scoreboard_audit_seal_faults").set(len(seals.faults))
        told = {"seq": audit.seq, "seconds": round(took_s, 3), "findings": len(audit.findings)}
        if audit.right:
            log().info(Event.AUDIT_FINISHED, **told)
        else:
            log().error(
                Event.AUDIT_DIFFERS,
                differences=different,
                seal_faults=[fault.what for fault in seals.faults],
                first_bad_seq=seals.first_bad_seq,
                **told,
            )
        return False

    async def _count(self) -> None:
        try:
            queue = await self._ledger.review()
        except ScoreboardError as error:
            log().warning(Event.AUDIT_FAILED, code=error.code)
            return
        for irregularity in Irregularity:
            number = queue.open.get(irregularity, 0)
            self._telemetry.child("scoreboard_findings_open", irregularity.value).set(number)
        self._telemetry.child("scoreboard_users_held").set(queue.held)


def _tell(noted: Noted) -> None:
    finding = noted.finding
    log().warning(
        Event.FINDING_NOTED,
        entry=noted.entry,
        irregularity=finding.irregularity.value,
        day=finding.date,
    )


def _as(name: str, seen: Seen) -> Callable[[int, int], None]:
    return lambda done, of: seen(name, done, of)
