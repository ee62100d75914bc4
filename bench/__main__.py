"""Measures the service: `python -m bench [PART ...] [--quick]`; without a part, all of them."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import page, tokens
from bench.audit import audit
from bench.awards import awards, windows
from bench.backtest import backtest
from bench.flush import flush
from bench.frozen import frozen
from bench.ledger import ledger
from bench.live import fanout, freshness
from bench.metrics_cost import metrics
from bench.nodes import nodes
from bench.plan import Plan, Section, say
from bench.proof import proof
from bench.rank import ranking
from bench.reads import reads
from bench.rebuild import rebuild
from bench.reversals import reversals
from bench.rules import rules
from bench.signed import signed
from bench.size import size, start

ONE_NODE = (
    awards,
    windows,
    signed,
    fanout,
    freshness,
    reads,
    ranking,
    size,
    start,
    audit,
    backtest,
)
MANY_NODES = (ledger, nodes, rebuild, flush, reversals, frozen, metrics, proof, rules)
PARTS: dict[str, Callable[[Plan], Section]] = {
    part.__name__: part for part in (*ONE_NODE, *MANY_NODES)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="short, one round, nothing written")
    parser.add_argument("--write", action="store_true", help="with --quick: write it all the same")
    asked = parser.parse_args()
    unknown = set(asked.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    # Whatever ends the bench ends the servers that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in asked.parts or PARTS:
        _run(name, quick=asked.quick, write=asked.write or not asked.quick)


def _run(name: str, *, quick: bool, write: bool) -> None:
    say(f"{name}:")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scoreboard-bench-") as folder:
        root = Path(folder)
        secret = tokens.Secret.new()
        plan = Plan(root, quick, secret, tokens.write(root / "tokens", secret))
        section = PARTS[name](plan)
    say(f"\n{section.text}\n\n{name} took {time.monotonic() - began:.0f} s\n")
    if write:
        words = " --quick" if quick else ""
        page.write(name, section, f"python -m bench {name}{words}")
        page.plot()


if __name__ == "__main__":
    sys.exit(main())
