"""A million users ranked anew from PostgreSQL in Valkey, while standings are read."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable

from bench import server
from bench.load import Load, Outcome, read_users
from bench.nodes import everything_on
from bench.pace import Pacer
from bench.plan import Plan, Section, say, table, whole
from bench.servers import Deployment, Servers, metrics, serving

MILLION, QUICK_USERS = 1_000_000, 50_000
CONNECTIONS = 8
READ_S, QUICK_READ_S = 40, 6
WITHIN_S = 300
LOOK_S = 0.05
SEED = """
BEGIN;
CREATE TEMP TABLE seed AS
SELECT i, 'user-' || lpad(i::text, 7, '0') AS user_id, 10 * (1 + floor(random() * 100000))::bigint AS points
FROM generate_series(0, {users} - 1) AS i;
INSERT INTO users (user_ref, user_id, salt)
SELECT 1000 + i, user_id, decode(md5(user_id), 'hex') FROM seed;
SELECT setval(pg_get_serial_sequence('users', 'user_ref'), 2000 + {users});
CREATE TEMP TABLE head AS SELECT seq, epoch, at FROM ledger ORDER BY seq DESC LIMIT 1;
INSERT INTO ledger (seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, at)
SELECT h.seq + 1 + i, h.epoch, 'seed-' || i, 'award', 'default', 1000 + i, 'quiz.correct',
    points, points, h.at
FROM seed, head AS h ORDER BY i;
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT 'default', 'all', user_id, points, h.seq + 1 + i, h.at FROM seed, head AS h;
COMMIT;
ANALYZE;
CHECKPOINT;
"""  # noqa: E501


def rebuild(plan: Plan) -> Section:
    users = QUICK_USERS if plan.quick else MILLION
    with serving() as servers:
        deployment = Deployment.new(plan, servers, "rebuild", everything_on(servers))
        with deployment.started(1):
            pass  # makes the schema, the catalogue and the board's opening
        began = time.monotonic()
        servers.postgres.psql(SEED.format(users=users), deployment.database)
        _flush(servers)
        say(f"  {users} users seeded in {time.monotonic() - began:.0f} s")
        with deployment.started(1) as (node,):
            say(f"  ready after {node.ready_after_s:.1f} s")
            kinds = {
                "a new epoch, the old index is read": lambda: _new_epoch(deployment, node),
                "`FLUSHALL`, nothing is left": lambda: _flush(servers),
            }
            rows = [_row(plan, node, users, *kind) for kind in kinds.items()]
        words = servers.words
    head = ("rebuilt because of", "seconds", "reads/s", "p50 ms", "p99 ms", "503", "other errors")
    text = (
        f"{words}. {whole(users)} users with a score each; one node, whose ranking is rebuilt in "
        f"Valkey while standings of random users are read over {CONNECTIONS} connections. A start "
        f"beside a Valkey that knows nothing of them took {node.ready_after_s:.1f} s to `/readyz`. "
        "Without an index the ledger answers, and says 503 for whoever has more than 100,000 "
        "users before him.\n\n"
    )
    return Section("Rebuild", text + table(head, rows))


def _row(
    plan: Plan, node: server.Running, users: int, name: str, lose: Callable[[], None]
) -> tuple[object, ...]:
    before = _rebuilds(node, 1)  # a node is ready a moment before it has counted its first
    read_s = QUICK_READ_S if plan.quick else READ_S
    found: list[Outcome] = []
    load = Load(node.port, CONNECTIONS, read_s)
    reads = threading.Thread(target=lambda: found.append(read_users(load, users)))
    reads.start()
    time.sleep(1)  # the reads are under way
    began = time.monotonic()
    lose()
    _rebuilds(node, before + 1)
    took_s = time.monotonic() - began
    reads.join()
    if not found:
        raise server.ServerError("the reads failed; see above")
    outcome = found[0]
    refused = outcome.refused.get("503", 0)
    others = sum(outcome.refused.values()) - refused
    say(f"  {name}: {took_s:.1f} s, {outcome.rate:.0f} reads/s, {outcome.refused} refused")
    latency = (f"{outcome.p50_ms:.1f}", f"{outcome.p99_ms:.1f}")
    return (name, f"{took_s:.1f}", whole(outcome.rate), *latency, refused, others)


def _rebuilds(node: server.Running, least: float) -> float:
    """How many there were, once there were so many."""
    deadline = time.monotonic() + WITHIN_S
    while (found := metrics(node, "scoreboard_rebuilds_total")[0]) < least:
        if time.monotonic() > deadline:
            raise server.ServerError(f"not rebuilt within {WITHIN_S} s")
        time.sleep(LOOK_S)
    return found


def _new_epoch(deployment: Deployment, node: server.Running) -> None:
    words = deployment.command("ledger", "new-epoch", "--reason", "bench")
    subprocess.run(words, env=deployment.environment_of(0), check=True, stdout=subprocess.DEVNULL)
    Pacer(node.port, deployment.plan.tokens).run(1, 1)


def _flush(servers: Servers) -> None:
    with contextlib.closing(servers.valkey.client()) as client:
        client.flushall()
