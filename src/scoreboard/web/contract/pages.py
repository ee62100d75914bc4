"""Pages, documents, and what an operator asks."""

from msgspec import Struct

from scoreboard import wire
from scoreboard.web.contract.operation import ADMINISTRATOR, Access, Errors, Operation, Tag


def _plain(  # noqa: PLR0913 - a line of the table
    path: str,
    name: str,
    tag: Tag,
    summary: str,
    answer: type[Struct] | str,
    *,
    access: Access = Access.ANYONE,
    description: str = "",
    errors: Errors = (),
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        tag=tag,
        summary=summary,
        answer=answer,
        access=access,
        description=description,
        errors=errors,
    )


_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"

OPERATION = (
    _plain("/livez", "livez", Tag.OPERATION, "The process runs", _TEXT, access=Access.OPERATOR),
    _plain(
        "/readyz",
        "readyz",
        Tag.OPERATION,
        "Whether requests should be sent here; 503 when not",
        wire.Readiness,
        access=Access.OPERATOR,
        description="With a token of the scope `scores:admin` it also tells of the `node`.",
        errors=ADMINISTRATOR,
    ),
    _plain(
        "/metrics",
        "metrics",
        Tag.OPERATION,
        "Metrics in the Prometheus text format",
        _EXPOSITION,
        access=Access.OPERATOR,
    ),
    _plain(
        "/version",
        "version",
        Tag.OPERATION,
        "What is running",
        wire.Version,
        access=Access.OPERATOR,
    ),
)

PAGES = (
    _plain(
        "/",
        "page",
        Tag.PAGES,
        "The live board",
        _HTML,
        description="Whoever accepts `text/html` gets a refusal as a page too.",
    ),
    _plain("/docs", "docs", Tag.PAGES, "This page", _HTML),
    _plain("/static/{name}", "static", Tag.PAGES, "A file of the pages", "*/*"),
    _plain("/openapi.json", "openapi", Tag.PAGES, "The HTTP interface", "application/json"),
    _plain("/asyncapi.json", "asyncapi", Tag.PAGES, "The live interface", "application/json"),
    _plain("/.well-known/security.txt", "security", Tag.PAGES, "Whom to tell of a weakness", _TEXT),
)

ADMIN_PAGE = (
    _plain("/admin", "admin_page", Tag.PAGES, "The admin page", _HTML, access=Access.OPERATOR),
    _plain(
        "/admin/{name}",
        "admin_static",
        Tag.PAGES,
        "A file of the admin page",
        "*/*",
        access=Access.OPERATOR,
    ),
)
"""With the operator's requests on a port of their own, ``BESIDE_ADMIN`` is answered there too."""

BESIDE_ADMIN = frozenset(
    {"static", "boards", "standing", "postings", "explain", "head", "checkpoint", "consistency"}
)
"""What the admin page asks for besides the administrator's operations: reads, for their callers."""
