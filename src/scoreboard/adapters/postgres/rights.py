"""The rights of a role that runs the service: to read and to add, and none to rewrite."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from scoreboard.adapters.postgres.connection import SQL, Connection

_KEPT = ("SELECT", "INSERT")
_CHANGED = (*_KEPT, "UPDATE")
_SWEPT = (*_CHANGED, "DELETE")
_READ = ("SELECT",)

RIGHTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "ledger": _KEPT,
        "audit": _KEPT,
        "tiles": _KEPT,
        "checkpoints": _KEPT,
        "findings": _KEPT,
        "actions": _CHANGED,
        "boards": _CHANGED,
        "bookmarks": _CHANGED,
        "leases": _CHANGED,
        "periods": _CHANGED,
        "scores": _SWEPT,
        "incidents": _SWEPT,
        "activity": _SWEPT,
        "key_activity": _SWEPT,
        "erasures": (*_KEPT, "DELETE"),
        "users": (*_KEPT, "UPDATE (status, user_id, salt, commitment)"),
        "signing_keys": (*_KEPT, "UPDATE (revoked_at)"),
        "ledger_head": (*_READ, "UPDATE (catalogue, fingerprint)"),
        "known_findings": _READ,
        "migrations": _READ,
    }
)
"""What the service does to each table; a new table is one more line."""


async def grant(connection: Connection, role: str) -> None:
    """Give a role these rights; what it has already, it keeps."""
    schema = await connection.fetchval("SELECT quote_ident(current_schema())")
    quoted = await connection.fetchval("SELECT quote_ident($1)", role)
    statements = [f"GRANT USAGE ON SCHEMA {schema} TO {quoted}"]
    statements += [
        f"GRANT {', '.join(rights)} ON {table} TO {quoted}" for table, rights in RIGHTS.items()
    ]
    await connection.execute(";\n".join(statements))


async def grant_again(connection: Connection) -> tuple[str, ...]:
    """Give the rights to every role that was granted before; answers which lacked some.

    Those are the roles that may add to the ledger by a grant of its owner. Nothing happens unless
    this user may act as the owner.
    """
    granted = [role for (role,) in await connection.fetch(SQL["granted"])]
    lacking = tuple([role for role in granted if await missing(connection, role)])
    for role in lacking:
        await grant(connection, role)
    return lacking


async def missing(connection: Connection, role: str | None = None) -> tuple[str, ...]:
    """The rights that a role lacks (without one: this user), each as ``INSERT ON tiles``."""
    wanted = [
        (table, right.partition(" ")[0], column)
        for table, rights in RIGHTS.items()
        for right in rights
        for column in _columns(right)
    ]
    columns = map(list, zip(*wanted, strict=True))
    found = await connection.fetch(SQL["missing_rights"], role, *columns)
    return tuple(dict.fromkeys(f"{kind} ON {table}" for kind, table in found))


def _columns(right: str) -> Sequence[str | None]:
    names = right.partition("(")[2].rstrip(")")
    return names.split(", ") if names else (None,)
