"""``POST /v1/scores``: a user finished an action."""

from scoreboard import wire
from scoreboard.core.identifier import is_idempotency_key
from scoreboard.core.signature import Signature, parsed
from scoreboard.core.signing_key import Fault
from scoreboard.core.token import Scope
from scoreboard.errors import (
    InvalidParameter,
    OutcomeUnknown,
    ScoreboardError,
    SignatureMalformed,
)
from scoreboard.service.scorer import RATE, Answer, Request, Scorer
from scoreboard.telemetry import Telemetry, current_request
from scoreboard.web.auth import Authenticator
from scoreboard.web.exchange import JSON, Exchange, Handler, Headers, Reply
from scoreboard.web.rates import rate_headers
from scoreboard.web.strict import strict_json

BODY_MAX_BYTES = 1_024


class ScoresHandler:
    """Parses, and leaves the rest to the scorer."""

    def __init__(self, auth: Authenticator, scorer: Scorer, telemetry: Telemetry) -> None:
        self._auth = auth
        self._scorer = scorer
        self._telemetry = telemetry
        self._recorded = telemetry.child("scoreboard_awards_total", "recorded")
        self._repeated = telemetry.child("scoreboard_awards_total", "repeated")

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"award": self.award}

    async def award(self, exchange: Exchange) -> Reply:
        try:
            answer = await self._scorer.score(await self._request(exchange))
        except ScoreboardError as error:
            self._count(error)
            raise
        except Exception:
            self._count(OutcomeUnknown())  # what the caller will be told
            raise
        (self._repeated if answer.repeated else self._recorded).inc()
        if (request := current_request()) is not None:
            request.seq = answer.posting.seq
        return _reply(answer)

    def _count(self, error: ScoreboardError) -> None:
        self._telemetry.child("scoreboard_awards_total", error.code).inc()

    async def _request(self, exchange: Exchange) -> Request:
        caller = await self._auth.caller(exchange)
        body = await exchange.json_body(BODY_MAX_BYTES)
        finished = strict_json(body, wire.Finished)
        return Request(
            caller.subject,
            caller.issuer,
            Scope.WRITE in caller.scopes,
            finished.user_id,
            finished.action_id,
            _idempotency_key(exchange),
            self._signature(exchange),
        )

    def _signature(self, exchange: Exchange) -> Signature | None:
        fields = exchange.fields(b"action-signature")
        if not fields:
            return None
        try:
            return parsed(fields[0] if len(fields) == 1 else b"")
        except SignatureMalformed:
            reason = Fault.MALFORMED.value
            self._telemetry.child("scoreboard_signature_failures_total", reason).inc()
            raise


def _idempotency_key(exchange: Exchange) -> str | None:
    fields = exchange.fields(b"idempotency-key")
    if not fields:
        return None
    key = fields[0].decode("latin-1")
    if len(fields) > 1 or not is_idempotency_key(key):
        raise InvalidParameter
    if exchange.header(b"action-signature") is not None:
        raise InvalidParameter
    return key


def _reply(answer: Answer) -> Reply:
    award_id = answer.posting.award_id.encode()
    body = b'{"success":true,"new_score":%d}' % (answer.posting.score_after or 0)
    headers: Headers = [
        (b"content-type", JSON),
        (b"location", b"/v1/awards/" + award_id),
        (b"award-id", award_id),
    ]
    if answer.rate.limit:
        rate, verdict = answer.rate, answer.verdict
        headers += rate_headers(RATE, rate.limit, rate.window_s, verdict.remaining, verdict.reset_s)
    if answer.repeated:
        headers.append((b"idempotency-replayed", b"true"))
    return Reply(200, headers, body)
