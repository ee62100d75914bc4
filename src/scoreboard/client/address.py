"""Where a service is."""

from urllib.parse import quote


def service_url(url: str) -> str:
    """The URL of a service without a final slash.

    Raises:
        ValueError: it is not of the form ``http(s)://host[:port][/path]``.
    """
    # Half of what a command that asks no service would load.
    import httpx2  # noqa: PLC0415

    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        parts = httpx2.URL("")
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise ValueError(
            f"{url!r} is not the URL of a service; give one like http://127.0.0.1:8000"
        )
    return str(parts).rstrip("/")


def path_part(identifier: str) -> str:
    """An identifier as one part of a path."""
    return quote(identifier, safe="")
