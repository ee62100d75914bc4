"""Every metric and every log event of the service, each declared once.

A ``Telemetry`` is one process's set of metrics with a registry of its own; children of labelled
metrics are bound when it is made, because a look-up costs more than the increment. Label values
come from closed sets, never from a request.
"""

from typing import TYPE_CHECKING

from scoreboard import loaded_late
from scoreboard.telemetry.events import Event
from scoreboard.telemetry.logger import log
from scoreboard.telemetry.metrics import METRICS, TABLE, Metric
from scoreboard.telemetry.registry import Telemetry, now_s
from scoreboard.telemetry.request import (
    RequestContext,
    begin_request,
    current_request,
    refused_request,
)
from scoreboard.telemetry.traces import Span, Traces, exemplar

if TYPE_CHECKING:
    from scoreboard.telemetry.logs import Log

__all__ = [
    "METRICS",
    "TABLE",
    "Event",
    "Log",
    "Metric",
    "RequestContext",
    "Span",
    "Telemetry",
    "Traces",
    "begin_request",
    "current_request",
    "exemplar",
    "log",
    "now_s",
    "refused_request",
]

# Only a process that configures its log loads what renders it.
__getattr__ = loaded_late(__name__, {"Log": "logs"})
