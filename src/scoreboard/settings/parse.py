"""How the text of a setting becomes its value; a ``ValueError`` says what would be right."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from scoreboard.ports import Rate

Reader = Callable[[str, Path], object]

_RATE = re.compile(r"(\d{1,9})/(\d{0,6})(s|m|h|d)", re.ASCII)
_SPAN = re.compile(r"(\d{1,9})(s|m|h|d)", re.ASCII)
AUDIT_MIN_S = 60
AUDIT_MAX_S = 366 * 86_400
TEXT_MAX = 512
RATE_MAX = 1_000_000
SPAN_MAX_S = 86_400

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_ORIGIN = re.compile(r"(https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?)/?", re.ASCII)
_CONTACT = re.compile(r"(mailto:[!-?A-~]+@|https://)[!-~]+", re.ASCII)
_PASSWORD = re.compile(r"(?<=://)([^/@\s]*):[^/@\s]*@")
_SECRET_OPTION = re.compile(
    r"(?<=[?&])([\w.]*(?:password|passwd|secret|pem)=)[^&\s]*", re.IGNORECASE
)
_SERVERS = {
    "postgresql": "postgresql://user@host:5432/database",
    "redis": "redis://host:6379/0",
    "rediss": "rediss://host:6379/0",
    "kafka": "kafka://host:9092/scoreboard",
}
"""What a URL of each server looks like."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Backend(Struct, frozen=True):
    """Which technology plays a port's part, and where: a file's path, ``//host...``, or nothing."""

    scheme: str
    location: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.location}"

    @property
    def shared(self) -> bool:
        """Whether it is a server, which many nodes can use."""
        return self.scheme in _SERVERS


def optional(read: Reader) -> Reader:
    """Empty text is None."""

    def optionally(given: str, folder: Path) -> object:
        return read(given, folder) if given else None

    return optionally


def text(given: str, _: Path) -> str:
    if not given.isprintable() or len(given) > TEXT_MAX:
        raise ValueError("give at most 512 printable characters")
    return given


def audience(given: str, folder: Path) -> str:
    if not given or not given.isascii() or given != given.strip():
        raise ValueError("give a name or URL of this installation, such as https://scores.example")
    return text(given, folder)


def path(given: str, folder: Path) -> Path:
    if not given or "\0" in given:
        raise ValueError("give the path of a file or folder")
    return folder.joinpath(given).expanduser().resolve()


def host(given: str, _: Path) -> str:
    try:
        return str(ip_address(given))
    except ValueError:
        if _HOST_NAME.fullmatch(given):
            return given
    raise ValueError("give an IP address or a host name, such as 127.0.0.1 or 0.0.0.0")


def integer(least: int, most: int) -> Callable[[str, Path], int]:
    def whole(given: str, _: Path) -> int:
        if re.fullmatch(r"\d{1,12}", given, re.ASCII) and least <= int(given) <= most:
            return int(given)
        raise ValueError(f"give a whole number from {least} to {most}")

    return whole


port = integer(0, 65_535)


def boolean(given: str, _: Path) -> bool:
    match given.lower():
        case "true" | "yes" | "on" | "1":
            return True
        case "false" | "no" | "off" | "0":
            return False
    raise ValueError("give true or false")


def choice(*words: str) -> Callable[[str, Path], str]:
    def chosen(given: str, _: Path) -> str:
        if given.lower() in words:
            return given.lower()
        raise ValueError(f"give {', '.join(words[:-1])} or {words[-1]}")

    return chosen


def rate(given: str, _: Path) -> Rate:
    """``10/60s``, ``600/m``, ``5/2h``, or 0 for none."""
    if given == "0":
        return Rate(0, 1)
    match = _RATE.fullmatch(given)
    if match:
        window_s = int(match[2] or 1) * _SECONDS[match[3]]
        if 1 <= window_s <= SPAN_MAX_S and int(match[1]) <= RATE_MAX:
            return Rate(int(match[1]), window_s)
    raise ValueError(
        "give a number and a span of at most a day, such as 10/60s or 600/1m, or 0 for no limit"
    )


