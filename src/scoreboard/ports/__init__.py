"""The four ports: what the services need of a technology, and what it promises them.

Every adapter of a port runs the same contract suite. Adapters translate their driver's errors
into ``errors.Unavailable`` (nothing happened), ``errors.OutcomeUnknown`` (it may have) or
``errors.Misconfigured`` (it never will).
"""

from scoreboard.ports.bus import (
    Bus,
    News,
)
from scoreboard.ports.catalogue import (
    AuditEntry,
    Catalogue,
    Change,
)
from scoreboard.ports.condition import (
    Condition,
)
from scoreboard.ports.decisions import (
    Decided,
    Undone,
)
from scoreboard.ports.findings import (
    Dismissal,
    Queue,
)
from scoreboard.ports.frozen import (
    Frozen,
)
from scoreboard.ports.incidents import (
    INCIDENTS_MAX,
    RETENTION_MS,
    Incidents,
    Sought,
)
from scoreboard.ports.ledger import (
    Head,
    History,
    Ledger,
    Opening,
    Part,
    Prepared,
)
from scoreboard.ports.limiter import (
    Limiter,
    Rate,
    Verdict,
)
from scoreboard.ports.moderation import (
    REVERSE_MAX,
    Moderated,
    Moderation,
    Reversal,
    Reversed,
    StatusPage,
)
from scoreboard.ports.past import (
    ACCOUNT_MAX,
    PAST_MAX,
    Past,
)
from scoreboard.ports.proof import (
    Sealed,
    Sealing,
)
from scoreboard.ports.ranking import (
    APPLY_MAX,
    NOTHING_FROZEN,
    Exit,
    Group,
    Mark,
    Move,
    Ranking,
    Return,
    Turn,
)
from scoreboard.ports.standings import (
    COUNT_MAX,
    Key,
    Place,
    Standings,
)
from scoreboard.ports.sums import (
    ComparedSums,
    Difference,
)

__all__ = [
    "ACCOUNT_MAX",
    "APPLY_MAX",
    "COUNT_MAX",
    "INCIDENTS_MAX",
    "NOTHING_FROZEN",
    "PAST_MAX",
    "RETENTION_MS",
    "REVERSE_MAX",
    "AuditEntry",
    "Bus",
    "Catalogue",
    "Change",
    "ComparedSums",
    "Condition",
    "Decided",
    "Difference",
    "Dismissal",
    "Exit",
    "Frozen",
    "Group",
    "Head",
    "History",
    "Incidents",
    "Key",
    "Ledger",
    "Limiter",
    "Mark",
    "Moderated",
    "Moderation",
    "Move",
    "News",
    "Opening",
    "Part",
    "Past",
    "Place",
    "Prepared",
    "Queue",
    "Ranking",
    "Rate",
    "Return",
    "Reversal",
    "Reversed",
    "Sealed",
    "Sealing",
    "Sought",
    "Standings",
    "StatusPage",
    "Turn",
    "Undone",
    "Verdict",
]
