"""Options that commands share, and the settings that follow from them."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import replace

from scoreboard import settings as settings_module
from scoreboard.cli.database import exists, place
from scoreboard.cli.terminal import Failure
from scoreboard.client.address import service_url
from scoreboard.settings import Settings

Data = Annotated[str | None, Parameter(help="Folder of the database and the secret.")]
Json = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Print JSON for machines.")
]
Url = Annotated[
    str | None,
    Parameter(help="URL of the service. By default the one that the settings name."),
]
BoardName = Annotated[str, Parameter(name="--board", help="Board to show.")]
PeriodName = Annotated[
    str,
    Parameter(
        name="--period",
        help="all, day, week or month (the current one), or a name such as 2026-W48.",
    ),
]
Reason = Annotated[str, Parameter(help="Why, for the record of changes.")]

REASON = "set on the command line"
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to connect, not to listen


def load(**flags: object) -> Settings:
    """The settings of a command, from its flags, the environment and the file."""
    named = {name.upper(): value for name, value in flags.items()}
    return settings_module.load(named, os.environ, Path.cwd())


def load_kept(**flags: object) -> Settings:
    """The settings of a command about what is there already: it does not make a database.

    Raises:
        Failure: there is none. An empty one, made in the wrong folder, would look like a good one.
    """
    settings = load(**flags)
    if not exists(settings):
        raise Failure(
            f"There is no database at {place(settings)}: give --data with the folder of the "
            "service, whose first start makes it."
        )
    return settings


def listening_url(settings: Settings, port: int | None = None) -> str:
    """Where a service with these settings is reached from this machine."""
    host = _ANYWHERE.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.port if port is None else port}"


def operations_url(settings: Settings) -> str:
    """Where its metrics and its health are, from this machine."""
    if settings.ops_listen is None:
        return listening_url(settings)
    host, port = settings.ops_listen
    return listening_url(replace(settings, host=host), port)


def chosen_url(url: str | None) -> str:
    """The service to talk to.

    Raises:
        Failure: the URL is not one.
    """
    try:
        return service_url(url or listening_url(load()))
    except ValueError as error:
        raise Failure(f"{error}.") from None
