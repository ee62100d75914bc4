"""Every log event, each declared once."""

from enum import StrEnum


class Event(StrEnum):
    """Every log event: ``noun.verb``; the docs say what each means."""

    SERVICE_STARTED = "service.started"
    SERVICE_READY = "service.ready"
    SERVICE_DRAINING = "service.draining"
    SERVICE_STOPPED = "service.stopped"
    RANKING_REBUILT = "ranking.rebuilt"
    RELAY_FAILED = "relay.failed"
    RANKING_DIFFERS = "ranking.differs"
    RELAY_RECOVERED = "relay.recovered"
    LEASE_FAILED = "lease.failed"
    LEADER_CHANGED = "leader.changed"
    BUS_FAILED = "bus.failed"
    BUS_RECOVERED = "bus.recovered"
    FEED_FAILED = "feed.failed"
    FEED_RECOVERED = "feed.recovered"
    DEPENDENCY_LOST = "dependency.lost"
    DEPENDENCY_RESTORED = "dependency.restored"
    LEDGER_FAILED = "ledger.failed"
    LEDGER_CAUTION = "ledger.caution"
    REQUEST_FAILED = "request.failed"
    CATALOGUE_CHANGED = "catalogue.changed"
    JWKS_FAILED = "jwks.failed"
    JWKS_REFRESHED = "jwks.refreshed"
    PERIOD_OPENED = "period.opened"
    VIEWER_FAILED = "viewer.failed"
    TASK_FAILED = "task.failed"
