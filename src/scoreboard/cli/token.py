"""``scoreboard token``: bearer tokens of the local secret."""

import re
from typing import Annotated

from cyclopts import Parameter

from scoreboard import assembly
from scoreboard.cli.options import Data, load
from scoreboard.cli.terminal import Failure, print_line
from scoreboard.core.identifier import is_user_id
from scoreboard.core.token import LIFE_MAX_S, SCOPES

_UNITS_S = {"s": 1, "m": 60, "h": 3600}

Ttl = Annotated[str, Parameter(help="How long it is valid, at most 24h: 90s, 15m, 8h.")]
Scopes = Annotated[
    tuple[str, ...],
    Parameter(
        name="--scope",
        negative="",
        show_default=False,
        help="scores:write, scores:read or scores:admin; may be repeated.",
    ),
]


def token(
    user: Annotated[str, Parameter(help="The user, or the service, that the token is for.")],
    /,
    *,
    scope: Scopes = (),
    ttl: Ttl = "1h",
    data: Data = None,
) -> None:
    """Print a token, signed with the local secret.

    Without a scope it may only act for its own user.
    """
    ensure_user(user)
    wanted = {each for given in scope for each in given.split(",")}
    unknown = sorted(wanted - SCOPES)
    if unknown:
        raise Failure(f"There is no scope {unknown[0]}; there are {', '.join(sorted(SCOPES))}.")
    print_line(assembly.local_token(load(data=data), user, frozenset(wanted), seconds(ttl)))


def ensure_user(user: str) -> None:
    """Refuse what can never be a user.

    Raises:
        Failure: it is not a user id.
    """
    if not is_user_id(user):
        raise Failure(
            "A user is 1 to 128 letters, digits and _ . : @ | + -, a letter or digit first."
        )


def seconds(ttl: str) -> int:
    """The seconds of ``90s``, ``15m`` or ``8h``.

    Raises:
        Failure: it is not a time to live of at most a day.
    """
    match = re.fullmatch(r"(\d{1,6})([smh]?)", ttl.strip(), re.ASCII)
    ttl_s = int(match[1]) * _UNITS_S[match[2] or "s"] if match else 0
    if not 1 <= ttl_s <= LIFE_MAX_S:
        raise Failure("--ttl is how long the token is valid, at most 24h: 90s, 15m or 8h.")
    return ttl_s
