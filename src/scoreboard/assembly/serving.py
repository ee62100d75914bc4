"""The life of a service, from its settings to its last line in the log."""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any

from scoreboard.adapters.keys import derive
from scoreboard.assembly.backends import make_folder
from scoreboard.assembly.node import Node
from scoreboard.assembly.process import listeners_of, run, url_of
from scoreboard.assembly.services import GATEWAY, services_of
from scoreboard.assembly.title import name_process, name_threads
from scoreboard.settings import Settings
from scoreboard.settings.parse import masked
from scoreboard.telemetry import Event, Log, Telemetry, log

SWITCH_INTERVAL_S = 0.001
"""How long the writer may have to wait for the interpreter."""


async def serve(settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
    """Run the service until SIGTERM or SIGINT; ``ready`` is told its URL.

    Raises:
        Misconfigured, Unavailable: it cannot start.
    """
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
