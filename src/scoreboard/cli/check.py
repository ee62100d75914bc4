"""``scoreboard check``: what is configured, reachable, how old, how far behind, and what to do."""

import sys
from ipaddress import ip_address

from rich.table import Table
from rich.text import Text

from scoreboard.cli import own_files
from scoreboard.cli.database import database
from scoreboard.cli.options import Data, Json, load
from scoreboard.cli.remark import Remark
from scoreboard.cli.running import service
from scoreboard.cli.servers import servers
from scoreboard.cli.terminal import OUT, print_json
from scoreboard.errors import Misconfigured
from scoreboard.settings import Settings

_MARKS = {"good": ("✓", "green"), "look": ("!", "yellow"), "bad": ("✗", "bold red")}


async def check(*, json: Json = False, data: Data = None) -> None:
    """Look at settings, secret, disk, database, servers and service, and say what to do.

    Nothing is changed. Exit code 1 if something has to be mended.
    """
    try:
        settings = load(data=data)
    except Misconfigured as error:
        remarks = [Remark("settings", "bad", str(error), "`scoreboard settings` explains each.")]
    else:
        kept, state = await database(settings)
        remarks = [
            *_settings(settings),
            own_files.secret(settings),
            *await own_files.token_keys(settings),
            own_files.disk(settings),
            *kept,
            *await servers(settings, state),
            *service(settings),
        ]
    if json:
        print_json(remarks)
    else:
        OUT.print(_drawn(remarks))
    if any(remark.verdict == "bad" for remark in remarks):
        sys.exit(1)


def _drawn(remarks: list[Remark]) -> Table:
    table = Table.grid(padding=(0, 1))
    for remark in remarks:
        mark, style = _MARKS[remark.verdict]
        says = Text(remark.says)
        if remark.advice:
            says.append(f"\n→ {remark.advice}", style)
        table.add_row(Text(mark, style), Text(remark.subject, "bold"), says)
    return table


def _settings(settings: Settings) -> list[Remark]:
    advice = []
    own_keys = settings.jwt_keys or settings.jwks_url
    if not _is_loopback(settings.host):
        where = f"HOST is {settings.host}: other machines can connect."
        advice.append((where, "Put TLS in front of it."))
        if not own_keys:
            says = "tokens are those of the local secret: whoever reads SECRET_FILE can be anybody."
            advice.append((says, "Name your issuer's keys in JWT_KEYS or JWKS_URL."))
    if own_keys and not settings.jwt_audience:
        says = "JWT_AUDIENCE is empty: tokens meant for other services are taken too."
        advice.append((says, "Name in it what your issuer writes for this service."))
    if own_keys and not settings.jwt_issuer:
        advice.append(("JWT_ISSUER is empty: any issuer is taken.", "Name your issuer in it."))
    for name, rate in (("USER_RATE", settings.user_rate), ("IP_RATE", settings.ip_rate)):
        if not rate.limit:
            advice.append((f"{name} is 0: there is no limit.", f"Set {name}, say to 10/60s."))
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        says = "TRUSTED_PROXIES is everybody: anybody can choose an address to be."
        advice.append((says, "Name your proxies' own addresses in it."))
    if advice:
        return [Remark("settings", "look", says, todo) for says, todo in advice]
    return [Remark("settings", "good", "valid, and nothing about them looks wrong.")]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
