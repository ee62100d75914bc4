"""What a process costs: CPU time and memory, read from /proc."""

import os
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
