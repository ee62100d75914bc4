"""Writes a part's section into docs/measure.md, and draws docs/measure.png from all of them."""

import datetime as dt
import json
import os
import platform
import re
import sqlite3
from pathlib import Path
from typing import Any

from bench.plan import Section

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "measure.md"
PLOT = DOCS / "measure.png"
HEAD = """# Measurements

Every figure comes from `make bench` on one machine; load generator and viewers share it. Compare
the ratios: both sides of one were measured in turn in one run. The sections name their command.

![Awards a second, latency, and CPU per frame](measure.png)
"""


def write(name: str, section: Section, command: str) -> None:
    """Replace or add one section; the others stay."""
    page = PAGE.read_text() if PAGE.exists() else HEAD
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    data = json.dumps(section.data)
    text = (
        f"<!-- part:{name} -->\n\n## {section.title}\n\n{section.text}\n\n"
        f"{machine()}\\\n`{command}` · {now}\n\n<!-- data {data} -->\n<!-- end:{name} -->\n"
    )
    marked = re.compile(rf"<!-- part:{name} -->.*?<!-- end:{name} -->\n", re.DOTALL)
    if marked.search(page):
        page = marked.sub(lambda _: text, page)
    else:
        page += "\n" + text
    DOCS.mkdir(exist_ok=True)
    PAGE.write_text(page)


def machine() -> str:
    cpus = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.+)", cpus)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    assert memory is not None
    return (
        f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, "
        f"{int(memory[1]) / 2**20:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def plot() -> None:
    """Drawn once the awards were measured; of the rest, what is missing is left out."""
    if not _data(PAGE.read_text(), "awards"):
        return
    import matplotlib as mpl  # noqa: PLC0415 - slow to import, and only this needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    page = PAGE.read_text()
    figure, (rates, latencies, frames) = plt.subplots(1, 3, figsize=(15, 4.5))
    awards = _data(page, "awards")
    for color, name in enumerate(("ours", "ours, 5 % repeated", "baseline", "one-hop")):
        points = sorted(
            (int(key.split("/")[1]), value)
            for key, value in awards.items()
            if key.startswith(f"{name}/")
        )
        at = [n for n, _ in points]
        look = {"marker": "o", "color": f"C{color}"}
        rates.plot(at, [v[0] for _, v in points], label=name, **look)
        latencies.plot(at, [v[1] for _, v in points], label=f"{name}, p50", **look)
        latencies.plot(at, [v[2] for _, v in points], label=f"{name}, p99", ls="--", **look)
    for axes, title in ((rates, "Awards a second"), (latencies, "Latency, ms")):
        axes.set(title=title, xlabel="connections", xscale="log", yscale="log")
        axes.grid(visible=True, alpha=0.3)
        if awards:
            axes.legend(fontsize="small")
    _bars(frames, _data(page, "fanout"))
    figure.tight_layout()
    figure.savefig(PLOT, dpi=110)


def _bars(axes: Any, fanout: dict[str, list[float]]) -> None:
    names = ("floor", "ours", "baseline")
    counts = sorted({int(key.split("/")[1]) for key in fanout})
    for offset, name in enumerate(names):
        bars = [
            (i, fanout[f"{name}/{n}"][0]) for i, n in enumerate(counts) if f"{name}/{n}" in fanout
        ]
        axes.bar([i + offset * 0.25 for i, _ in bars], [v for _, v in bars], 0.25, label=name)
    axes.set(title="Server CPU per delivered frame, us", xlabel="viewers")
    axes.set_xticks([i + 0.25 for i in range(len(counts))], [f"{n:,}" for n in counts])
    if fanout:
        axes.legend(fontsize="small")


def _data(page: str, name: str) -> dict[str, list[float]]:
    found = re.search(rf"<!-- part:{name} -->.*?<!-- data (.*?) -->", page, re.DOTALL)
    data: dict[str, list[float]] = json.loads(found[1]) if found else {}
    return data
