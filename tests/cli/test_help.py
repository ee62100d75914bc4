"""It is promised that the help of every command says all that is written for it."""

import io
import re
from collections.abc import Iterator

import pytest
from cyclopts import App
from rich.console import Console

from scoreboard import cli

NAMES = [command[1] for command in cli._COMMANDS]


def commands(app: App, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in app:
        if not name.startswith("-"):
            yield (*path, name), app[name]
            yield from commands(app[name], (*path, name))


WHOLE = cli.application(NAMES)
ALL = dict(commands(WHOLE))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def shown(path: tuple[str, ...]) -> str:
    out = io.StringIO()
    WHOLE.help_print(list(path), console=Console(file=out, width=240))
    return out.getvalue()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_no_word_of_a_help_is_lost(path: tuple[str, ...]) -> None:
    """Markdown takes words in angle brackets for tags, and drops them."""
    app, text = ALL[path], shown(path)
    written = app.help or ""
    if app.default_command is not None:
        for argument in app.assemble_argument_collection():
            assert argument.parameter.help, f"{argument.name} has no help"
            written += " " + argument.parameter.help
    assert set(words(written)) - set(words(text)) == set()
    assert "[default: False]" not in text
    assert "[default: ()]" not in text


def test_every_command_is_looked_at() -> None:
    assert {path[0] for path in ALL} == set(NAMES)
    assert ("key", "new") in ALL
    assert len(ALL) > 40
