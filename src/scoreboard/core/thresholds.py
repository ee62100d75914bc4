"""Where the checks of an audit begin to call something irregular."""

from msgspec import Struct

BASE_DAYS = 28
"""How many days before a day tell what is usual."""


class Thresholds(Struct, frozen=True, kw_only=True):
    """Where the checks begin to call something irregular; ``docs/audit.md`` says why so."""

    z: float = 6.0
    tail: float = 1e-6
    samples: int = 20
    mad_floor: float = 0.25
    hour_deviation: float = 0.3
    day_deviation: float = 0.2
    spike_hours: int = 6
    spike_awards: int = 10
    crowd: int = 20
    gaps: int = 30
    steady_share: float = 0.7
    steady_usual: float = 0.4
    capped_hours: int = 6
    capped_share: float = 0.8
    capped_usual: float = 0.1
    jump_share: float = 0.999
    jump_users: int = 200
    jump_awards: int = 20
    newcomers: int = 10
    refusals: int = 20
    refused_share: float = 0.2
    refused_times: float = 5.0
    refused_usual: float = 0.01


STANDARD = Thresholds()
