"""The only place that picks adapters, and owns every task's life and death."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

from scoreboard.adapters.keys import SigningKeys, derive, is_signature, local_secret, mint
from scoreboard.assembly.backends import cautions, make_folder, open_ledger
from scoreboard.assembly.checkpoints import FILE as CHECKPOINT_FILE
from scoreboard.assembly.own_secret import fits, own_secret
from scoreboard.assembly.probe import KeyProbe, Probe, probe, probe_keys
from scoreboard.assembly.title import name_process, name_threads
from scoreboard.errors import Misconfigured
from scoreboard.ports import Ledger
from scoreboard.settings import Settings
from scoreboard.settings.parse import masked
from scoreboard.telemetry import Event, Log, Telemetry, log

__all__ = [
    "CHECKPOINT_FILE",
    "KeyProbe",
    "Probe",
    "cautions",
    "fits",
    "is_signature",
    "local_token",
    "open_ledger",
    "probe",
    "probe_keys",
    "sealed",
    "serve",
]

SWITCH_INTERVAL_S = 0.001
"""How long the writer may have to wait for the interpreter."""


def local_token(settings: Settings, subject: str, scopes: frozenset[str], ttl_s: int) -> str:
    """A token of the local secret, which the first use makes.

    Raises:
        Misconfigured: the service would not accept it.
    """
    if settings.jwt_keys or settings.jwks_url:
        raise Misconfigured(
            "Tokens of the local secret are not accepted while JWT_KEYS or JWKS_URL is set: "
            "ask your own issuer for one."
        )
    make_folder(settings.secret_file.parent)
    return mint(
        local_secret(settings.secret_file),
        subject,
        scopes=scopes,
        ttl_s=ttl_s,
        now=time.time(),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


async def sealed(ledger: Ledger, settings: Settings, key: str, secret: bytes) -> bytes:
    """The secret of an HMAC key as this ledger stores it.

    Raises:
        Misconfigured: the ledger's nodes have another secret, and could not open it.
    """
    own = await own_secret(settings, ledger)
    return SigningKeys(own).sealed(key, secret)


async def serve(settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
    """Run the service until SIGTERM or SIGINT; ``ready`` is told its URL.

    Raises:
        Misconfigured, Unavailable: it cannot start.
    """
    # The commands that only open the ledger need not load a web server.
    from scoreboard.assembly.node import Node  # noqa: PLC0415
    from scoreboard.assembly.process import listeners_of, run, url_of  # noqa: PLC0415
    from scoreboard.assembly.services import GATEWAY, services_of  # noqa: PLC0415

    telemetry = Telemetry()
    name_process(settings.role)
    name_threads()
    said = Log(settings.log_level, settings.log_format, telemetry)
    said.configure()
    asyncio.get_running_loop().set_exception_handler(_loop_failed)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    make_folder(settings.data)
    try:
        async with contextlib.AsyncExitStack() as stack:
            listeners = listeners_of(settings)
            stack.callback(listeners.close)
            url = url_of(listeners.main)
            services = await services_of(settings, telemetry, stack)
            said.name_users_by(derive(services.backends.secret, "log"))
            node = await Node.made(services, services.backends.secret, url, stack)
            log().info(
                Event.SERVICE_STARTED,
                url=url,
                role=settings.role,
                ledger=None if settings.role == GATEWAY else masked(str(settings.ledger)),
                ranking=masked(str(settings.ranking)),
                bus=masked(str(settings.bus)),
            )
            await run(node, listeners, ready)
        log().info(Event.SERVICE_STOPPED)
    finally:
        said.outlet.close()


def _loop_failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waited for; the rest of its message shows arguments, which are not ours."""
    message = str(context.get("message", "")).partition("(")[0]
    log().error(Event.LOOP_FAILED, says=message, exc_info=context.get("exception"))
