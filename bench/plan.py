"""What every part is given, and what it gives back."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import tokens


@dataclass(frozen=True)
class Plan:
    """Where to work, and how long: `quick` shows that a part works, its figures mean little."""

    root: Path
    quick: bool
    secret: tokens.Secret
    tokens: Path

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 3

    @property
    def seconds(self) -> float:
        return 2 if self.quick else 3


@dataclass(frozen=True)
class Section:
    """A part of the page; `data` is what the plots are drawn from."""

    title: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)


def say(text: str) -> None:
    print(text, flush=True)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def whole(value: float) -> str:
    return f"{value:,.0f}"
