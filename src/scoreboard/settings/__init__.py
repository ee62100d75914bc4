"""Each setting once: name, default, unit, help; from flag, environment, file or default.

A value comes from the first of: a flag of the command, ``SCOREBOARD_<NAME>`` in the environment
(an empty one counts as absent), ``scoreboard.toml`` in the working directory (or the file that
``SCOREBOARD_CONFIG`` names), the default. A relative path belongs to the working directory, or to
the folder of the file that says it.
"""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from scoreboard.errors import Misconfigured
from scoreboard.ports import Rate
from scoreboard.settings import parse
from scoreboard.settings.parse import Backend
from scoreboard.settings.table import BY_NAME, PREFIX, SETTINGS, Setting, markdown

__all__ = ["SETTINGS", "Backend", "Given", "Settings", "Shown", "gather", "load", "markdown"]

CONFIG = "SCOREBOARD_CONFIG"
FILE = "scoreboard.toml"
IGNORED = ("SCOREBOARD_TEST_", "SCOREBOARD_FAILPOINT")


class Settings(Struct, frozen=True, kw_only=True):
    """All settings, parsed: what ``SETTINGS`` explains, under the same names in lower case."""

    data: Path
    host: str
    port: int
    ops_listen: tuple[str, int] | None
    role: str
    ledger: Backend
    ranking: Backend
    bus: Backend
    limiter: Backend
    secret_file: Path
    checkpoint_key_file: Path
    jwt_keys: Path | None
    jwks_url: str | None
    jwt_issuer: str | None
    jwt_audience: str | None
    audience: str
    origins: tuple[str, ...]
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    security_contact: str | None
    user_rate: Rate
    service_rate: Rate
    ip_rate: Rate
    refresh_ms: int
    heartbeat_ms: int
    group_max: int
    queue_max: int
    viewers_max: int
    viewers_per_address: int
    viewers_per_user: int
    audit_every: int
    audit_holds: bool
    migrate: bool
    drain_s: int
    log_level: str
    log_format: str
    log_sample: int
    traces_url: str | None
    traces_share: float


class Given(NamedTuple):
    """A value as text, where it was said, and the folder that a relative path in it belongs to."""

    text: str
    source: str
    label: str
    folder: Path


class Shown(Struct, frozen=True):
    """One row of ``scoreboard settings``: the value in force and where it comes from."""

    name: str
    value: str
    default: str
    unit: str
    help: str
    source: str


def load(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Settings:
    """All settings, from their sources; ``flags`` by setting name, None where not given.

    Raises:
        Misconfigured: a value is not valid, or a name is not known.
    """
    return settings_from(gather(flags, environ, cwd))


def gather(
    flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path
) -> Mapping[str, Given]:
    """The text of every setting, from its first source.

    Raises:
        Misconfigured: a name in the environment or the file is not known, or the file cannot
            be read.
    """
    defaults = {each.name: Given(each.default, "default", each.name, cwd) for each in SETTINGS}
    return defaults | _in_file(environ, cwd) | _in_environment(environ, cwd) | _in_flags(flags, cwd)


def settings_from(given: Mapping[str, Given]) -> Settings:
    """Parse what was gathered.

    Raises:
        Misconfigured: a value is not valid.
    """
    values = {name.lower(): _value(BY_NAME[name], given[name]) for name in given}
    data: Path = values["data"]
    if not values["ledger"].location:
        values["ledger"] = Backend("sqlite", str(data / "scoreboard.db"))
    values["secret_file"] = values["secret_file"] or data / "secret"
    values["checkpoint_key_file"] = values["checkpoint_key_file"] or data / "checkpoint-key"
    return Settings(**values)


def table(given: Mapping[str, Given]) -> tuple[Shown, ...]:
    """Every setting as it is in force, passwords masked."""
    settings = settings_from(given)
    return tuple(
        Shown(
            PREFIX + each.name,
            parse.shown(getattr(settings, each.name.lower())),
            each.default,
            each.unit,
            each.help,
            given[each.name].source,
        )
        for each in SETTINGS
    )


def _value(setting: Setting, given: Given) -> Any:
    try:
        return setting.read(given.text.strip(), given.folder)
    except ValueError as error:
        said = parse.masked(given.text)
        sentence = f"{given.label} is {said!r}, which is not valid: {error}."
        raise Misconfigured(sentence) from None


def _in_flags(flags: Mapping[str, object], cwd: Path) -> dict[str, Given]:
    return {
        name: Given(str(value), "flag", "--" + name.lower().replace("_", "-"), cwd)
        for name, value in flags.items()
        if value is not None
    }


def _in_environment(environ: Mapping[str, str], cwd: Path) -> dict[str, Given]:
    found = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == CONFIG or variable.startswith(IGNORED):
            continue
        name = variable.removeprefix(PREFIX)
        if name not in BY_NAME:
            raise Misconfigured(
                f"{variable} in the environment is not a setting{_nearest(name, PREFIX)}; "
                "`scoreboard settings` lists them all."
            )
        if text.strip():
            found[name] = Given(text, "environment", variable, cwd)
    return found


def _in_file(environ: Mapping[str, str], cwd: Path) -> dict[str, Given]:
    file = cwd / (environ.get(CONFIG) or FILE)
    if not environ.get(CONFIG) and not file.is_file():
        return {}
    found = {}
    for key, value in _content(file).items():
        name = key.upper()
        if name not in BY_NAME or key != key.lower():
            raise Misconfigured(
                f"{key} in {file} is not a setting{_nearest(name, '', lower=True)}; "
                "`scoreboard settings` lists them all, here in lower case and without SCOREBOARD_."
            )
        found[name] = Given(_text(key, value, file), file.name, f"{key} in {file}", file.parent)
    return found


def _content(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise Misconfigured(f"The settings file {file} cannot be read: {reason}.") from None
    except ValueError as error:
        raise Misconfigured(f"The settings file {file} is not valid TOML: {error}.") from None


def _text(key: str, value: object, file: Path) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case list() if all(isinstance(each, str) for each in value):
            return ",".join(value)
    raise Misconfigured(
        f"{key} in {file} has to be text, a whole number, true, false or a list of texts."
    )


def _nearest(name: str, prefix: str, *, lower: bool = False) -> str:
    close = get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
    if not close:
        return ""
    return f" (did you mean {prefix}{close[0].lower() if lower else close[0]}?)"
