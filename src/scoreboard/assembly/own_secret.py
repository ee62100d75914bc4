"""The secret of this node, which has to be that of its ledger."""

from scoreboard.adapters.keys import SigningKeys, derive, local_secret
from scoreboard.assembly.backends import make_folder
from scoreboard.errors import Misconfigured
from scoreboard.ports import Ledger
from scoreboard.settings import Settings


async def own_secret(settings: Settings, ledger: Ledger | None) -> bytes:
    """The secret in ``SECRET_FILE``, tied to the ledger; made only for a ledger that has none.

    Raises:
        Misconfigured: it is missing, or the ledger belongs to another one.
    """
    file = settings.secret_file
    tied = ledger is None or await ledger.bound() is not None
    if tied and not file.exists():
        raise Misconfigured(
            f"SECRET_FILE {file} does not exist, and the other nodes or the database have a "
            "secret already: put a copy of that file there."
        )
    make_folder(file.parent)
    secret = local_secret(file)
    if ledger is not None and await ledger.bind(fingerprint(secret)) != fingerprint(secret):
        raise Misconfigured(
            "This database belongs to another secret: bring back the SECRET_FILE it was made with."
        )
    return secret


async def sealed(ledger: Ledger, settings: Settings, key: str, secret: bytes) -> bytes:
    """The secret of an HMAC key as this ledger stores it.

    Raises:
        Misconfigured: the ledger's nodes have another secret, and could not open it.
    """
    own = await own_secret(settings, ledger)
    return SigningKeys(own).sealed(key, secret)


async def fits(settings: Settings, ledger: Ledger) -> bool:
    """Whether the ledger is tied to no other secret than the one in ``SECRET_FILE``.

    Raises:
        Misconfigured: the file cannot be used.
    """
    bound = await ledger.bound()
    if bound is None or not settings.secret_file.exists():
        return bound is None
    return bound == fingerprint(local_secret(settings.secret_file))


def fingerprint(secret: bytes) -> str:
    """What a ledger keeps of its secret: nothing that helps to find it."""
    return derive(secret, "fingerprint").hex()
