"""``scoreboard top`` and ``watch``: a board in the terminal, once or live."""

import asyncio
import sys
from contextlib import aclosing, nullcontext, suppress
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from scoreboard import wire
from scoreboard.cli.options import BoardName, Json, PeriodName, Url, chosen_url
from scoreboard.cli.terminal import OUT, Failure, print_json, print_line, say
from scoreboard.client import AsyncClient, Patience
from scoreboard.client.follow import Link
from scoreboard.client.problem import ClientProblem
from scoreboard.core.standing import TOP_SIZE
from scoreboard.errors import NotFound

BAR_CELLS = 24
LIMIT_MAX = 1000
LOOK_WITHIN_S = 2.0
"""So long a frame waits for what it does not tell itself: whether the board is frozen."""

AT_FIRST = Patience(attempts=2)
_MEDALS = {1: "bold yellow", 2: "bold white", 3: "bold dark_orange3"}
_LINKS = {
    Link.CONNECTING: ("connecting", "yellow"),
    Link.LIVE: ("live", "green"),
    Link.RECONNECTING: ("connection lost, reconnecting", "yellow"),
}

Token = Annotated[str | None, Parameter(help="Bearer token; boards are public, none is needed.")]


async def top(
    *,
    board: BoardName = "default",
    period: PeriodName = "all",
    limit: Annotated[int, Parameter(help="How many rows, 1 to 1000.")] = 10,
    url: Url = None,
    json: Json = False,
) -> None:
    """Print the top of a board."""
    if not 1 <= limit <= LIMIT_MAX:
        raise Failure(f"--limit is a number from 1 to {LIMIT_MAX}.")
    async with AsyncClient(chosen_url(url), patience=AT_FIRST) as client:
        page = await _page(client, board, period, limit)
        frozen_at = None if json else (await client.board(board)).frozen_at
    if json:
        print_json(page)
    elif page.rows:
        OUT.print(_title(page.board, page.period, frozen_at))
        OUT.print(_table(page.rows, {}))
    else:
        frozen = f" It is frozen since {_moment(frozen_at)}." if frozen_at else ""
        say(f"Nobody has points on {page.board} in {page.period} yet.{frozen}")


async def watch(  # noqa: PLR0913 - each is an option
    *,
    board: BoardName = "default",
    period: PeriodName = "all",
    url: Url = None,
    token: Token = None,
    frames: Annotated[
        int | None, Parameter(help="Stop after so many frames; by default, with Ctrl-C.")
    ] = None,
    json: Json = False,
) -> None:
    """Watch a board live: it redraws when the top ten changes, and reconnects by itself.

    With --json each frame is one line; where there is no terminal, frames follow each other.
    """
    if frames is not None and frames < 1:
        raise Failure("--frames is a number from 1 on.")
    address = chosen_url(url)
    async with AsyncClient(address, token, patience=AT_FIRST) as client:
        # The top ten is what every node can tell of every board.
        await _page(client, board, period, TOP_SIZE)
        await _follow(client, _Screen(board, period), frames, json=json)


async def _page(client: AsyncClient, board: str, period: str, limit: int) -> wire.Top:
    try:
        return await client.top(board, period, limit=limit)
    except ClientProblem as problem:
        if problem.code != NotFound.code:
            raise
        missing = "" if period == "all" else f", or it has no period {period}"
        raise Failure(
            f"There is no board {board}{missing}. `scoreboard board list` shows what there is."
        ) from None


async def _follow(
    client: AsyncClient, screen: "_Screen", frames: int | None, *, json: bool
) -> None:
    live = Live(screen, console=OUT, auto_refresh=False, vertical_overflow="crop")
    drawn = OUT.is_terminal and not json
    with live if drawn else nullcontext():

        def on_link(link: Link) -> None:
            screen.link = link
            if drawn:
                live.refresh()

        tops = client.watch(screen.board, screen.period, on_link=on_link)
        async with aclosing(tops):
            async for frame in tops:
                if not json and screen.may_be_turned_by(frame):
                    await _look(client, screen)
                screen.show(frame)
                if json:
                    print_line(wire.ENCODER.encode(frame).decode())
                elif drawn:
                    live.refresh()
                else:
                    OUT.print(screen)
                sys.stdout.flush()
                if screen.frames == frames:
                    return


async def _look(client: AsyncClient, screen: "_Screen") -> None:
    """Whether the board is frozen; where that cannot be told, what is known stays."""
    with suppress(ClientProblem, TimeoutError):
        async with asyncio.timeout(LOOK_WITHIN_S):
            screen.frozen_at = (await client.board(screen.board)).frozen_at


class _Screen:
    """The newest frame, drawn with what changed since the one before."""

    def __init__(self, board: str, period: str) -> None:
        self.link = Link.CONNECTING
        self.frames = 0
        self.board, self.period = board, period
        self.frozen_at: str | None = None
        self._shown = period
        self._rows: tuple[wire.Row, ...] = ()
        self._before: dict[str, wire.Row] = {}
        self._at = ""

    def may_be_turned_by(self, frame: wire.TopMessage) -> bool:
        """Whether the board may be frozen or live otherwise than is known.

        A frame without a new row tells of the board itself; while it is frozen any frame may.
        """
        awarded = any(row.updated_at == frame.at for row in frame.rows)
        return not self.frames or self.frozen_at is not None or not awarded

    def show(self, frame: wire.TopMessage) -> None:
        self._before = {row.user_id: row for row in self._rows}
        self._rows, self._at, self._shown = frame.rows, frame.at, frame.period
        self.frames += 1

    def __rich__(self) -> RenderableType:
        word, colour = _LINKS[self.link]
        state = Text.assemble(("● ", colour), (word, colour))
        if self._at:
            state.append(f"   last change {_moment(self._at)}", "dim")
        title = _title(self.board, self._shown, self.frozen_at)
        if not self._rows:
            return Group(title, Text("Nobody has points here yet.", "dim"), state)
        return Group(title, _table(self._rows, self._before), state)


def _title(board: str, period: str, frozen_at: str | None = None) -> Text:
    shown = "all time" if period == "all" else period
    title = Text.assemble((board, "bold cyan"), (f"  {shown}", "dim"))
    return title.append(f"  frozen since {_moment(frozen_at)}", "bold") if frozen_at else title


def _moment(at: str) -> str:
    """A clock time, with its date unless that is today."""
    moment = datetime.fromisoformat(at).astimezone()
    today = moment.date() == datetime.now(moment.tzinfo).date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _table(rows: tuple[wire.Row, ...], before: dict[str, wire.Row]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("user", max_width=40, no_wrap=True, overflow="ellipsis")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("bar", width=BAR_CELLS, no_wrap=True)
    table.add_column("change", no_wrap=True)
    most = max(row.score for row in rows)
    for row in rows:
        style = _MEDALS.get(row.rank, "")
        table.add_row(
            Text(str(row.rank), style or "dim"),
            Text(row.user_id, style),
            Text(f"{row.score:,}", "bold"),
            Text(_bar(row.score, most), "cyan"),
            _change(row, before) if before else Text(),
        )
    return table


def _bar(score: int, most: int) -> str:
    if most <= 0 or score <= 0:
        return ""
    return "━" * max(1, round(BAR_CELLS * score / most))


def _change(row: wire.Row, before: dict[str, wire.Row]) -> Text:
    old = before.get(row.user_id)
    if old is None:
        return Text("new", "green")
    gained = row.score - old.score
    if not gained:
        return Text()
    climbed = f" ▲{old.rank - row.rank}" if old.rank > row.rank else ""
    return Text(f"{gained:+,}{climbed}", "green" if gained > 0 else "red")
