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
HELP = Group("Help", sort_key=9)

_COMMANDS = (
    (RUN, "demo", "demo:demo", "See it: a service with sample boards and simulated players."),
    (RUN, "serve", "serve:serve", "Run the service."),
    (USE, "award", "award:award", "Report that a user finished an action."),
    (USE, "sign", "sign:sign", "Sign an action, as a trusted backend would."),
    (USE, "top", "watch:top", "Print the top of a board."),
    (USE, "watch", "watch:watch", "Watch a board live."),
    (SET_UP, "action", "action:app", "Actions: what is worth points. Set, list, import."),
    (SET_UP, "board", "board:app", "Boards: ties, windows, time zone. Set, list."),
    (SET_UP, "key", "key:app", "Keys that sign actions. New, list, revoke."),
    (SET_UP, "token", "token:token", "Print a token, signed with the local secret."),
    (SET_UP, "import", "import_:import_", "Bring users with their scores from another system."),
    (SET_UP, "settings", "documents:settings", "Print every setting."),
    (
        LOOK_AFTER,
        "check",
        "check:check",
        "Look at settings, secret, disk, database, servers, service.",
    ),
    (LOOK_AFTER, "status", "status:status", "Look at the nodes of a running cluster, live."),
    (LOOK_AFTER, "migrate", "migrate:migrate", "Bring the database up to date."),
    (LOOK_AFTER, "user", "user:app", "Users: show, hold, hide, ban, release, erase."),
    (LOOK_AFTER, "reverse", "reverse:reverse", "Take back awards, once each."),
    (LOOK_AFTER, "rules", "rules:app", "Rules: what they refused, what others would."),
    (LOOK_AFTER, "rebuild", "rebuild:rebuild", "Add the ledger up again; compare all scores."),
    (LOOK_AFTER, "ledger", "ledger:app", "The whole history: verify, export, import."),
    (LOOK_AFTER, "audit", "audit:audit", "Compare all scores, and look for irregular users."),
    (LOOK_AFTER, "openapi", "documents:openapi", "Print the OpenAPI document (HTTP)."),
    (LOOK_AFTER, "asyncapi", "documents:asyncapi", "Print the AsyncAPI document (live)."),
    (LOOK_AFTER, "bench", "bench:bench", "Measure this version, in a checkout."),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit code 0 done, 1 failed, 2 misused, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        application(given)(given)
    except ScoreboardError as error:
        leave(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not flush it again.
        sys.stdout = None
        sys.exit(0)


def application(given: Sequence[str]) -> App:
    """All commands; those that are given show their own help, not the one of the list."""
    app = App(
        name="scoreboard",
        help="Points for finished actions, ranked, live on every screen. "
        "Start with `scoreboard demo`; your own board begins with `scoreboard serve`.",
        version=f"scoreboard {__version__}",
        console=OUT,
        error_console=ERR,
        error_formatter=_misuse,
        help_format="markdown",
        default_parameter=None,
    )
    app.register_install_completion_command(
        help="Let Tab complete commands and options, in bash, zsh or fish."
    )
    for name in ("--help", "--version", "--install-completion"):
        app[name].group = HELP
    for place, (group, name, target, text) in enumerate(_COMMANDS):
        path = f"scoreboard.cli.{target}"
        # A summary stands in for a module that is not loaded, and would hide its own help.
        summary = None if name in given else text
        app.command(path, name=name, group=group, help=summary, sort_key=place)
    return app


def _misuse(error: CycloptsError) -> RenderableType:
    command = " ".join(("scoreboard", *(error.command_chain or ())))
    said = str(error).strip()
    end = "" if said.endswith((".", "?")) else "."
    advice = f"{said}{end} `{command} --help` shows how."
    return Text.assemble(("Error: ", "bold red"), advice)
