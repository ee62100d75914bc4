"""It is promised that the admin page's own arithmetic is that of the service."""

import json
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

from scoreboard.core.merkle import Tree, consistency_spans, leaf_hash
from scoreboard.web import pages
from tests.conftest import Require

PAGE = Path(pages.__file__).parent / "admin_page"
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 40)
LEAVES = [leaf_hash(b"%d" % number) for number in range(max(SIZES))]
GREW = """
import { grew } from "./merkle.js";
const cases = JSON.parse(await new Response(process.stdin).text());
const told = [];
for (const { was, now, hashes } of cases) told.push(await grew(was, now, hashes));
console.log(JSON.stringify(told));
"""
METRICS = r"""
import { parse, quantile, sum } from "./metrics.js";
const [was, now] = JSON.parse(await new Response(process.stdin).text()).map(parse);
console.log(JSON.stringify([
  sum(now, "awards_total"), sum(now, "awards_total", ({ outcome }) => outcome === "a\"b\\"),
  quantile(was, now, "f_seconds", 0.99), quantile(was, now, "f_seconds", 0.5),
  quantile(now, now, "f_seconds", 0.5),
]));
"""
WAS = """
f_seconds_bucket{le="0.1"} 100.0
f_seconds_bucket{le="0.5"} 100.0
f_seconds_bucket{le="+Inf"} 100.0
"""
NOW = r"""
# HELP awards_total Awards.
# TYPE awards_total counter
awards_total{outcome="recorded"} 41.0
awards_total{outcome="a\"b\\"} 1.0
f_seconds_bucket{le="0.1"} 105.0
f_seconds_bucket{le="0.5"} 110.0
f_seconds_bucket{le="+Inf"} 110.0
"""


def root(size: int) -> str:
    tree = Tree()
    tree.grow(LEAVES[:size])
    return b64encode(tree.root()).decode()


def span(begin: int, end: int) -> str:
    tree = Tree()
    tree.grow(LEAVES[begin:end])
    return b64encode(tree.root()).decode()


def case(old: int, new: int) -> dict[str, Any]:
    hashes = [span(*each) for each in consistency_spans(old, new)]
    was, now = ({"size": size, "root": root(size)} for size in (old, new))
    return {"was": was, "now": now, "hashes": hashes}


def run(require: Require, program: str, given: object) -> Any:
    require("node", shutil.which("node"), "install Node.js 20.16 or later")
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", program],
        input=json.dumps(given),
        cwd=PAGE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_ledger_that_has_grown_is_believed_and_no_other(require: Require) -> None:
    pairs = [(old, new) for old in SIZES for new in SIZES if old <= new]
    cases = [case(old, new) for old, new in pairs]
    assert run(require, GREW, cases) == [True] * len(cases)
    other = b64encode(leaf_hash(b"another past")).decode()
    wrong: list[dict[str, Any]] = []
    for each in cases:
        wrong += [
            {**each, "was": {**each["was"], "root": other}},
            {**each, "now": {**each["now"], "root": other}},
            {**each, "hashes": [*each["hashes"], other]},
        ]
        if each["hashes"]:
            wrong += [
                {**each, "hashes": each["hashes"][:-1]},
                {**each, "hashes": [other, *each["hashes"][1:]]},
                {"was": each["now"], "now": each["was"], "hashes": each["hashes"]},
            ]
    assert run(require, GREW, wrong) == [False] * len(wrong)


def test_metrics_are_read_as_they_are_written(require: Require) -> None:
    assert run(require, METRICS, [WAS, NOW]) == [42, 1, 0.5, 0.1, None]
