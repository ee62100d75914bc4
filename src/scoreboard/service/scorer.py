"""May this caller award this action to this user, now, at this rate? Then it is recorded."""

import contextlib
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from scoreboard.core.action import Action
from scoreboard.core.award import (
    Award,
    Outcome,
    Recorded,
    Refused,
    Repeated,
    idempotent_award_id,
    new_award_id,
)
from scoreboard.core.posting import Posting
from scoreboard.core.signature import Signature
from scoreboard.core.signing_key import Fault
from scoreboard.errors import (
    AwardConflict,
    ForbiddenUser,
    Outage,
    OutcomeUnknown,
    RateLimited,
    ScoreboardError,
    SignatureExpired,
    SignatureRequired,
    SuspiciousActivity,
    UnknownAction,
)
from scoreboard.ports import Ledger, Limiter, Rate, Verdict
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.group_commit import GroupCommit
from scoreboard.service.signatures import Signatures
from scoreboard.telemetry import Telemetry

RATE = "awards"
"""The name of the rate that awards count against."""


class Request(Struct, frozen=True):
    """Who says that whom finished what; ``trusted`` callers may speak for anybody.

    The award is named by its signature or by an idempotency key, never by both.
    """

    subject: str
    issuer: str
    trusted: bool
    user_id: str
    action_id: str
    idempotency_key: str | None = None
    signature: Signature | None = None

    @property
    def named(self) -> bool:
        """Whether it may be a repeat."""
        return self.signature is not None or self.idempotency_key is not None


class Answer(Struct, frozen=True):
    """The posting, whether it is a repeat, and what is left of the caller's rate."""

    posting: Posting
    repeated: bool
    rate: Rate
    verdict: Verdict


