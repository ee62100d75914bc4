"""The command line: one module a noun, loaded when its command is run."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group
from rich.console import RenderableType
from rich.text import Text

from scoreboard import __version__
from scoreboard.cli.terminal import ERR, OUT, leave
from scoreboard.errors import ScoreboardError

RUN = Group("Run", sort_key=1)
USE = Group("Use a running service", sort_key=2)
SET_UP = Group("Set up", sort_key=3)
LOOK_AFTER = Group("Look after", sort_key=4)

_COMMANDS = (
    (RUN, "serve", "serve:serve"),
    (RUN, "demo", "demo:demo"),
    (USE, "award", "award:award"),
    (USE, "top", "watch:top"),
    (USE, "watch", "watch:watch"),
    (SET_UP, "token", "token:token"),
    (SET_UP, "action", "action:app"),
    (SET_UP, "board", "board:app"),
    (SET_UP, "settings", "documents:settings"),
    (LOOK_AFTER, "check", "check:check"),
    (LOOK_AFTER, "migrate", "check:migrate"),
    (LOOK_AFTER, "rebuild", "rebuild:rebuild"),
    (LOOK_AFTER, "openapi", "documents:openapi"),
    (LOOK_AFTER, "asyncapi", "documents:asyncapi"),
    (LOOK_AFTER, "bench", "bench:bench"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit code 0 done, 1 failed, 2 misused, 130 interrupted."""
    try:
        _app()(sys.argv[1:] if arguments is None else arguments)
    except ScoreboardError as error:
        leave(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not flush it again.
        sys.stdout = None  # type: ignore[assignment]
        sys.exit(0)


def _app() -> App:
    app = App(
        name="scoreboard",
        help="Points for finished actions, ranked, live on every screen.",
        help_epilogue="Start with `scoreboard demo`.",
        version=f"scoreboard {__version__}",
        console=OUT,
        error_console=ERR,
        error_formatter=_misuse,
        help_format="markdown",
        default_parameter=None,
    )
    app["--help"].group = app["--version"].group = Group("Help", sort_key=9)
    for group, name, target in _COMMANDS:
        app.command(f"scoreboard.cli.{target}", name=name, group=group)
    return app


def _misuse(error: CycloptsError) -> RenderableType:
    command = " ".join(("scoreboard", *(error.command_chain or ())))
    said = str(error).strip().rstrip(".")
    return Text.assemble(("Error: ", "bold red"), f"{said}. `{command} --help` shows how.")
