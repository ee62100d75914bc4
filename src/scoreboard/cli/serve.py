"""``scoreboard serve``: the service."""

import asyncio
import sys
from typing import Annotated

import uvloop
from cyclopts import Parameter

from scoreboard import assembly
from scoreboard.cli.options import Data, load
from scoreboard.cli.terminal import ERR

Host = Annotated[str | None, Parameter(help="Address to listen on. Default: 127.0.0.1.")]
Port = Annotated[str | None, Parameter(help="Port to listen on, 0 for a free one. Default: 8000.")]
Origins = Annotated[
    str | None, Parameter(help="Pages that may connect, such as https://example.com,https://b.io.")
]
UserRate = Annotated[
    str | None, Parameter(help="Awards that a user may ask for. Default: 10/60s. 0: no limit.")
]
IpRate = Annotated[
    str | None, Parameter(help="Requests from one address. Default: 600/60s. 0: no limit.")
]
LogLevel = Annotated[str | None, Parameter(help="debug, info, warning or error. Default: info.")]
LogFormat = Annotated[str | None, Parameter(help="json, console or auto. Default: auto.")]


def serve(  # noqa: PLR0913 - each is an option
    *,
    data: Data = None,
    host: Host = None,
    port: Port = None,
    origins: Origins = None,
    user_rate: UserRate = None,
    ip_rate: IpRate = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
) -> None:
    """Run the service until Ctrl-C.

    The first start makes the data folder, a secret and a database. Every other setting is in
    `scoreboard settings`; it comes from `SCOREBOARD_*` in the environment or from
    `scoreboard.toml`.
    """
    settings = load(
        data=data,
        host=host,
        port=port,
        origins=origins,
        user_rate=user_rate,
        ip_rate=ip_rate,
        log_level=log_level,
        log_format=log_format,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(assembly.serve(settings, ready=_announce))


def _announce(url: str) -> None:
    if sys.stderr.isatty():
        ERR.print(f"[bold green]Scoreboard is at {url}[/]  Ctrl-C stops it.")
