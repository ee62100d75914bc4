"""Health: reasons to be not ready, and what is done without."""

from scoreboard.service.health import Health


def test_ready_once_every_reason_is_gone() -> None:
    health = Health("ranking")
    health.blocked("draining")
    health.cleared("ranking")
    assert (health.ready, health.reasons) == (False, ("draining",))
    health.cleared("draining")
    assert health.ready


def test_whoever_asked_is_told_once_each_time_a_dependency_is_back() -> None:
    health, told = Health(), []
    health.when_restored("bus", lambda: told.append("bus"))
    assert not health.restored("bus")
    health.lost("bus")
    health.lost("bus")
    assert health.degraded == ("bus",)
    assert health.restored("bus")
    assert not health.restored("bus")
    assert told == ["bus"]
