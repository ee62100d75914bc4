"""The private halves of keys: one file each in DATA/keys, readable by their owner alone."""

import os
from pathlib import Path

from scoreboard.cli.terminal import Failure
from scoreboard.client.signing import Signer
from scoreboard.core.identifier import is_key_name
from scoreboard.settings import Settings

FOLDER = "keys"
FIRST = "main"
"""What follows the dot when a name has none: ``game`` is the key ``game.main``."""


def key_name(name: str) -> str:
    """The key that is meant by a name.

    Raises:
        Failure: no key can be called so.
    """
    full = name if "." in name else f"{name}.{FIRST}"
    if not is_key_name(full):
        raise Failure(
            "A key is called <issuer>.<id>, such as game-eu.k1: letters, digits, _ and -, at most "
            "64 of each, a letter or digit first."
        )
    return full


def write(settings: Settings, name: str, private: str) -> Path:
    """Write a private half, flushed, where nothing is.

    Raises:
        Failure: there is something, or it cannot be written.
    """
    file = settings.data / FOLDER / name
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(private.rstrip("\n") + "\n")
            opened.flush()
            os.fsync(descriptor)
    except FileExistsError:
        raise Failure(f"{file} exists already: choose another name.") from None
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror or error}.") from None
    return file


def signer(settings: Settings, name: str | None) -> Signer:
    """Who signs with a key of this folder; without a name with the only one.

    Raises:
        Failure: there is no such key here, or several.
    """
    file = _found(settings, name)
    try:
        return Signer.from_file(key_name(file.name), file, audience=settings.audience)
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise Failure(f"{file} is not the private half of a key: {error}.") from None


def _found(settings: Settings, name: str | None) -> Path:
    folder = settings.data / FOLDER
    files = sorted(file for file in folder.glob("*") if file.is_file())
    if name is None:
        if len(files) == 1:
            return files[0]
        there = ", ".join(file.name for file in files)
        raise Failure(
            f"Say which key with --key: there are {there}."
            if files
            else f"There is no key in {folder}: `scoreboard key new game` makes one."
        )
    wanted = key_name(name)
    for file in files:
        if key_name(file.name) == wanted:
            return file
    raise Failure(f"There is no private half of {wanted} in {folder}.")
