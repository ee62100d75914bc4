"""``scoreboard demo``: a service with a sample catalogue, and players that never tire."""

import asyncio
import contextlib
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import httpx2
from cyclopts import Parameter
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scoreboard import assembly
from scoreboard.cli import players as roster
from scoreboard.cli.options import listening_url, load
from scoreboard.cli.terminal import OUT, Failure, say
from scoreboard.core.action import Action  # noqa: TC001 - an annotation is read at run time
from scoreboard.core.board import Board, Tie
from scoreboard.core.token import LIFE_MAX_S
from scoreboard.core.window import Window
from scoreboard.ports import Change
from scoreboard.settings import Settings

CALLER, REASON = "cli:demo", "sample of the demo"
USER = "you"
USER_RATE = "120/60s"
START_S = 20.0
STOP_S = 30.0
LOOK_S = 0.05
PLAYERS_MAX = 200
PORT = 8000
NEAR = tuple(
    f"http://{host}:{port}"
    for port in (3000, 4200, 5173, 5500, 8080)
    for host in ("localhost", "127.0.0.1")
)
"""Where the usual tools serve the page on which somebody tries the element."""

BOARDS = (
    Board(board="default", title="All games", windows=tuple(Window)),
    Board(board="speedrun", title="Speedrun", tie=Tie.SHARED, windows=(Window.ALL, Window.DAY)),
)


async def demo(  # noqa: PLR0913 - each is an option
    *,
    port: Annotated[
        int | None, Parameter(help="Port to listen on. Default: 8000, or a free one.")
    ] = None,
    data: Annotated[
        str | None, Parameter(help="Folder to keep. By default a new one, removed at the end.")
    ] = None,
    players: Annotated[int, Parameter(help="How many simulated players, up to 200.")] = 40,
    origins: Annotated[
        str | None, Parameter(help="Pages that may connect, beside those near: as serve has it.")
    ] = None,
    no_players: Annotated[
        bool, Parameter(negative="", show_default=False, help="Nobody plays but you.")
    ] = False,
    seconds: Annotated[
        float | None, Parameter(help="Stop by itself after so many seconds.")
    ] = None,
) -> None:
    """Start a service with sample boards, actions and simulated players.

    It says which page to open, and how to join in. Ctrl-C stops it.
    """
    if not 0 <= players <= PLAYERS_MAX:
        raise Failure(f"--players is a number from 0 to {PLAYERS_MAX}.")
    stop = _stop_signal()
    with _folder(data) as folder:
        settings = load(
            data=str(folder),
            host="127.0.0.1",
            port=_port(port),
            origins=",".join((*NEAR, *load(origins=origins).origins)),
            user_rate=USER_RATE,
            ip_rate="0",
        )
        await _put_samples(settings)
        names = roster.names(0 if no_players else players)
        async with _service(settings) as process:
            url = listening_url(settings)
            OUT.print(_welcome(settings, url, len(names)))
            OUT.print(
                _invitation(url, shlex.quote(str(settings.data)), _token(settings, USER)),
                soft_wrap=True,
            )
            tokens = {name: _token(settings, name) for name in names}
            outcomes: Counter[str] = Counter()
            playing = asyncio.create_task(roster.play(url, tokens, outcomes))
            try:
                await _until_over(process, stop, seconds)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
    say(_summary(outcomes))


def own_command() -> str:
    """How this program is called from here: by its name only where that finds it."""
    program = Path(sys.argv[0]).resolve()
    found = shutil.which("scoreboard")
    if found and Path(found).resolve() == program:
        return "scoreboard"
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m scoreboard"
    here = Path.cwd()
    return shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, stop.set)
    return stop


