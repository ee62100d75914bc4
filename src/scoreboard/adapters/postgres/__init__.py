"""The PostgreSQL ledger: a database that many nodes share remembers."""

from scoreboard.adapters.postgres.ledger import PostgresLedger

__all__ = ["PostgresLedger"]
