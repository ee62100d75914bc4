"""Numbered SQL files, applied once and in order; and named statements out of the others."""

import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files

from msgspec import Struct

from scoreboard.errors import Misconfigured

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_INCLUDED = re.compile(r"^-- include: (\w+)$", re.MULTILINE)
_NUMBERED = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(Struct, frozen=True):
    """One step of a schema; the checksum is SHA-256 of the file, so that it never changes."""

    version: int
    name: str
    sql: str
    checksum: str


def migrations(dialect: str) -> tuple[Migration, ...]:
    """All steps of a dialect in order."""
    found = []
    for path in (files("scoreboard.adapters") / "sql" / dialect).iterdir():
        match = _NUMBERED.fullmatch(path.name)
        if match:
            sql = path.read_text("utf-8")
            checksum = hashlib.sha256(sql.encode()).hexdigest()
            found.append(Migration(int(match[1]), match[2], sql, checksum))
    return tuple(sorted(found, key=lambda step: step.version))


def pending(steps: tuple[Migration, ...], applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """The steps that a database still needs.

    Raises:
        Misconfigured: the database has a step that this version does not know, or another one
            under the same number.
    """
    known = {step.version: step.checksum for step in steps}
    for version, checksum in applied.items():
        if version not in known:
            raise Misconfigured(
                f"The database has schema version {version}, which this version of scoreboard "
                f"does not know: run a newer version."
            )
        if known[version] != checksum:
            raise Misconfigured(
                f"Schema version {version} of the database was made by another file than the one "
                f"shipped: restore the database, or run the version that made it."
            )
    return tuple(step for step in steps if step.version not in applied)


def ensure_current(steps: tuple[Migration, ...], applied: Mapping[int, str]) -> None:
    """Refuse a schema that is not this version's.

    Raises:
        Misconfigured: it is old, or unknown.
    """
    missing = pending(steps, applied)
    if missing:
        has = f"schema version {max(applied)}" if applied else "no schema"
        count = f"{len(missing)} migration" + ("s are" if len(missing) > 1 else " is")
        raise Misconfigured(
            f"The database has {has}, and this version of scoreboard needs {steps[-1].version}: "
            f"{count} pending. Run `scoreboard migrate` first."
        )


def statements(dialect: str) -> dict[str, str]:
    """The named statements of a dialect, by name; what two have in common is a third, included."""
    found: dict[str, str] = {}
    for file in (files("scoreboard.adapters") / "sql" / dialect).iterdir():
        if not _NUMBERED.fullmatch(file.name):
            parts = _HEADING.split(file.read_text("utf-8"))
            named = zip(parts[1::2], parts[2::2], strict=True)
            found |= {name: body.strip() for name, body in named}
    return {
        name: _INCLUDED.sub(lambda included: found[included[1]].removesuffix(";"), body)
        for name, body in found.items()
    }
