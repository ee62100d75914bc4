"""The only place that picks adapters, and owns every task's life and death."""

import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from scoreboard.adapters.keys import derive, local_secret, mint
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.assembly.failpoint import FAILPOINT, failpoint
from scoreboard.errors import Misconfigured
from scoreboard.ports import Ledger
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, configure_log, log

SWITCH_INTERVAL_S = 0.001
"""How long the writer may have to wait for the interpreter."""


@contextlib.asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger that the settings name, closed at the end.

    Raises:
        Misconfigured, Unavailable: it cannot be used.
    """
    path = Path(settings.ledger.location)
    _make_folder(path.parent)
    stage = failpoint(os.environ.get(FAILPOINT, ""))
    ledger = await SqliteLedger.open(path, stage=stage, may_migrate=settings.migrate)
    try:
        yield ledger
    finally:
        await ledger.close()


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
    _make_folder(settings.secret_file.parent)
    return mint(
        local_secret(settings.secret_file),
        subject,
        scopes=scopes,
        ttl_s=ttl_s,
        now=time.time(),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


async def serve(settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
    """Run the service until SIGTERM or SIGINT; ``ready`` is told its URL.

    Raises:
        Misconfigured, Unavailable: it cannot start.
    """
    # The commands that only open the ledger need not load a web server.
    from scoreboard.assembly.node import Node  # noqa: PLC0415
    from scoreboard.assembly.process import listener_of, run, url_of  # noqa: PLC0415

    configure_log(settings.log_level, settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _make_folder(settings.data)
    _make_folder(settings.secret_file.parent)
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(settings))
        secret = local_secret(settings.secret_file)
        await _bind(ledger, secret)
        listener = listener_of(settings)
        stack.callback(listener.close)
        node = await Node.made(settings, ledger, secret, url_of(listener), stack)
        log().info(Event.SERVICE_STARTED, url=url_of(listener), ledger=settings.ledger.location)
        await run(node, listener, ready)
    log().info(Event.SERVICE_STOPPED)


async def _bind(ledger: Ledger, secret: bytes) -> None:
    fingerprint = derive(secret, "fingerprint").hex()
    if await ledger.bind(fingerprint) != fingerprint:
        raise Misconfigured(
            "This database belongs to another secret: bring back the SECRET_FILE it was made with."
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(f"The folder {folder} cannot be made: {error.strerror}.") from None
