"""``scoreboard settings``, ``openapi`` and ``asyncapi``: what the service documents of itself."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from scoreboard import settings as settings_module
from scoreboard.cli.options import Data, Json
from scoreboard.cli.terminal import OUT, print_json, print_line
from scoreboard.settings import Shown
from scoreboard.web import documents

_COUNTED = frozenset({"ms", "s", "awards", "requests", "viewers"})


def settings(
    *,
    json: Json = False,
    markdown: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Print the table of the documentation."),
    ] = False,
    data: Data = None,
) -> None:
    """Print every setting: its value, where that comes from, and what it does."""
    if markdown:
        print_line(settings_module.markdown())
        return
    flags = {"DATA": data}
    rows = settings_module.table(settings_module.gather(flags, os.environ, Path.cwd()))
    if json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold", max_width=30)
    table.add_column("what it does", overflow="fold")
    for row in rows:
        table.add_row(row.name.removeprefix("SCOREBOARD_"), _value(row), row.help)
    OUT.print(table)
    OUT.print(
        "\nSet PORT as [bold]SCOREBOARD_PORT[/] in the environment or as [bold]port[/] in "
        "[bold]scoreboard.toml[/]."
    )


def _value(row: Shown) -> Text:
    shown = row.value.replace(f"{Path.cwd()}/", "./") or "-"
    unit = f" {row.unit}" if row.unit in _COUNTED and row.value != "0" else ""
    if row.source == "default":
        return Text(shown + unit, "dim")
    return Text.assemble((shown + unit, "bold"), (f" ({row.source})", "green"))


def openapi() -> None:
    """Print the OpenAPI 3.1 document of the HTTP interface."""
    print_line(documents.openapi().decode())


def asyncapi() -> None:
    """Print the AsyncAPI 3.0 document of the live interface."""
    print_line(documents.asyncapi().decode())
