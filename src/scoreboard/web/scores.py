"""``POST /v1/scores``: a user finished an action."""

import re

from scoreboard import wire
from scoreboard.core.identifier import is_idempotency_key
from scoreboard.core.token import Scope
from scoreboard.errors import (
    ActionRejected,
    InvalidParameter,
    ScoreboardError,
    SignatureMalformed,
)
from scoreboard.service.scorer import RATE, Answer, Request, Scorer
from scoreboard.telemetry import Telemetry
from scoreboard.web.auth import Authenticator
from scoreboard.web.exchange import JSON, Exchange, Handler, Headers, Reply
from scoreboard.web.rates import rate_headers
from scoreboard.web.strict import strict_json

BODY_MAX_BYTES = 1_024

_SIGNATURE = re.compile(
    rb"key=[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64},ts=[0-9]{1,12},"
    rb"nonce=[A-Za-z0-9_-]{16,64},v1=[A-Za-z0-9_-]{1,128}"
)


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
            self._telemetry.child("scoreboard_awards_total", error.code).inc()
            raise
        (self._repeated if answer.repeated else self._recorded).inc()
        return _reply(answer)

    async def _request(self, exchange: Exchange) -> Request:
        caller = await self._auth.caller(exchange)
        body = await exchange.json_body(BODY_MAX_BYTES)
        finished = strict_json(body, wire.Finished)
        key = _idempotency_key(exchange)
        trusted = Scope.WRITE in caller.scopes
        if trusted or caller.subject == finished.user_id:
            _refuse_signature(exchange)
        return Request(
            caller.subject, caller.issuer, trusted, finished.user_id, finished.action_id, key
        )


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


def _refuse_signature(exchange: Exchange) -> None:
    """No signing key can be registered with this version, so that no signature is of one.

    Raises:
        SignatureMalformed, ActionRejected
    """
    fields = exchange.fields(b"action-signature")
    if fields:
        well_formed = len(fields) == 1 and _SIGNATURE.fullmatch(fields[0])
        raise ActionRejected if well_formed else SignatureMalformed


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
