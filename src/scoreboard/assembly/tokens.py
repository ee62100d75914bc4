"""Tokens of the local secret, for a service that has no issuer."""

import time

from scoreboard.adapters.keys import local_secret, mint
from scoreboard.assembly.backends import make_folder
from scoreboard.errors import Misconfigured
from scoreboard.settings import Settings


def local_token(settings: Settings, subject: str, scopes: frozenset[str], ttl_s: int) -> str:
    """A token of the local secret, which the first use makes.

    Raises:
        Misconfigured: the service would not accept it.
    """
    if settings.jwt_keys or settings.jwks_url:
        raise Misconfigured(
            "Tokens of the local secret are not accepted while JWT_KEYS or JWKS_URL is set: "
            "ask your own issuer for one."
        )
    make_folder(settings.secret_file.parent)
    return mint(
        local_secret(settings.secret_file),
        subject,
        scopes=scopes,
        ttl_s=ttl_s,
        now=time.time(),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )
