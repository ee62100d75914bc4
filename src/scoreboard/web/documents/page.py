"""The page at ``/docs``."""


def docs_page() -> bytes:
    """The page at ``/docs``."""
    return b"<!doctype html><title>Scoreboard</title>"
