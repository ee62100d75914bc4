"""The documents that describe the service: OpenAPI, AsyncAPI, and the page at ``/docs``."""


def openapi() -> bytes:
    """The OpenAPI 3.1 document of the HTTP interface."""
    return b"{}"


def asyncapi() -> bytes:
    """The AsyncAPI 3.0 document of the live interface."""
    return b"{}"


def docs_page() -> bytes:
    """The page at ``/docs``."""
    return b"<!doctype html><title>Scoreboard</title>"
