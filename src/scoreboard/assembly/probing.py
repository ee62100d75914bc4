"""Whether the servers that nodes share can be used, for ``scoreboard check``."""

import asyncio
import contextlib
import time

from msgspec import Struct

from scoreboard.adapters.keys import JwksUrl, KeyFile
from scoreboard.assembly.backends import open_bus, open_limiter, open_ranking, unobserved
from scoreboard.errors import Unavailable
from scoreboard.ports import Place, Rate
from scoreboard.settings import Settings

WITHIN_S = 5.0


class Probe(Struct):
    """What was found: True for a server that answers, None for one that is not used."""

    ranking: bool | None = None
    place: Place | None = None
    bus: bool | None = None
    limiter: bool | None = None


async def probe(settings: Settings) -> Probe:
    """Ask each server once.

    Raises:
        Misconfigured: one of them can never be used like this.
    """
    found = Probe()
    async with contextlib.AsyncExitStack() as stack:
        if settings.ranking.shared:
            await _probe_ranking(settings, found, stack)
        if settings.bus.shared:
            found.bus = await _bus_tells(settings, stack)
        if settings.limiter.shared:
            found.limiter = await _limiter_counts(settings, stack)
    return found


class KeyProbe(Struct, frozen=True):
    """When the file of ``JWT_KEYS`` was written (seconds), how many keys ``JWKS_URL`` gave.

    None for what is not used.
    """

    file_at: float | None = None
    issued: int | None = None


async def probe_keys(settings: Settings) -> KeyProbe:
    """Read the keys of tokens once.

    Raises:
        Misconfigured: the service could not start with them.
    """
    file_at = issued = None
    if settings.jwt_keys is not None:
        KeyFile(settings.jwt_keys, clock=time.monotonic, observe=lambda _: None)
        file_at = settings.jwt_keys.stat().st_mtime
    if settings.jwks_url is not None:
        jwks = JwksUrl(settings.jwks_url, clock=time.monotonic, observe=lambda _: None)
        try:
            await jwks.start()
            issued = jwks.count
        finally:
            await jwks.stop()
    return KeyProbe(file_at, issued)


async def _probe_ranking(
    settings: Settings, found: Probe, stack: contextlib.AsyncExitStack
) -> None:
    ranking = await open_ranking(settings.ranking, unobserved, stack)
    try:
        found.place = await ranking.place()
    except Unavailable:
        found.ranking = False
    else:
        found.ranking = True


async def _bus_tells(settings: Settings, stack: contextlib.AsyncExitStack) -> bool:
    bus = await open_bus(settings.bus, unobserved, stack)
    news = bus.news()
    try:
        async with asyncio.timeout(WITHIN_S):
            await anext(news)
    except TimeoutError:
        return False
    finally:
        await news.aclose()  # type: ignore[attr-defined]  # every adapter's is a generator
    return True


async def _limiter_counts(settings: Settings, stack: contextlib.AsyncExitStack) -> bool:
    there = True

    def observe(now: bool) -> None:  # noqa: FBT001 - an ``Observe``
        nonlocal there
        there = now

    limiter = await open_limiter(settings.limiter, observe, stack)
    await limiter.hit("check", Rate(1, 1))
    return there
