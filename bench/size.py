"""What size costs: awards beside millions of scored users, and the start with a million."""

import contextlib
import sqlite3
import time
from pathlib import Path

from bench import server, tokens
from bench.load import Load, award
from bench.plan import Plan, Section, median, say, table, whole

SMALL, LARGE, QUICK_LARGE = 10_000, 5_000_000, 200_000
MILLION, QUICK_MILLION = 1_000_000, 100_000
CONNECTIONS = 64
SEED = """
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1000000;
PRAGMA temp_store = MEMORY;
BEGIN;
DROP TRIGGER ledger_only_grows;
DROP TRIGGER ledger_is_never_updated;
UPDATE ledger SET at = at - 86400000;
UPDATE ledger_head SET at = at - 86400000;
CREATE TEMP TABLE seed AS
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {users})
SELECT i, printf('user-%07d', i) AS user_id, 10 * (1 + abs(random()) % 100000) AS points FROM n;
INSERT INTO users (user_ref, user_id, salt) SELECT 1000 + i, user_id, randomblob(16) FROM seed;
INSERT INTO ledger (
    seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, at, caller
)
SELECT h.seq + 1 + i, h.epoch, printf('%08x-seed', i * (4294967295 / {users})), 'award',
    'default', 1000 + i, 'quiz.correct', points, points, h.at + i / 10000, user_id
FROM seed, ledger_head AS h;
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT 'default', 'all', user_id, points, h.seq + 1 + i, h.at + i / 10000
FROM seed, ledger_head AS h;
UPDATE ledger_head SET seq = seq + {users}, at = at + {users} / 10000;
{triggers};
COMMIT;
PRAGMA wal_checkpoint(TRUNCATE);
"""


def size(plan: Plan) -> Section:
    large = QUICK_LARGE if plan.quick else LARGE
    rates: dict[int, list[float]] = {SMALL: [], large: []}
    with contextlib.ExitStack() as stack:
        running, files = {}, {}
        for users in rates:
            place = seeded(plan, users)
            running[users] = stack.enter_context(server.running(server.OURS, place, prepare=False))
            files[users] = _tokens(plan, users)
        for _ in range(plan.rounds):
            for users, service in running.items():
                outcome = award(Load(service.port, CONNECTIONS, plan.seconds), files[users])
                rates[users].append(outcome.rate)
                say(f"  {users:8} users {outcome.rate:.0f}/s  p99 {outcome.p99_ms:.1f} ms")
        memory = {users: service.cost().rss_bytes for users, service in running.items()}
        ready = {users: service.ready_after_s for users, service in running.items()}
    small = median(rates[SMALL])
    rows = [
        (
            whole(users),
            whole(median(found)),
            f"{median(found) / small:.2f}",
            f"{ready[users]:.1f}",
            whole(memory[users] / 2**20),
        )
        for users, found in rates.items()
    ]
    head = ("scored users", "awards/s", "ratio", "start to ready s", "memory MiB")
    text = (
        f"Awards a second at {CONNECTIONS} connections by 10,000 users spread over all, in turn, "
        "on databases with this many users, scores and postings; medians.\n\n"
    )
    return Section("Size", text + table(head, rows))


def start(plan: Plan) -> Section:
    users = QUICK_MILLION if plan.quick else MILLION
    place = seeded(plan, users)
    spans = []
    for _ in range(plan.rounds):
        with server.running(server.OURS, place, prepare=False) as running:
            spans.append(running.ready_after_s)
            say(f"  {users} users: ready after {running.ready_after_s:.2f} s")
    text = (
        f"From the start of the process to `/readyz` with {users:,} scored users, ranking rebuilt "
        f"from the database: median {median(spans):.2f} s of {len(spans)}."
    )
    return Section("Start", text)


def seeded(plan: Plan, users: int) -> server.Place:
    """A database with that many users of one award each, a day old."""
    place = server.new_place(plan.root, plan.secret)
    with server.running(server.OURS, place):
        pass  # makes the schema, the catalogue and the board's opening
    began = time.monotonic()
    _seed(place.data / server.OURS.database, users)
    say(f"  {users} users seeded in {time.monotonic() - began:.0f} s")
    return place


def _seed(database: Path, users: int) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        triggers = db.execute(
            "SELECT group_concat(sql, '; ') FROM sqlite_schema "
            "WHERE name IN ('ledger_only_grows', 'ledger_is_never_updated')"
        ).fetchone()[0]
        db.executescript(SEED.format(users=users, triggers=triggers))


def _tokens(plan: Plan, users: int) -> Path:
    """Tokens of as many users as ever, spread evenly over all of them."""
    path = plan.root / f"tokens-{users}"
    names = (tokens.user_id(n * users // tokens.USERS) for n in range(tokens.USERS))
    path.write_text("".join(f"{name} {plan.secret.token(name)}\n" for name in names))
    return path
