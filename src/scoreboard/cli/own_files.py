"""What ``check`` says of this machine: the secret, the disk, and the keys of tokens."""

import shutil
import time
from pathlib import Path

from scoreboard import assembly
from scoreboard.cli.remark import Remark, counted, span
from scoreboard.errors import Misconfigured
from scoreboard.settings import Settings

FREE_LOOK, FREE_BAD = 0.1, 0.02
GIB = 1 << 30


def secret(settings: Settings) -> Remark:
    file = settings.secret_file
    if not file.exists():
        advice = "`scoreboard serve` makes it at its first start."
        return Remark("secret", "look", f"{file} does not exist.", advice)
    try:
        status = file.stat()
        file.open("rb").close()
    except OSError as error:
        advice = "Give the file to the user that runs the service."
        return Remark("secret", "bad", f"{file} cannot be read: {error.strerror}.", advice)
    if status.st_mode & 0o077:
        advice = f"`chmod 600 {file}` keeps them out."
        return Remark("secret", "bad", f"others can read {file}.", advice)
    age = span(time.time() - status.st_mtime)
    return Remark("secret", "good", f"{file}, {age} old, readable by its owner alone.")


def disk(settings: Settings) -> Remark:
    """Of the folder DATA, or of where it will be."""
    there = next(each for each in _upwards(settings.data) if each.exists())
    usage = shutil.disk_usage(there)
    share = usage.free / usage.total if usage.total else 0.0
    says = f"{usage.free / GIB:,.1f} GiB ({share:.0%}) free where {settings.data} is."
    if share >= FREE_LOOK:
        return Remark("disk", "good", says)
    verdict = "bad" if share < FREE_BAD else "look"
    return Remark("disk", verdict, says, "Make room: on a full disk no award can be recorded.")


async def token_keys(settings: Settings) -> list[Remark]:
    """Nothing where tokens are those of the local secret."""
    try:
        found = await assembly.probe_keys(settings)
    except Misconfigured as error:
        advice = "Put a usable key there: without one the service does not start."
        return [Remark("token keys", "bad", str(error), advice)]
    remarks = []
    if settings.jwt_keys is not None and found.file_at is not None:
        says = f"{settings.jwt_keys} is usable, {span(time.time() - found.file_at)} old."
        remarks.append(Remark("token keys", "good", says))
    if found.issued == 0:
        advice = "See whether the issuer is up: nodes keep the keys that they have for 24 h."
        says = f"JWKS_URL {settings.jwks_url} gave no keys."
        remarks.append(Remark("token keys", "bad", says, advice))
    elif found.issued:
        says = f"JWKS_URL {settings.jwks_url} gave {counted(found.issued, 'key')}."
        remarks.append(Remark("token keys", "good", says))
    return remarks


def _upwards(folder: Path) -> list[Path]:
    whole = folder.absolute()
    return [whole, *whole.parents]
