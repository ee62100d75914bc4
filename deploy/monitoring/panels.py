"""What the dashboards are made of: panels, queries, variables, links and annotations."""

from collections.abc import Iterable
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog import builder as cog
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${source}")
NODES = 'job=~"$job",instance=~"$instance"'
TAG = "scoreboard"
FULL, HALF, THIRD, SIXTH = 24, 12, 8, 4
TALL, SHORT = 8, 4

Panel = cog.Builder[models.Panel]


@dataclass(frozen=True)
class Query:
    """A PromQL expression, ``@`` standing for the label matchers of the chosen nodes."""

    text: str
    legend: str = ""

    def target(self, letter: str, *, instant: bool = False) -> prometheus.Dataquery:
        query = prometheus.Dataquery().expr(self.expression).legend_format(self.legend or "__auto")
        query = query.ref_id(letter)
        return query.instant() if instant else query.range().exemplar(exemplar=True)

    @property
    def expression(self) -> str:
        return self.text.replace("@", NODES)


@dataclass(frozen=True)
class Steps:
    """From which values on it is worth a look, and worth getting up."""

    warn: float | None = None
    bad: float | None = None
    falling: bool = False

    def thresholds(self) -> dashboard.ThresholdsConfig:
        colours = ["red", "orange", "green"] if self.falling else ["green", "orange", "red"]
        steps = [models.Threshold(value=None, color=colours[0])]
        limits = (self.bad, self.warn) if self.falling else (self.warn, self.bad)
        for colour, limit in zip(colours[1:], limits, strict=True):
            if limit is not None:
                steps.append(models.Threshold(value=limit, color=colour))
        return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


NO_STEPS = Steps()


def number(title: str, help_: str, query: Query, unit: str, steps: Steps = NO_STEPS) -> Panel:
    """One number of now, with its course behind it."""
    return (
        stat.Panel()
        .title(title)
        .description(help_)
        .datasource(SOURCE)
        .unit(unit)
        .thresholds(steps.thresholds())
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
        .with_target(query.target("A"))
        .height(SHORT)
        .span(SIXTH)
    )


def chart(  # noqa: PLR0913 - a line of a dashboard
    title: str,
    help_: str,
    queries: Iterable[Query],
    unit: str,
    *,
    steps: Steps = NO_STEPS,
    span: int = HALF,
    stacked: bool = False,
) -> Panel:
    """Lines over time, with the thresholds drawn where there are some."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(help_)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .line_width(1)
        .fill_opacity(25 if stacked else 8)
        .show_points(common_models.VisibilityMode.NEVER)
        .thresholds(steps.thresholds())
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
        .height(TALL)
        .span(span)
    )
    if stacked:
        panel = panel.stacking(
            common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
        )
    if steps != NO_STEPS:
        dashed = common_models.GraphTresholdsStyleMode.DASHED
        panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(dashed))
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        panel = panel.with_target(query.target(letter))
    return panel


def percentiles(metric: str, matchers: str = "", by: str = "") -> list[Query]:
    """The median, p90 and p99 of a histogram."""
    labels, legend = (f"le,{by}", f" {{{{{by}}}}}") if by else ("le", "")
    return [
        Query(
            f"histogram_quantile({quantile}, sum by ({labels}) "
            f"(rate({metric}_bucket{{@{matchers}}}[$__rate_interval])))",
            f"{name}{legend}",
        )
        for quantile, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))
    ]


def rate(metric: str, by: str = "", matchers: str = "") -> Query:
    """What is counted, a second, by a label."""
    grouping = f" by ({by})" if by else ""
    legend = f"{{{{{by}}}}}" if by else ""
    return Query(f"sum{grouping} (rate({metric}{{@{matchers}}}[$__rate_interval]))", legend)


def board(name: str, title: str, question: str) -> Dashboard:
    """An empty dashboard with what all of them have."""
    return (
        Dashboard(f"Scoreboard / {title}")
        .uid(f"scoreboard-{name}")
        .description(question)
        .tags([TAG])
        .readonly()
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Scoreboard")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(as_dropdown=False)
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
        .with_variable(
            dashboard.DatasourceVariable("source").label("Data source").type("prometheus")
        )
        .with_variable(_labels("job", "Job", "scoreboard_build_info"))
        .with_variable(_labels("instance", "Node", 'scoreboard_build_info{job=~"$job"}'))
        .annotation(
            _annotation(
                "Deploys",
                "blue",
                f"count by (version) (scoreboard_build_info{{{NODES}}} unless "
                f"scoreboard_build_info{{{NODES}}} offset 2m)",
            )
        )
        .annotation(
            _annotation(
                "Rebuilds",
                "orange",
                f"sum by (instance) (increase(scoreboard_rebuilds_total{{{NODES}}}[1m])) > 0",
            )
        )
        .annotation(
            _annotation(
                "Leader",
                "purple",
                f"sum by (instance) (changes(scoreboard_leader{{{NODES}}}[1m])) > 0",
            )
        )
    )


def _labels(name: str, label: str, series: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(f"label_values({series}, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
    )


def _annotation(name: str, colour: str, expression: str) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color(colour)
        .expr(expression)
    )
