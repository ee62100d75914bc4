"""What a process costs: CPU time and memory, read from /proc."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU seconds used so far, and the memory held now, in bytes."""

    user_s: float
    system_s: float
    rss_bytes: int

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


def cost(pid: int) -> Cost:
    """The cost of a live process; the CPU clock moves in steps of a tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Cost(int(fields[11]) * TICK_S, int(fields[12]) * TICK_S, private_bytes(pid))


def private_bytes(pid: int) -> int:
    """Anonymous resident memory: what the process made itself, without files it maps."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def peak_bytes(pid: int) -> int:
    """The most resident memory so far; rusage would tell the parent's where that was more."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def tree_cpu_s(pid: int, children: Iterable[int] = ()) -> float:
    """CPU seconds of a process, of the children it has reaped, and of those that live."""
    return _used_s(pid, 11, 12, 13, 14) + sum(_used_s(child, 11, 12) for child in children)


def _used_s(pid: int, *places: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has ended since
    return sum(int(fields[place]) for place in places) * TICK_S
