"""The keys of ``JWKS_URL``, fetched seldom and kept while the issuer is away."""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence

import httpx2

from scoreboard.adapters.keys.document import (
    DOCUMENT_MAX_BYTES,
    UnusableKeyError,
    published_keys,
)
from scoreboard.adapters.keys.source import KeyEvent, serving
from scoreboard.core.token import Algorithm, VerificationKey
from scoreboard.errors import Misconfigured

JWKS_FRESH_S = 300.0
JWKS_AHEAD_S = 240.0
JWKS_STALE_S = 86_400.0
JWKS_SPACING_S = 30.0
JWKS_TIMEOUT_S = 5.0


class JwksUrl:
    """The keys that an issuer publishes at ``JWKS_URL``.

    Fetches are single and at least 30 s apart, whatever asks for them: the first use, age, or a kid
    that nobody knows. A set is fresh for 300 s, renewed ahead of that while it is in use, and kept
    up to 24 h while the issuer cannot be reached; requests with known keys do not wait for an
    issuer that is known to fail. ``clock`` is monotonic seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        observe: Callable[[KeyEvent], None],
        timeout_s: float = JWKS_TIMEOUT_S,
    ) -> None:
        self._url = _checked_url(url)
        self._clock = clock
        self._observe = observe
        self._timeout_s = timeout_s
        self._client: httpx2.AsyncClient | None = None
        self._keys: tuple[VerificationKey, ...] = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._flight: asyncio.Task[None] | None = None
        self._stopped = False
        self.failing = False
        """Whether the last fetch failed: the service is degraded, though known keys serve on."""

    async def start(self) -> None:
        """Fetch once; an issuer that cannot be reached yet is no reason not to start."""
        await self._fetched()

    async def stop(self) -> None:
        """Give up a fetch under way, begin no other, and close the connection."""
        self._stopped = True
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])
        if self._client is not None:
            await self._client.aclose()

    @property
    def age_s(self) -> float | None:
        """How old the keys are; None before the first fetch that succeeded."""
        return None if self._fetched_at is None else self._clock() - self._fetched_at

    @property
    def count(self) -> int:
        """How many keys there are."""
        return len(self._keys)

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        known = self._known(kid, algorithm)
        age_s = self.age_s
        if not known or age_s is None or (age_s >= JWKS_FRESH_S and not self.failing):
            await self._fetched()
        elif age_s >= JWKS_AHEAD_S:
            self._begin()
        return self._known(kid, algorithm)

    def _known(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        age_s = self.age_s
        if age_s is None or age_s >= JWKS_STALE_S:
            return ()
        return serving(self._keys, kid, algorithm)

    async def _fetched(self) -> None:
        flight = self._begin()
        if flight is not None:
            # One caller who goes away must not take the fetch from the others.
            await asyncio.wait([flight])

    def _begin(self) -> asyncio.Task[None] | None:
        if self._flight is not None and not self._flight.done():
            return self._flight
        now = self._clock()
        tried_at = self._tried_at
        if self._stopped or (tried_at is not None and now - tried_at < JWKS_SPACING_S):
            return None
        self._tried_at = now
        self._flight = asyncio.create_task(self._fetch(), name="jwks")
        return self._flight

    async def _fetch(self) -> None:
        began_at = self._clock()
        try:
            async with asyncio.timeout(self._timeout_s):
                document = await self._document()
            keys = tuple(published_keys(document))
        except (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError, UnusableKeyError):
            self.failing = True
            self._observe("failed")
            return
        self._keys, self._fetched_at, self.failing = keys, began_at, False
        self._observe("refreshed")

    async def _document(self) -> bytes:
        if self._client is None:
            # What the environment says about proxies and credentials is not a setting of ours.
            self._client = httpx2.AsyncClient(timeout=self._timeout_s, trust_env=False)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with self._client.stream("GET", self._url, headers=headers) as response:
            if response.status_code != httpx2.codes.OK:
                raise UnusableKeyError("the answer is not 200")
            document = bytearray()
            # Undecoded: a compressed answer could outgrow the limit in a single chunk.
            async for chunk in response.aiter_raw():
                document += chunk
                if len(document) > DOCUMENT_MAX_BYTES:
                    raise UnusableKeyError("it is larger than 64 KiB")
        return bytes(document)


def _checked_url(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise Misconfigured("JWKS_URL is not a URL.") from error
    if url.userinfo:
        raise Misconfigured("JWKS_URL must not contain a user name or a password.")
    if url.host and (url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host))):
        return url
    raise Misconfigured("JWKS_URL must begin with https://, or http:// for this machine itself.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