class Scorer:
    """The way in."""

    def __init__(  # noqa: PLR0913 - what it asks, and its limits
        self,
        ledger: Ledger,
        commit: GroupCommit,
        limiter: Limiter,
        catalogue: CurrentCatalogue,
        signatures: Signatures,
        *,
        user_rate: Rate,
        service_rate: Rate,
        clock_ms: Callable[[], int],
        random: Callable[[int], bytes],
        telemetry: Telemetry,
    ) -> None:
        self._ledger = ledger
        self._commit = commit
        self._limiter = limiter
        self._catalogue = catalogue
        self._signatures = signatures
        self._user_rate = user_rate
        self._service_rate = service_rate
        self._clock_ms = clock_ms
        self._random = random
        self._telemetry = telemetry

    async def remember(self) -> None:
        """Enter the awards of the last moments into the limiter: a restart grants nothing twice."""
        if self._user_rate.limit == 0:
            return
        now_ms = self._clock_ms()
        since_ms = now_ms - self._user_rate.window_s * 1000
        for user_id, at in await self._ledger.own_awards_since(since_ms):
            age_s = max(0, now_ms - at) / 1000
            await self._limiter.remember(f"user:{user_id}", self._user_rate, age_s)

    async def score(self, request: Request) -> Answer:
        """Record an award, once.

        Raises:
            ForbiddenUser, ActionRejected, SignatureRequired, SignatureExpired, UnknownAction,
            AwardConflict, ScoreLimit, SuspiciousActivity, UserSuspended, RateLimited: refused;
            nothing was recorded or used.
            Outage: see ``GroupCommit.record``.
        """
        if not request.trusted and request.subject != request.user_id:
            raise ForbiddenUser
        signature = request.signature
        if signature is not None:
            await self._signatures.ensure(signature, request.user_id, request.action_id)
        award_id = self._award_id(request)
        if signature is not None and not signature.is_timely(self._clock_ms()):
            return await self._earlier(request, award_id) or self._expired()
        action = await self._catalogue.action(request.action_id)
        if action is None:
            return await self._earlier(request, award_id) or _refuse(UnknownAction())
        if action.requires_signature and not request.trusted and signature is None:
            self._signatures.count(Fault.MISSING)
            raise SignatureRequired
        key, rate = self._limit(request)
        verdict = await self._limiter.hit(key, rate)
        if not verdict.allowed:
            return await self._at_the_limit(request, _award(request, award_id, action), verdict)
        return await self._record(_award(request, award_id, action), key, rate, verdict)

    async def _record(self, award: Award, key: str, rate: Rate, verdict: Verdict) -> Answer:
        try:
            outcome = await self._commit.record(award)
        except OutcomeUnknown:
            raise  # it may have been recorded: the slot stays taken
        except ScoreboardError:
            await self._limiter.give_back(key)
            raise
        if not isinstance(outcome, Recorded):
            await self._limiter.give_back(key)
            remaining = min(rate.limit, verdict.remaining + 1)
            verdict = Verdict(allowed=True, remaining=remaining, reset_s=verdict.reset_s)
        return self._answer(outcome, rate, verdict)

    def _answer(self, outcome: Outcome, rate: Rate, verdict: Verdict) -> Answer:
        match outcome:
            case Recorded(posting, shadows):
                for rule in shadows:
                    self._telemetry.child("scoreboard_rule_shadow_hits_total", rule).inc()
                return Answer(posting, repeated=False, rate=rate, verdict=verdict)
            case Repeated(posting):
                return Answer(posting, repeated=True, rate=rate, verdict=verdict)
            case Refused(error):
                if isinstance(error, SuspiciousActivity):
                    self._telemetry.child("scoreboard_rule_refusals_total", error.rule).inc()
                raise error

    async def _at_the_limit(self, request: Request, award: Award, verdict: Verdict) -> Answer:
        earlier = await self._earlier(request, award.award_id)
        if earlier is not None:
            return earlier
        await self._ensure_no_rule(award, verdict)
        self._telemetry.child("scoreboard_rate_limited_total", "user").inc()
        _, rate = self._limit(request)
        raise RateLimited(max(1, verdict.reset_s), RATE, rate.limit, rate.window_s)

    async def _ensure_no_rule(self, award: Award, verdict: Verdict) -> None:
        """A rule's refusal goes before that of the rate, and is an incident all the same."""
        if not self._catalogue.rules.apply_to(award):
            return
        # It is not recorded, whatever comes back: without an answer, the rate's is as right.
        with contextlib.suppress(Outage, RateLimited):
            outcome = await self._commit.record(replace(award, over_rate=True))
            self._answer(outcome, self._user_rate, verdict)

    async def _earlier(self, request: Request, award_id: str) -> Answer | None:
        if not request.named:
            return None
        posting = await self._ledger.posting(award_id)
        if posting is None:
            return None
        if (posting.user_id, posting.action_id) != (request.user_id, request.action_id):
            raise AwardConflict
        _, rate = self._limit(request)
        verdict = Verdict(allowed=True, remaining=0, reset_s=0)
        return Answer(posting, repeated=True, rate=rate, verdict=verdict)

    def _limit(self, request: Request) -> tuple[str, Rate]:
        if request.trusted:
            return f"service:{request.issuer}\n{request.subject}", self._service_rate
        return f"user:{request.user_id}", self._user_rate

    def _expired(self) -> Answer:
        self._signatures.count(Fault.EXPIRED)
        raise SignatureExpired

    def _award_id(self, request: Request) -> str:
        if request.signature is not None:
            return request.signature.award_id
        if request.idempotency_key is None:
            return new_award_id(self._clock_ms(), self._random(10))
        return idempotent_award_id(request.issuer, request.subject, request.idempotency_key)


def _award(request: Request, award_id: str, action: Action) -> Award:
    return Award(
        award_id=award_id,
        user_id=request.user_id,
        action=action,
        named=request.named,
        caller=request.subject if request.trusted else None,
        key=request.signature.key if request.signature else None,
    )


def _refuse(error: ScoreboardError) -> Answer:
    raise error
