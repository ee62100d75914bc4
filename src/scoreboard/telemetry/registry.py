"""One process's metrics: made from the table, bound once, exposed in two formats."""

import platform
import time
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.openmetrics import exposition as openmetrics

from scoreboard import __version__
from scoreboard.telemetry.metrics import METRICS, Metric
from scoreboard.telemetry.traces import NoTraces, Traces

disable_created_metrics()  # type: ignore[no-untyped-call]

now_s = time.perf_counter
"""For durations: the event loop's own clock may stand still between its rounds."""


class Telemetry:
    """One process's metrics, and its traces, which are off until somebody sets them.

    ``telemetry.child("scoreboard_awards_total", "recorded").inc()``
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.traces: Traces = NoTraces()
        self._children: dict[tuple[str, ...], Any] = {}
        self._metrics = {metric.name: self._make(metric) for metric in METRICS}
        for metric in METRICS:
            for value in metric.from_start:
                self.child(metric.name, value)
        self.child("scoreboard_build_info", __version__, platform.python_version()).set(1)
        self._process = ProcessCollector(registry=self.registry)

    def child(self, name: str, *labels: str) -> Any:
        """The metric, or its child with these label values, bound once."""
        key = (name, *labels)
        child = self._children.get(key)
        if child is None:
            metric = self._metrics[name]
            child = self._children[key] = metric.labels(*labels) if labels else metric
        return child

    def total(self, name: str) -> float:
        """The sum of the samples of this name; 0 when there are none yet."""
        registered = self.registry.restricted_registry([name])
        source = self._process if name.startswith("process_") else registered
        return sum(
            sample.value
            for family in source.collect()
            for sample in family.samples
            if sample.name == name
        )

    def exposition(self) -> bytes:
        """Everything in the Prometheus text format 0.0.4."""
        return generate_latest(self.registry)

    def open_exposition(self) -> bytes:
        """Everything as OpenMetrics 1.0.0, exemplars included."""
        text: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
        return text

    def _make(self, metric: Metric) -> Any:
        if metric.kind is Histogram:
            return Histogram(
                metric.name,
                metric.help,
                metric.labels,
                buckets=metric.buckets,
                registry=self.registry,
            )
        return metric.kind(metric.name, metric.help, metric.labels, registry=self.registry)
