"""The service most teams would write: FastAPI, SQLAlchemy async, a transaction a request."""
