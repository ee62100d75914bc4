"""The live page and the files it is made of: loaded once, rendered without I/O."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from types import MappingProxyType
from urllib.parse import quote, urlencode

from msgspec import Struct

from scoreboard import wire

WINDOWS = ("all", "month", "week", "day")

_LABELS = {"all": "All time", "month": "This month", "week": "This week", "day": "Today"}
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOLDER = files("scoreboard.web").joinpath("page")


class StaticFile(Struct, frozen=True):
    """A file as it is sent."""

    body: bytes
    media_type: str
    etag: str


def _static_files() -> Mapping[str, StaticFile]:
    found = {}
    for entry in _FOLDER.iterdir():
        if media_type := _MEDIA_TYPES.get(entry.name[entry.name.rfind(".") :]):
            body = entry.read_bytes()
            found[entry.name] = StaticFile(body, media_type, f'"{sha256(body).hexdigest()[:20]}"')
    return MappingProxyType(found)


def _template(name: str) -> Template:
    return Template(_FOLDER.joinpath(name).read_text(encoding="utf-8"))


STATIC_FILES = _static_files()
_PAGE, _HEADER, _FOOTER = (_template(f"{name}.html") for name in ("page", "header", "footer"))


def board_page(  # noqa: PLR0913 (everything that a page shows)
    board: str,
    period: str,
    top: wire.Top,
    boards: Sequence[str],
    kiosk: bool,  # noqa: FBT001
    *,
    windows: Sequence[str] = WINDOWS,
    title: str = "",
) -> bytes:
    """The page of a board in a period, complete without JavaScript.

    ``period`` is what was asked for (``day`` goes on with the next day), ``top.period`` its name;
    ``windows`` are the board's own; ``title`` is shown instead of its name.
    """
    heading = title or board
    label = period_label(period, top.period)
    return _PAGE.substitute(
        page_class="kiosk" if kiosk else "page",
        title=escape(f"{heading}, {label} · Scoreboard"),
        header="" if kiosk else _header(board, period, boards, windows),
        footer="" if kiosk else _footer(board, period),
        board=escape(board),
        period=escape(period),
        heading=escape(heading),
        label=escape(label),
        concrete=escape(top.period),
        epoch=top.epoch,
        seq=top.seq,
        at=escape(top.at),
        rows="\n".join(map(_row, top.rows)),
        hint=_hint(top),
    ).encode()


def period_label(period: str, name: str) -> str:
    """``Today, 2026-11-24``; ``All time``; a name stands for itself."""
    label = _LABELS.get(period)
    if label is None or name == "all":
        return label or period
    return f"{label}, {name}"


def _header(board: str, period: str, boards: Sequence[str], windows: Sequence[str]) -> str:
    links = (
        _link(_address(board, window), _LABELS.get(window, window), current=window == period)
        for window in sorted(windows, key=_window_place)
    )
    return _HEADER.substitute(picker=_picker(board, boards), windows="".join(links))


def _picker(board: str, boards: Sequence[str]) -> str:
    if list(boards) == [board]:
        return ""
    items = "".join(
        f"<li>{_link(_address(other, 'all'), other, current=other == board)}</li>"
        for other in boards
    )
    return (
        f'<details class="picker"><summary>Board: {escape(board)}</summary>'
        f"<ul>{items}</ul></details>"
    )


def _footer(board: str, period: str) -> str:
    return _FOOTER.substitute(
        wall=escape(f"{_address(board, period)}&kiosk"),
        json=escape(f"v1/boards/{quote(board, safe='')}/top?{urlencode({'period': period})}"),
        board=escape(board),
        period=escape(period),
    )


def _row(row: wire.Row) -> str:
    return (
        f'<tr><td>{row.rank}</td><th scope="row" title="{escape(row.user_id)}">'
        f'{escape(row.user_id)}</th><td data-score="{row.score}">{row.score:,}</td></tr>'
    )


def _hint(top: wire.Top) -> str:
    changed = escape(top.at)
    said = "" if top.rows else "Nobody has scored yet. "
    return f'{said}Last change <time datetime="{changed}">{changed}</time>; reload to update.'


def _link(address: str, words: str, *, current: bool) -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<a href="{escape(address)}"{mark}>{escape(words)}</a>'


def _address(board: str, period: str) -> str:
    return f"./?{urlencode({'board': board, 'period': period})}"


def _window_place(window: str) -> int:
    return WINDOWS.index(window) if window in WINDOWS else len(WINDOWS)