@contextlib.contextmanager
def _folder(data: str | None) -> Iterator[Path]:
    if data is not None:
        yield Path(data)
        return
    folder = Path(tempfile.mkdtemp(prefix="scoreboard-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _port(wanted: int | None) -> int:
    port = PORT if wanted is None else wanted
    try:
        return _free(port)
    except OverflowError:
        raise Failure("--port is a number from 0 to 65535.") from None
    except OSError as error:
        if wanted is not None:
            raise Failure(f"Port {port} cannot be used: {error.strerror}.") from None
    free = _free(0)
    say(f"Port {PORT} is taken, so this is {free}.", "yellow")
    return free


def _free(port: int) -> int:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        bound: int = listener.getsockname()[1]
        return bound


async def _put_samples(settings: Settings) -> None:
    samples: tuple[Action | Board, ...] = (*BOARDS, *roster.ACTIONS)
    async with assembly.open_ledger(settings) as ledger:
        for subject in samples:
            await ledger.change(Change(subject, CALLER, REASON))


@contextlib.asynccontextmanager
async def _service(settings: Settings) -> AsyncIterator[Process]:
    """The real service as a process of its own, ready; stopped and waited for at the end."""
    options = {
        "--data": str(settings.data),
        "--host": settings.host,
        "--port": str(settings.port),
        "--origins": ",".join(settings.origins),
        "--user-rate": USER_RATE,
        "--ip-rate": "0",
    }
    arguments = [each for option in options.items() for each in option]
    settings.data.mkdir(parents=True, exist_ok=True)
    with (settings.data / "demo.log").open("ab") as log:
        # A session of its own: Ctrl-C is for us, who stop it when the players have stopped.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scoreboard", "serve", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        await _ready(process, settings)
        yield process
    finally:
        await _stop(process)


async def _ready(process: Process, settings: Settings) -> None:
    async with httpx2.AsyncClient(base_url=listening_url(settings), timeout=1) as http:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                while process.returncode is None:
                    with contextlib.suppress(httpx2.TransportError):
                        if (await http.get("/readyz")).is_success:
                            return
                    await asyncio.sleep(LOOK_S)
    raise Failure(f"The service did not start: {_last_words(settings.data / 'demo.log')}")


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _until_over(process: Process, stop: asyncio.Event, seconds: float | None) -> None:
    died = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({died, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if died.done():
        raise Failure(f"The service stopped by itself, with exit code {process.returncode}.")
    died.cancel()


def _token(settings: Settings, user: str) -> str:
    return assembly.local_token(settings, user, frozenset(), LIFE_MAX_S)


def _welcome(settings: Settings, url: str, count: int) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("open", Text(url, "bold cyan underline"))
    table.add_row("", Text("?board=speedrun has shared ties, ?period=day is today", "dim"))
    table.add_row("watch here", f"{own_command()} watch --url {url}")
    table.add_row("read more", f"{url}/docs")
    playing = f"{count} simulated players" if count else "nobody but you"
    table.add_row("playing", f"{playing}; USER_RATE is {USER_RATE} and IP_RATE is off here")
    table.add_row("data", str(settings.data))
    table.add_row("stop", "Ctrl-C")
    return Panel(table, title="[bold]Scoreboard is running", border_style="cyan", expand=False)


def _invitation(url: str, data: str, token: str) -> Text:
    # Outside the panel and unwrapped: frames and line ends would be pasted with it.
    command = f"""\
curl {url}/v1/scores \\
  -H 'Authorization: Bearer {token}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"user_id": "{USER}", "action_id": "boss-defeated"}}'
"""
    invitation = f"\nJoin in as {USER}; paste this more than once, in another terminal:\n\n"
    return Text.assemble(
        (invitation, "bold"), (command, "green"), ("\nThen\n\n", "bold"), _next_steps(url, data)
    )


def _next_steps(url: str, data: str) -> str:
    return f"""\
put the board on a page of yours:
  <script type="module" src="{url}/static/score-board.js"></script>
  <score-board></score-board>
  from localhost on port 3000, 4200, 5173, 5500 or 8080; another page has to be named:
  {own_command()} demo --origins https://quiz.example
serve a board of your own, when this one is stopped:
  {own_command()} serve
say what is worth points there:
  {own_command()} action set quiz-finished 50
make a token for a player:
  {own_command()} token ada
look behind it, at {url}/admin, with what this prints:
  {own_command()} token boss --scope scores:admin --scope scores:read --data {data}
"""


def _summary(outcomes: Counter[str]) -> str:
    recorded = outcomes.pop("recorded", 0)
    if not outcomes:
        return f"Stopped. The players got {recorded:,} awards."
    refused = ", ".join(f"{count:,} {code}" for code, count in outcomes.most_common())
    return f"Stopped. The players got {recorded:,} awards; refused were {refused}."
