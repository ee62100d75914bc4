"""Where the keys come from that tokens are verified with."""

import contextlib
import time

from scoreboard.adapters.keys import JwksUrl, KeyChain, KeyFile, LocalKeys
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, Telemetry, log
from scoreboard.web.tokens import KeySource


async def key_source(
    settings: Settings, secret: bytes, telemetry: Telemetry, stack: contextlib.AsyncExitStack
) -> KeySource:
    """The key file and the JWKS URL that the settings name, or else the local secret.

    Raises:
        Misconfigured: a key cannot be used.
    """
    sources: list[KeySource] = []
    if settings.jwt_keys:
        sources.append(KeyFile(settings.jwt_keys, clock=time.monotonic, observe=_log_keys))
    if settings.jwks_url:
        failures = telemetry.child("scoreboard_jwks_failures_total")

        def observe(event: str) -> None:
            failures.inc(event == "failed")
            _log_keys(event)

        jwks = JwksUrl(settings.jwks_url, clock=time.monotonic, observe=observe)
        telemetry.child("scoreboard_jwks_age_seconds").set_function(lambda: jwks.age_s or 0)
        await jwks.start()
        stack.push_async_callback(jwks.stop)
        sources.append(jwks)
    return KeyChain(*sources) if sources else LocalKeys(secret)


def _log_keys(event: str) -> None:
    if event == "failed":
        log().warning(Event.JWKS_FAILED)
    else:
        log().info(Event.JWKS_REFRESHED)
