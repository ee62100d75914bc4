"""Scoreboard: points for finished actions, ranked, live on every screen."""

from collections.abc import Callable, Mapping
from importlib import import_module

__version__ = "0.1.0"


def loaded_late(face: str, rooms: Mapping[str, str]) -> Callable[[str], object]:
    """A package's ``__getattr__``: each name comes from the room that has it, when asked for."""

    def found(name: str) -> object:
        if name not in rooms:
            raise AttributeError(f"module {face!r} has no attribute {name!r}")
        return getattr(import_module(f"{face}.{rooms[name]}"), name)

    return found
