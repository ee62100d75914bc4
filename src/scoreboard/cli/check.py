"""``scoreboard check`` and ``migrate``: whether it would run, and what to look at."""

import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Protocol, cast

import httpx2
import msgspec
from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from scoreboard import assembly
from scoreboard.cli.finding import Finding
from scoreboard.cli.options import Data, Json, listening_url, load
from scoreboard.cli.servers import servers
from scoreboard.cli.terminal import OUT, Failure, print_json, say, sentence_of
from scoreboard.errors import Misconfigured, ScoreboardError
from scoreboard.settings import Settings
from scoreboard.settings.parse import masked

ANSWER_S = 2.0
_UNFIT = (
    "the database belongs to another secret: bring back the SECRET_FILE it was first served with."
)
_MARKS = {"good": ("✓", "green"), "look": ("!", "yellow"), "bad": ("✗", "bold red")}


class _Granting(Protocol):
    """A ledger on a server with roles."""

    async def grant(self, role: str) -> None: ...


async def check(*, json: Json = False, data: Data = None) -> None:
    """Look at settings, secret, database and service; exit code 1 if something is wrong.

    Nothing is changed.
    """
    try:
        settings = load(data=data)
    except Misconfigured as error:
        findings = [Finding("settings", "bad", str(error))]
    else:
        findings = [
            *_settings(settings),
            _secret(settings),
            *await _database(settings),
            *await servers(settings),
            _service(settings),
        ]
    if json:
        print_json(findings)
    else:
        OUT.print(_drawn(findings))
    if any(finding.verdict == "bad" for finding in findings):
        sys.exit(1)


async def migrate(
    *,
    grant: Annotated[
        str | None,
        Parameter(
            help="Role of a PostgreSQL server that the service runs as: gets the rights it needs, "
            "and none to rewrite the ledger."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Bring the database up to date; makes it when there is none. It is safe to repeat."""
    settings = load(data=data)
    if grant is not None and not settings.ledger.shared:
        raise Failure(
            "SQLite has no roles: whoever can write the file can change the ledger. "
            "--grant is for PostgreSQL."
        )
    was_current = await _is_current(settings)
    async with assembly.open_ledger(settings, may_migrate=True) as ledger:
        head = await ledger.head()
        if grant is not None:
            await cast("_Granting", ledger).grant(grant)
    done = "was up to date" if was_current else "is now up to date"
    say(f"The database {_place(settings)} {done}; its last posting is {head.seq:,}.")
    if grant is not None:
        say(f"The role {grant} may read and add, and not rewrite: name it in the service's LEDGER.")


def _drawn(findings: list[Finding]) -> Table:
    table = Table.grid(padding=(0, 1))
    for finding in findings:
        mark, style = _MARKS[finding.verdict]
        table.add_row(Text(mark, style), Text(finding.subject, "bold"), Text(finding.says))
    return table


async def _is_current(settings: Settings) -> bool:
    if not _exists(settings):
        return False
    try:
        async with assembly.open_ledger(msgspec.structs.replace(settings, migrate=False)):
            return True
    except Misconfigured:
        return False


def _settings(settings: Settings) -> list[Finding]:
    advice = []
    own_keys = settings.jwt_keys or settings.jwks_url
    if not _is_loopback(settings.host):
        where = f"HOST is {settings.host}: other machines can connect."
        advice.append(f"{where} Put TLS in front of it.")
        if not own_keys:
            advice.append(
                "Tokens are those of the local secret: whoever reads SECRET_FILE can be anybody."
            )
    if own_keys and not settings.jwt_audience:
        advice.append("JWT_AUDIENCE is empty: tokens meant for other services are taken too.")
    if own_keys and not settings.jwt_issuer:
        advice.append("JWT_ISSUER is empty: any issuer is taken.")
    for name, rate in (("USER_RATE", settings.user_rate), ("IP_RATE", settings.ip_rate)):
        if not rate.limit:
            advice.append(f"{name} is 0: there is no limit.")
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        advice.append("TRUSTED_PROXIES is everybody: anybody can choose an address to be.")
    if advice:
        return [Finding("settings", "look", sentence) for sentence in advice]
    return [Finding("settings", "good", "valid, and nothing about them looks wrong.")]


def _secret(settings: Settings) -> Finding:
    file = settings.secret_file
    if not file.exists():
        return Finding("secret", "look", f"{file} does not exist; the first start makes it.")
    try:
        mode = file.stat().st_mode & 0o777
        file.open("rb").close()
    except OSError as error:
        return Finding("secret", "bad", f"{file} cannot be read: {error.strerror}.")
    if mode & 0o077:
        return Finding("secret", "bad", f"others can read {file}: chmod 600 it.")
    return Finding("secret", "good", f"{file}, readable by its owner alone.")


async def _database(settings: Settings) -> list[Finding]:
    file = _place(settings)
    if not _exists(settings):
        return [Finding("database", "look", f"{file} does not exist; the first start makes it.")]
    try:
        async with assembly.open_ledger(msgspec.structs.replace(settings, migrate=False)) as ledger:
            head = await ledger.head()
            catalogue = await ledger.catalogue()
            said = [Finding("database", "look", each) for each in assembly.cautions(ledger)]
            if not await assembly.fits(settings, ledger):
                said.append(Finding("secret", "bad", _UNFIT))
    except ScoreboardError as error:
        return [Finding("database", "bad", sentence_of(error))]
    counted = f"actions {len(catalogue.actions):,}, boards {len(catalogue.boards):,}"
    says = f"{file}, schema up to date; {counted}, postings {head.seq:,}, epoch {head.epoch}."
    if not catalogue.actions:
        advice = f"{says} `scoreboard action set quiz 50` adds one."
        return [Finding("database", "look", advice), *said]
    return [Finding("database", "good", says), *said]


def _service(settings: Settings) -> Finding:
    url = listening_url(settings)
    try:
        with httpx2.Client(timeout=ANSWER_S) as http:
            answer = http.get(f"{url}/readyz")
        known = msgspec.json.decode(answer.content)
        ready = known["ready"]
    except httpx2.TransportError:
        return Finding(
            "service", "look", f"nothing answers at {url}: `scoreboard serve` starts it."
        )
    except (msgspec.DecodeError, KeyError, TypeError):
        return Finding("service", "bad", f"something else than scoreboard answers at {url}.")
    if ready:
        return Finding("service", "good", f"ready at {url}.")
    reasons = ", ".join(known.get("reasons") or ("no reason given",))
    return Finding("service", "bad", f"answers at {url}, but is not ready: {reasons}.")


def _exists(settings: Settings) -> bool:
    return settings.ledger.shared or Path(settings.ledger.location).exists()


def _place(settings: Settings) -> str:
    ledger = settings.ledger
    return masked(str(ledger)) if ledger.shared else ledger.location


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
