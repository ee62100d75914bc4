"""Who is calling: a bearer token, verified against keys that come from elsewhere.

The token is taken apart twice, by the strict rules here and by joserfc, and both have to agree.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, NoReturn, Protocol

from joserfc.errors import JoseError
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact
from msgspec import Struct

from scoreboard.core.identifier import is_user_id
from scoreboard.core.token import (
    ALGORITHM_NAMES,
    LIFE_MAX_S,
    SCOPES,
    SEE_LIVE,
    Algorithm,
    VerificationKey,
)
from scoreboard.errors import InvalidToken

TOKEN_MAX_BYTES = 4096
LEEWAY_S = 30
CACHE_MAX_S = 60
KEYS_HELD_MAX = 256

_TYPES = frozenset({"jwt", "at+jwt"})
Reason = Literal[
    "missing", "too-long", "malformed", "header", "algorithm", "unknown-key", "signature", "claims",
    "expired", "not-yet-valid", "lifetime", "issuer", "audience", "subject",
]  # fmt: skip

# A token must not bring or point to its own key, nor ask for rules that we do not know.
_FORBIDDEN_HEADERS = frozenset({"jku", "x5u", "jwk", "crit", "b64"})
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_ISSUER_MAX = 256
_DATE_MAX = 2**53


class Caller(Struct, frozen=True):
    """Whoever holds the token; ``issuer`` is empty when the token names none."""

    subject: str
    issuer: str
    scopes: frozenset[str]
    expires_at: int

    def sees_live(self) -> bool:
        """Whether it may see what happens on a board that is frozen for the public."""
        return not self.scopes.isdisjoint(SEE_LIVE)


class KeySource(Protocol):
    """Where verification keys come from.

    Never raises for what a token says, and has a limit on how often it looks elsewhere: the kid is
    chosen by the caller. Awaits only while keys are fetched, and then for a bounded time.
    """

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        """The keys, at most some dozens, that may have signed such a token; perhaps none."""
        ...


class _Algorithms(JWSRegistry):
    """The algorithms of the contract; for joserfc there are no others, not even ``none``."""

    algorithms: ClassVar = {  # type: ignore[misc]
        name: next(model for model in JWS_ALGORITHMS if model.name == algorithm)
        for name, algorithm in ALGORITHM_NAMES.items()
    }
    max_header_length = TOKEN_MAX_BYTES
    max_payload_length = TOKEN_MAX_BYTES


_KEY_TYPES: dict[Algorithm, type[Key]] = {
    Algorithm.ED25519: OKPKey,
    Algorithm.ES256: ECKey,
    Algorithm.RS256: RSAKey,
    Algorithm.HS256: OctKey,
}
_REGISTRIES = {
    algorithm: _Algorithms(
        algorithms=[name for name, each in ALGORITHM_NAMES.items() if each is algorithm],
        strict_check_header=False,
    )
    for algorithm in Algorithm
}


class TokenVerifier:
    """Verifies tokens, and remembers what it has verified for a minute.

    ``issuer`` and ``audience`` are compared exactly when given. ``clock`` is the time of day in
    unix seconds. ``cache_max`` should exceed the number of tokens in use within a minute: the
    oldest is dropped first, so that a larger working set is never found. ``observe`` is told the
    reason of each refusal.
    """

    def __init__(  # noqa: PLR0913 - keys, and what each token is held against
        self,
        keys: KeySource,
        *,
        issuer: str | None,
        audience: str | None,
        clock: Callable[[], float],
        cache_max: int = 20_000,
        observe: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._cache_max = cache_max
        self._observe = observe
        self._verified: dict[str, tuple[Caller, float, float]] = {}
        self._held: dict[VerificationKey, Key] = {}

    def cached(self, token: str) -> Caller | None:
        """The caller of a token that was verified within the last minute and has not expired."""
        entry = self._verified.get(token)
        # A clock that was set back must not prolong anything.
        if entry is not None and entry[1] <= self._clock() < entry[2]:
            return entry[0]
        return None

    async def verify(self, token: str) -> Caller:
        """The caller named by a valid token.

        Raises: InvalidToken, with a ``reason`` from ``Reason`` for metrics and logs only.
        """
        if (caller := self.cached(token)) is not None:
            return caller
        try:
            return await self._verified_now(token)
        except InvalidToken as error:
            self._observe(error.reason)
            raise

    async def _verified_now(self, token: str) -> Caller:
        segments = _segments(token)
        kid, name = _checked_header(segments[0])
        algorithm = ALGORITHM_NAMES[name]
        candidates = await self._keys.candidates(kid, algorithm)
        if not candidates:
            _refuse("unknown-key")
        if not any(self._signed(token, key) for key in candidates if key.algorithm is algorithm):
            _refuse("signature")
        claims = _json_object(segments[1], "claims")
        now = self._clock()
        expires_at = _checked_times(claims, now)
        caller = self._caller(claims, expires_at)
        self._remember(token, caller, now)
        return caller

    def _signed(self, token: str, key: VerificationKey) -> bool:
        try:
            deserialize_compact(token, self._key(key), registry=_REGISTRIES[key.algorithm])
        except (JoseError, ValueError, TypeError):
            return False
        return True

    def _key(self, key: VerificationKey) -> Key:
        held = self._held.get(key)
        if held is None:
            if len(self._held) >= KEYS_HELD_MAX:
                self._held.clear()
            held = self._held[key] = _KEY_TYPES[key.algorithm].import_key(key.material)
        return held

    def _caller(self, claims: dict[str, Any], expires_at: int) -> Caller:
        issuer, subject, scope = claims.get("iss", ""), claims.get("sub"), claims.get("scope", "")
        # Lone surrogates are not printable, and would break whatever stores the issuer.
        if not isinstance(issuer, str) or len(issuer) > _ISSUER_MAX or not issuer.isprintable():
            _refuse("issuer")
        if self._issuer is not None and issuer != self._issuer:
            _refuse("issuer")
        if self._audience is not None and not _names(claims.get("aud"), self._audience):
            _refuse("audience")
        if not isinstance(subject, str) or not is_user_id(subject):
            _refuse("subject")
        if not isinstance(scope, str):
            _refuse("claims")
        scopes = SCOPES.intersection(scope.split(" "))
        return Caller(subject, issuer, frozenset(map(str, scopes)), expires_at)

    def _remember(self, token: str, caller: Caller, now: float) -> None:
        self._verified.pop(token, None)
        until = min(now + CACHE_MAX_S, caller.expires_at)
        if until <= now or self._cache_max < 1:
            return
        while len(self._verified) >= self._cache_max:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = (caller, now, until)


def _refuse(reason: Reason) -> NoReturn:
    raise InvalidToken(reason)


def _segments(token: str) -> tuple[bytes, bytes, bytes]:
    if len(token) > TOKEN_MAX_BYTES:
        _refuse("too-long")
    compact = _COMPACT.fullmatch(token)
    if compact is None:
        _refuse("malformed")
    header, payload, signature = map(_canonical_bytes, compact.groups())
    return header, payload, signature


def _canonical_bytes(segment: str) -> bytes:
    """Decoders drop bits that do not fill a byte: without this, one token has many spellings."""
    if len(segment) % 4 == 1:
        _refuse("malformed")
    decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != segment:
        _refuse("malformed")
    return decoded


def _checked_header(segment: bytes) -> tuple[str | None, str]:
    header = _json_object(segment, "header")
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        _refuse("header")
    kid, name, typ = header.get("kid"), header.get("alg"), header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        _refuse("header")
    if "kid" in header and not isinstance(kid, str):
        _refuse("header")
    if not isinstance(name, str) or name not in ALGORITHM_NAMES:
        _refuse("algorithm")
    return kid, name


def _json_object(segment: bytes, reason: Reason) -> dict[str, Any]:
    try:
        value = _STRICT.decode(segment.decode())
    except (ValueError, RecursionError):
        _refuse(reason)
    if not isinstance(value, dict):
        _refuse(reason)
    return value


def _distinct_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_STRICT = json.JSONDecoder(object_pairs_hook=_distinct_members, parse_constant=_no_constant)


def _checked_times(claims: dict[str, Any], now: float) -> int:
    expires_at = _date(claims, "exp")
    issued_at = _date(claims, "iat") if "iat" in claims else None
    if now >= expires_at + LEEWAY_S:
        _refuse("expired")
    if "nbf" in claims and now + LEEWAY_S < _date(claims, "nbf"):
        _refuse("not-yet-valid")
    if issued_at is None:
        life_s = expires_at - now - LEEWAY_S
    elif now + LEEWAY_S < issued_at:
        _refuse("not-yet-valid")
    else:
        life_s = expires_at - issued_at
    if life_s > LIFE_MAX_S:
        _refuse("lifetime")
    return int(expires_at)


def _date(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse("claims")
    # NaN and infinity, which a number such as 1e999 becomes, are in no range.
    if not 0 <= value < _DATE_MAX:
        _refuse("claims")
    return float(value)


def _names(audience: object, ours: str) -> bool:
    if isinstance(audience, list):
        return all(isinstance(each, str) for each in audience) and ours in audience
    return audience == ours
