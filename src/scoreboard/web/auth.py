"""Who is calling: the bearer token of a request, and what it allows."""

from scoreboard.core.token import Scope as TokenScope
from scoreboard.errors import InsufficientScope, InvalidToken
from scoreboard.telemetry import Telemetry, current_request
from scoreboard.web.exchange import Exchange
from scoreboard.web.tokens import Caller, TokenVerifier

_BEARER = b"bearer "


class Authenticator:
    """Reads and verifies the token of a request."""

    def __init__(self, verifier: TokenVerifier, telemetry: Telemetry) -> None:
        self._verifier = verifier
        self._telemetry = telemetry

    async def caller(self, exchange: Exchange) -> Caller:
        """Raises: InvalidToken, for every cause."""
        try:
            token = _token(exchange)
        except InvalidToken as error:
            self._telemetry.child("scoreboard_token_failures_total", error.reason).inc()
            raise
        caller = self._verifier.cached(token) or await self._verifier.verify(token)
        request = current_request()
        if request is not None:
            request.caller = caller.subject
        return caller

    async def is_user(self, exchange: Exchange, user_id: str) -> bool:
        """Whether the request carries a valid token of this user."""
        caller = await self.perhaps(exchange)
        return caller is not None and caller.subject == user_id

    async def perhaps(self, exchange: Exchange) -> Caller | None:
        """Who asks for what anybody may ask for; a bad token counts as none."""
        if exchange.header(b"authorization") is None:
            return None
        try:
            return await self.caller(exchange)
        except InvalidToken:
            return None

    async def caller_with(self, exchange: Exchange, scope: TokenScope) -> Caller:
        """Raises: InvalidToken, and InsufficientScope when the token lacks the scope."""
        caller = await self.caller(exchange)
        if scope not in caller.scopes:
            raise InsufficientScope
        return caller


def _token(exchange: Exchange) -> str:
    fields = exchange.fields(b"authorization")
    if not fields:
        raise InvalidToken("missing")
    if len(fields) > 1 or fields[0][:7].lower() != _BEARER:
        raise InvalidToken("malformed")
    return fields[0][7:].strip(b" ").decode("latin-1")
