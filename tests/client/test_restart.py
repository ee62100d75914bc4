"""Awards and a viewer through a service that is killed and started again."""

import asyncio
import signal
import subprocess
from contextlib import aclosing
from pathlib import Path

from scoreboard import wire
from scoreboard.client import AsyncClient, Patience
from tests.cli.test_commands import free_port, ok, serving

AWARDS = 60


async def test_awards_and_viewers_survive_a_kill_and_each_award_counts_once(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (tmp_path / "scoreboard.toml").write_text('user_rate = "0"\nip_rate = "0"\n')
    ok(tmp_path, "action", "set", "quiz", "50")
    token = ok(tmp_path, "token", "ada").strip()
    seen: list[wire.TopMessage] = []
    patience = Patience(attempts=20)
    async with asyncio.timeout(90), AsyncClient(url, token, patience=patience) as client:
        with serving(tmp_path, port) as first:
            viewer = asyncio.create_task(follow(client, AWARDS * 50, seen))
            awards = [asyncio.create_task(award(client, n)) for n in range(AWARDS)]
            await asyncio.wait(awards, return_when=asyncio.FIRST_COMPLETED)
            await kill(first)
        with serving(tmp_path, port):
            scores = await asyncio.gather(*awards)
            await viewer
            assert (await client.standing("ada")).score == AWARDS * 50
    assert sorted(scores) == [50 * n for n in range(1, AWARDS + 1)]
    places = [(top.epoch, top.seq) for top in seen]
    assert places == sorted(set(places))


async def award(client: AsyncClient, number: int) -> int:
    await asyncio.sleep(number * 0.01)
    return (await client.award("ada", "quiz")).new_score


async def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.wait)


async def follow(client: AsyncClient, score: int, seen: list[wire.TopMessage]) -> None:
    async with aclosing(client.watch()) as tops:
        async for top in tops:
            seen.append(top)
            if top.rows and top.rows[0].score == score:
                return
