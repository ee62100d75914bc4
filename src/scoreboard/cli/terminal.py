"""What commands say: tables and sentences on stdout, failures on stderr, JSON for machines."""

import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scoreboard.client.problem import UNREACHABLE, ClientProblem
from scoreboard.errors import Misconfigured, Outage, ScoreboardError

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)


class Failure(ScoreboardError):
    """The command cannot do what it was asked; its sentence says why, and what to do."""


def say(sentence: str, style: str = "") -> None:
    """One line for people."""
    OUT.print(Text(sentence, style), soft_wrap=True)


def print_line(text: str) -> None:
    """Text exactly as it is, for pipes."""
    sys.stdout.write(text + "\n")


def print_json(value: object) -> None:
    """One indented JSON document."""
    print_line(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: str = "") -> None:
    """A table whose columns named in ``numbers`` are set to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in head:
        right = title in numbers.split()
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    OUT.print(table)


def sentence_of(error: ScoreboardError) -> str:
    """What to tell a person about an error."""
    match error:
        case ClientProblem() if error.code == UNREACHABLE:
            return f"{error} Start one with `scoreboard serve`, or give the --url of yours."
        case Failure() | Misconfigured() | ClientProblem():
            return str(error)
        case Outage() if error.__cause__ is not None:
            return f"The database cannot be used now: {error.__cause__}."
    return error.detail()


def leave(error: ScoreboardError) -> NoReturn:
    """Print a failure and end with exit code 1."""
    ERR.print(Text.assemble(("Error: ", "bold red"), sentence_of(error)), soft_wrap=True)
    sys.exit(1)
