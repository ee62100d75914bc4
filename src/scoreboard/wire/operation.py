"""Problems, and what a node says of itself."""

from msgspec import Struct


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    pointer: str | None = None


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here, and what is missing."""

    ready: bool
    reasons: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()


class Version(Struct, frozen=True):
    """What is running."""

    name: str
    version: str
    python: str
