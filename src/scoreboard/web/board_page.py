"""The live page of a board: complete without JavaScript, rendered without I/O."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from html import escape
from urllib.parse import quote, urlencode

from msgspec import Struct

from scoreboard import wire
from scoreboard.core.board import Board
from scoreboard.core.moment import rfc3339
from scoreboard.core.window import Period, Window
from scoreboard.web.pages import template

TABS_MAX = 5
"""More boards than this are a list that opens."""

RADIUS = 3
"""Neighbours of a followed user, on either side."""

_LABELS = {"all": "All time", "month": "This month", "week": "This week", "day": "Today"}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_OWN = ' aria-current="true"'
_TEENS = range(11, 14)
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}

_PAGE, _HEADER, _FOOTER, _CARD = map(template, ("page", "header", "footer", "card"))
# OBS paints a page that knows no dark scheme on nothing at all.
_SCHEMES = """<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f4f2ec" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0b0e14" media="(prefers-color-scheme: dark)">"""


class Form(StrEnum):
    """For whom a page is: a reader, a wall screen, or the picture of a stream."""

    PAGE = "page"
    KIOSK = "kiosk"
    OVERLAY = "overlay"


class Followed(Struct, frozen=True):
    """A user that the page follows; without a score there is neither standing nor neighbours.

    Where it cannot be told now whether there is one, it is not ``known``.
    """

    user_id: str
    standing: wire.UserStanding | None = None
    neighbours: Sequence[wire.Row] = ()
    known: bool = True


class BoardPage(Struct, frozen=True, kw_only=True):
    """All that a page shows.

    ``period`` is what was asked for (``day`` goes on with the next day), ``top.period`` its name;
    ``current`` are the periods of ``now_ms``, one a window of the board.
    """

    board: Board
    period: str
    top: wire.Top
    boards: Sequence[Board]
    current: Sequence[Period]
    now_ms: int
    form: Form = Form.PAGE
    limit: int = 10
    followed: Followed | None = None

    def render(self) -> bytes:
        whole = self.form is Form.PAGE
        label = period_label(self.period, self.top.period)
        return _PAGE.substitute(
            form=self.form.value,
            schemes="" if self.form is Form.OVERLAY else _SCHEMES,
            title=escape(f"{_title(self.board)}, {label} · Scoreboard"),
            header=self._header() if whole else "",
            footer=self._footer() if whole else "",
            card=self._card(self.followed) if whole and self.followed else "",
            board=escape(self.board.board),
            period=escape(self.period),
            heading=escape(_title(self.board)),
            limit=self.limit,
            user=f' user="{escape(self.followed.user_id)}"' if self.followed else "",
            label=escape(label),
            top=escape(wire.ENCODER.encode(self.top).decode()),
            rows=_rows(self.top.rows[: self.limit]),
            hint=self._hint(),
        ).encode()

    def _header(self) -> str:
        return _HEADER.substitute(
            board=escape(self.board.board),
            period=escape(self.period),
            user=escape(self.followed.user_id) if self.followed else "",
            boards=self._boards(),
            windows="".join(map(self._window, sorted(self.current, key=_window_place))),
        )

    def _boards(self) -> str:
        if len(self.boards) <= 1:
            return ""
        links = [self._board_link(each) for each in self.boards]
        if len(links) <= TABS_MAX:
            return f'<nav class="tabs plain" aria-label="Boards">{"".join(links)}</nav>'
        items = "".join(f"<li>{link}</li>" for link in links)
        title = escape(_title(self.board))
        return f'<details class="picker"><summary>{title}</summary><ul>{items}</ul></details>'

    def _board_link(self, board: Board) -> str:
        return _link(
            self._address(board.board, "all"),
            f"<bdi>{escape(_title(board))}</bdi>",
            current=board.board == self.board.board,
        )

    def _window(self, period: Period) -> str:
        window = period.window.value
        left = '<small class="for-ever" aria-hidden="true">no reset</small>'
        if period.window is not Window.ALL:
            span = _span(period.end_ms - self.now_ms)
            left = (
                '<small><span class="unseen">, resets in </span>'
                f'<time data-reset="{window}" datetime="{rfc3339(period.end_ms)}">{span}</time>'
                "</small>"
            )
        words = f"{_LABELS[window]}{left}"
        address = self._address(self.board.board, window)
        return _link(address, words, current=self.period in {window, period.name})

    def _footer(self) -> str:
        board = self.board.board
        path = f"v1/boards/{quote(board, safe='')}/top?{urlencode({'period': self.period})}"
        address = self._address(board, self.period)
        return _FOOTER.substitute(
            wall=escape(f"{address}&kiosk"),
            overlay=escape(f"{address}&overlay"),
            json=escape(path),
            board=escape(board),
            period=escape(self.period),
        )

    def _card(self, followed: Followed) -> str:
        board, user = quote(self.board.board, safe=""), quote(followed.user_id, safe="")
        query = urlencode({"radius": RADIUS, "period": self.period})
        rows = _rows(followed.neighbours, own=followed.user_id)
        nobody = "No points here yet" if followed.known else "Cannot be told now"
        return _CARD.substitute(
            user=escape(followed.user_id),
            around=escape(f"v1/boards/{board}/users/{user}/around?{query}"),
            rows=rows or f'<tr><td colspan="3">{nobody}</td></tr>',
            rest=escape(_address({"board": self.board.board, "period": self.period})),
        )

    def _hint(self) -> str:
        said = ["" if self.top.rows else "Nobody has scored yet."]
        if self.board.frozen is not None:
            said.append(f"Frozen since {_time(rfc3339(self.board.frozen.at))}.")
        if self.followed:
            said.append(escape(sentence(self.followed)))
        said.append(f"Last change {_time(self.top.at)}; reload to update.")
        return " ".join(filter(None, said))

    def _address(self, board: str, period: str) -> str:
        user = {"user": self.followed.user_id} if self.followed else {}
        return _address({"board": board, "period": period, **user})


def period_label(period: str, name: str) -> str:
    """``Today, 2026-11-24``; ``All time``; a name stands for itself."""
    label = _LABELS.get(period)
    if label is None or name == "all":
        return label or period
    return f"{label}, {name}"


def sentence(followed: Followed) -> str:
    """Where a user stands: ``ada is 4,182nd, 120 points to the next``."""
    standing = followed.standing
    if not followed.known:
        return f"Where {followed.user_id} stands cannot be told now."
    if standing is None:
        return f"{followed.user_id} has no points here yet."
    said = f"{followed.user_id} is {ordinal(standing.rank)}"
    if standing.to_next is None:
        return f"{said}."
    points = standing.to_next.points
    return f"{said}, {points:,} {'point' if points == 1 else 'points'} to the next."


def ordinal(rank: int) -> str:
    """A rank in words: ``1st``, ``112th``, ``4,182nd``."""
    ending = "th" if rank % 100 in _TEENS else _ENDINGS.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def _span(left_ms: int) -> str:
    """The two greatest units of a time span: ``5h 12m``."""
    left_s = max(0, -(-left_ms // 1000))
    counts = []
    for length_s, unit in _UNITS:
        count, left_s = divmod(left_s, length_s)
        counts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(counts) if count), len(counts) - 1)
    return " ".join(f"{count}{unit}" for count, unit in counts[first : first + 2])


def _rows(rows: Iterable[wire.Row], own: str | None = None) -> str:
    return "\n".join(
        f"<tr{_OWN if row.user_id == own else ''}><td>{row.rank:,}</td>"
        f'<th scope="row" title="{escape(row.user_id)}">{escape(row.user_id)}</th>'
        f"<td>{row.score:,}</td></tr>"
        for row in rows
    )


def _time(at: str) -> str:
    return f'<time datetime="{at}">{at[:10]} {at[11:19]} UTC</time>'


def _title(board: Board) -> str:
    return board.title or board.board


def _link(address: str, words: str, *, current: bool) -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<a href="{escape(address)}"{mark}>{words}</a>'


def _address(query: Mapping[str, str]) -> str:
    return f"./?{urlencode(query)}"


def _window_place(period: Period) -> int:
    return list(_LABELS).index(period.window.value)
