"""The SQLite ledger: a file remembers."""

from scoreboard.adapters.sqlite.ledger import SqliteLedger

__all__ = ["SqliteLedger"]