def span(given: str, _: Path) -> int:
    """``24h``, ``90m``, ``7d`` or ``3600s`` as seconds, or 0."""
    match = _SPAN.fullmatch(given)
    if given == "0" or match:
        seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
        if seconds == 0 or AUDIT_MIN_S <= seconds <= AUDIT_MAX_S:
            return seconds
    raise ValueError("give a span from 1m to 366d, such as 24h or 90m, or 0 for never")


def backend(own: str, *servers: str, takes_path: bool = False) -> Callable[[str, Path], Backend]:
    """One's own ``scheme:`` (of a file where it takes a path), or the URL of a server."""
    forms = [f"{own}: or {own}:/path/to/file" if takes_path else f"{own}:"]
    forms += [_SERVERS[server] for server in servers if server != "rediss"]
    wanted = f"give {', '.join(forms[:-1])} or {forms[-1]}"

    def chosen(given: str, folder: Path) -> Backend:
        scheme, colon, location = given.partition(":")
        scheme = "postgresql" if scheme == "postgres" else scheme  # as many hosts hand it out
        if scheme in servers and urlsplit(given).netloc:
            return Backend(scheme, text(location, folder))
        if scheme != own or not colon or (location and not takes_path):
            raise ValueError(wanted)
        location = location.removeprefix("//")
        return Backend(scheme, str(path(location, folder)) if location else "")

    return chosen


def listener(given: str, folder: Path) -> tuple[str, int]:
    """``host:port``, or ``[address]:port``."""
    name, _, number = given.rpartition(":")
    try:
        return host(name.removeprefix("[").removesuffix("]"), folder), port(number, folder)
    except ValueError:
        raise ValueError("give a host and a port, such as 127.0.0.1:9100") from None


def jwks_url(given: str, _: Path) -> str:
    parts = urlsplit(given)
    if parts.hostname and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    ):
        return given
    raise ValueError(
        "give an https URL (http is accepted for localhost only), such as "
        "https://login.example.com/.well-known/jwks.json"
    )


def traces_url(given: str, _: Path) -> str:
    parts = urlsplit(given)
    if parts.scheme in ("http", "https") and parts.hostname and not parts.password:
        return given
    raise ValueError("give a URL such as http://127.0.0.1:4318/v1/traces, without a password")


def share(given: str, _: Path) -> float:
    if re.fullmatch(r"[01]|[01]?\.\d{1,9}", given, re.ASCII) and float(given) <= 1:
        return float(given)
    raise ValueError("give a number from 0 to 1, such as 0.01")


def contact(given: str, _: Path) -> str:
    if _CONTACT.fullmatch(given) and len(given) <= TEXT_MAX:
        return given
    raise ValueError(
        "give an address such as mailto:security@example.com or https://example.com/security"
    )


def origins(given: str, _: Path) -> tuple[str, ...]:
    return tuple(_origin(each) for each in _items(given))


def networks(given: str, _: Path) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each) for each in _items(given))
    except ValueError:
        raise ValueError(
            "give addresses or networks such as 10.0.0.0/8, with commas between"
        ) from None


def shown(value: object) -> str:
    """A value as text, as it could be given again; passwords are masked."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Rate():
            return f"{value.limit}/{value.window_s}s" if value.limit else "0"
        case (str() as name, int() as number):
            return f"[{name}]:{number}" if ":" in name else f"{name}:{number}"
        case tuple():
            return ",".join(str(each) for each in value)
    return masked(str(value))


def masked(given: str) -> str:
    """Text in which the passwords of a URL, and of its options, are hidden."""
    return _SECRET_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1:***@", given))


def _items(given: str) -> list[str]:
    return [each.strip() for each in given.split(",") if each.strip()]


def _origin(given: str) -> str:
    match = _ORIGIN.fullmatch(given.lower())
    if match is None:
        raise ValueError(
            "give scheme and host of each page, such as https://example.com or "
            "http://localhost:5173, with commas between and no path"
        )
    return match[1]
