"""How an event is said."""

from typing import Any


def log() -> Any:
    """The structured logger; events are ``Event`` members, fields are keywords."""
    # Loaded at the first event: most commands end without one, and it takes as long as they do.
    import structlog  # noqa: PLC0415

    return structlog.get_logger()
