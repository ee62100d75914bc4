"""The table of operations: what every request of the HTTP interface takes and answers."""

from scoreboard.web.contract.admin import ADMIN
from scoreboard.web.contract.awards import AWARDS, HISTORY
from scoreboard.web.contract.boards import BOARDS
from scoreboard.web.contract.operation import EVERYWHERE, Access, Operation, Tag
from scoreboard.web.contract.pages import ADMIN_PAGE, BESIDE_ADMIN, OPERATION, PAGES
from scoreboard.web.contract.proofs import PROOFS
from scoreboard.web.queries import (
    AroundQuery,
    ConsistencyQuery,
    ExplainQuery,
    IncidentsQuery,
    LiveQuery,
    PageQuery,
    PeriodQuery,
    StandingQuery,
    TopQuery,
    UsersQuery,
    read_query,
)

__all__ = [
    "ADMIN",
    "ADMIN_PAGE",
    "AWARDS",
    "BESIDE_ADMIN",
    "BOARDS",
    "EVERYWHERE",
    "HISTORY",
    "OPERATION",
    "OPERATIONS",
    "PAGES",
    "PROOFS",
    "Access",
    "AroundQuery",
    "ConsistencyQuery",
    "ExplainQuery",
    "IncidentsQuery",
    "LiveQuery",
    "Operation",
    "PageQuery",
    "PeriodQuery",
    "StandingQuery",
    "Tag",
    "TopQuery",
    "UsersQuery",
    "read_query",
]

OPERATIONS = (*AWARDS, *BOARDS, *HISTORY, *PROOFS, *ADMIN, *OPERATION, *PAGES, *ADMIN_PAGE)
