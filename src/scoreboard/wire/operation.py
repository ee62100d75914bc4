"""Problems, and what a node says of itself."""

from msgspec import UNSET, Struct, UnsetType


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    pointer: str | None = None


class NodeDetail(Struct, frozen=True, kw_only=True):
    """What a node says of itself to an administrator.

    ``at`` is its time of day; ``term`` that in which it leads. The lag and the backlogs are those
    of the node that leads, 0 elsewhere; ``data_free_bytes`` is what DATA has room for.
    """

    name: str
    role: str
    version: str
    at: str | None
    uptime_s: int
    leading: bool
    term: int | None
    ledger_seq: int
    ranking_seq: int
    relay_lag_s: float
    relay_backlog: int
    feed_backlog: int
    waiting_awards: int
    recorded_awards: int
    viewers: int
    data_free_bytes: int
    data_size_bytes: int


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here, and what is missing.

    ``node`` is there for those who show a token with the scope ``scores:admin``.
    """

    ready: bool
    reasons: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    node: NodeDetail | UnsetType = UNSET


class Version(Struct, frozen=True):
    """What is running."""

    name: str
    version: str
    python: str
