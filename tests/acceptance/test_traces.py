"""It is promised that a trace leads from a request to the screen, and costs nothing when off."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.collector import Collector
from tests.acceptance.crowd import Watcher, until
from tests.service_process import Service, eventually, free_port

pytest.importorskip("opentelemetry.sdk")

Make = Callable[..., Service]
PLANTED = "zaphod-beeblebrox"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-00"


def linked(span: Any) -> set[bytes]:
    return {link.span_id for link in span.links}


def attributes(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def exposed(service: Service) -> str:
    """The metrics with their exemplars; a bucket keeps the newest one only."""
    return service.get("/metrics", Accept="application/openmetrics-text").body.decode()


async def test_a_trace_leads_from_the_request_over_its_group_and_batch_to_the_frame(
    service_factory: Make,
) -> None:
    with Collector() as collector:
        service = service_factory(
            {"SCOREBOARD_TRACES_URL": collector.url, "SCOREBOARD_TRACES_SHARE": "1"}
        )
        watcher = Watcher(service)
        await until(lambda: watcher.tops)
        awarded = service.award(PLANTED, "quiz", headers={"traceparent": PARENT})
        assert awarded.status == 200
        eventually(lambda: f'trace_id="{TRACE}"' in exposed(service))
        refused = service.award(PLANTED, "nothing", headers={"traceparent": "00-junk"})
        await until(lambda: any(top.rows for top in watcher.tops))
        await until(lambda: collector.named("frame.show"))
        await until(lambda: len(collector.named("POST /v1/scores")) == 2)
        metrics = exposed(service)
        await watcher.leave()
        service.stop()
    good, bad = sorted(collector.named("POST /v1/scores"), key=lambda span: len(span.attributes))
    assert good.trace_id.hex() == TRACE
    assert good.parent_span_id.hex() == "00f067aa0ba902b7"
    assert attributes(good) == {
        "http.request.method": "POST",
        "http.route": "/v1/scores",
        "http.response.status_code": 200,
    }
    assert attributes(bad)["error.type"] == refused.json()["code"]
    (group,) = (span for span in collector.named("ledger.append") if good.span_id in linked(span))
    assert linked(good) == {group.span_id}
    batch = the_one(collector.named("ranking.apply"), group)
    frame = the_one(collector.named("frame.show"), batch)
    assert len({span.trace_id for span in (good, group, batch, frame)}) == 4
    seq = attributes(group)["scoreboard.seq.last"]
    assert attributes(frame)["scoreboard.seq.last"] == seq
    assert collector.resource()["service.name"] == "scoreboard"
    assert PLANTED.encode() not in collector.raw
    assert re.search(rf'freshness_seconds_bucket.*# {{trace_id="{frame.trace_id.hex()}"}}', metrics)
    lines = [json.loads(line) for line in service.log().splitlines()]
    (line,) = (each for each in lines if each.get("code") == refused.json()["code"])
    assert line["trace_id"] == bad.trace_id.hex()


def the_one(spans: list[Any], before: Any) -> Any:
    (found,) = (span for span in spans if before.span_id in linked(span))
    return found


def test_a_collector_that_is_not_there_holds_up_no_award_and_no_stop(service_factory: Make) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/v1/traces"
    service = service_factory({"SCOREBOARD_TRACES_URL": nowhere, "SCOREBOARD_TRACES_SHARE": "1"})
    assert service.award("ada", "quiz").status == 200
    eventually(lambda: "library.failed" in service.log())
    assert service.award("ada", "quiz").status == 200
    began = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began < 15


OFF = """
import asyncio, sys
from scoreboard import assembly
from scoreboard.settings import load
from pathlib import Path

async def serve():
    ready = asyncio.Event()
    serving = asyncio.ensure_future(
        assembly.serve(load({}, {}, Path.cwd()), ready=lambda _: ready.set())
    )
    await asyncio.wait_for(ready.wait(), 20)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)

asyncio.run(serve())
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_without_the_setting_nothing_of_it_is_loaded(tmp_path: Any) -> None:
    (tmp_path / "scoreboard.toml").write_text("port = 0\n")
    command = [sys.executable, "-c", OFF]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
