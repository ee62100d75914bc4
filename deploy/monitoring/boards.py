"""All dashboards, and the JSON that Grafana reads."""

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.infrastructure import infrastructure
from deploy.monitoring.live import live
from deploy.monitoring.overview import overview
from deploy.monitoring.scores import scores
from deploy.monitoring.trust import trust

BOARDS = (overview, scores, live, trust, infrastructure)


def rendered() -> dict[str, str]:
    """The files by name; the same bytes each time."""
    encoder = JSONEncoder(sort_keys=True, indent=1)
    return {f"{each.__name__}.json": encoder.encode(each().build()) + "\n" for each in BOARDS}
