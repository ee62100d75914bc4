"""Somebody who rewrites a ledger with SQL, in all the ways that are to be found."""

from collections.abc import Sequence
from pathlib import Path

from scoreboard.adapters.checkpoint_file import CheckpointFile
from scoreboard.adapters.keys import CheckpointKey, is_signature
from scoreboard.ports import Ledger, Opening
from scoreboard.service.leadership import Alone
from scoreboard.service.sealer import Sealer
from scoreboard.telemetry import Telemetry

from .material import FALL, GOAL, LEAGUE, QUIZ, Clock, append, award, put
from .superuser import Superuser

COLUMNS = (
    "epoch, award_id, kind, board, user_ref, action_id, points, score_after, at, key, caller, "
    "reverses, detail"
)


FORGED = COLUMNS.replace("award_id", "'forged'")


async def seal(ledger: Ledger, clock: Clock, folder: Path) -> None:
    key = CheckpointKey.opened("test", folder / "key", may_make=True)
    file = CheckpointFile(folder / "checkpoint")
    sealer = Sealer(
        ledger, Alone(), key, file, verify=is_signature, clock_ms=clock, telemetry=Telemetry()
    )
    await sealer.finish()
    assert await ledger.newest_sealing() is not None


async def filled(ledger: Ledger, clock: Clock, folder: Path) -> None:
    """600 postings and some, sealed twice, and seven more that are not."""
    await put(ledger, LEAGUE, QUIZ, GOAL, FALL)
    for group in range(6):
        actions = (QUIZ, GOAL, FALL)
        awards = [
            award(f"a{group}-{number}", f"u{number % 9}", actions[number % 3])
            for number in range(100)
        ]
        await append(ledger, clock, *awards)
        clock.now_ms += 40_000_000
        await ledger.open_periods([Opening("league", f"2026-11-{24 + group}")])
        if group in (1, 5):
            await seal(ledger, clock, folder)
    await append(ledger, clock, *(award(f"rest-{number}", f"u{number}") for number in range(7)))


def renumbered(first: int, by: int) -> Sequence[str]:
    """Move all postings from a place on; by a detour, since no place may be taken twice."""
    return (
        f"UPDATE ledger SET seq = -(seq + {by}) WHERE seq >= {first}",
        "UPDATE ledger SET seq = -seq WHERE seq < 0",
    )


HEAD = "UPDATE ledger_head SET seq = (SELECT max(seq) FROM ledger)"
TAMPERING: dict[str, tuple[int | None, Sequence[str]]] = {
    "points": (300, ["UPDATE ledger SET points = points + 1 WHERE seq = 300"]),
    "time": (300, ["UPDATE ledger SET at = at + 1 WHERE seq = 300"]),
    "caller": (300, ["UPDATE ledger SET caller = 'somebody' WHERE seq = 300"]),
    "user": (300, ["UPDATE ledger SET user_ref = 1 + user_ref % 9 WHERE seq = 300"]),
    "first": (1, ["UPDATE ledger SET caller = 'somebody' WHERE seq = 1"]),
    "last-sealed": (608, ["UPDATE ledger SET caller = 'somebody' WHERE seq = 608"]),
    "two": (
        260,
        [
            "UPDATE ledger SET caller = 'x' WHERE seq = 260",
            "UPDATE ledger SET caller = 'x' WHERE seq = 40 + 500",
        ],
    ),
    "deleted": (300, ["DELETE FROM ledger WHERE seq = 300"]),
    "deleted-and-closed": (300, ["DELETE FROM ledger WHERE seq = 300", *renumbered(301, -1), HEAD]),
    "swapped": (
        300,
        [
            "UPDATE ledger SET seq = -1 WHERE seq = 300",
            "UPDATE ledger SET seq = 300 WHERE seq = 310",
            "UPDATE ledger SET seq = 310 WHERE seq = -1",
        ],
    ),
    "inserted": (
        300,
        [
            *renumbered(300, 1),
            f"INSERT INTO ledger (seq, {COLUMNS}) SELECT 300, {FORGED} FROM ledger WHERE seq = 299",
            HEAD,
        ],
    ),
    "rolled-back": (601, ["DELETE FROM ledger WHERE seq > 600", HEAD]),
    "salt": (
        None,
        ["UPDATE users SET user_id = 'mallory' WHERE user_id = 'u3'"],
    ),
    "unsealed-points": (613, ["UPDATE ledger SET points = points + 1 WHERE seq = 613"]),
    "unsealed-deleted": (613, ["DELETE FROM ledger WHERE seq = 613"]),
    "unsealed-inserted": (
        None,
        [
            (
                f"INSERT INTO ledger (seq, {COLUMNS}) SELECT max(seq) + 1, max(epoch), 'forged', "
                "'award', 'default', 1, 'quiz', 5, 5, max(at), NULL, NULL, NULL, NULL FROM ledger"
            ),
            HEAD,
        ],
    ),
    "score": (None, ["UPDATE scores SET score = score + 1 WHERE user_id = 'u4'"]),
    "score-seq": (None, ["UPDATE scores SET seq = seq - 1 WHERE user_id = 'u4'"]),
    "freeze": (
        None,
        ["UPDATE boards SET frozen_seq = 5, frozen_at = 6, frozen_users = 7"],
    ),
    "signature": (None, ["UPDATE checkpoints SET note = replace(note, 'time 1', 'time 2')"]),
    "tiles": (None, ["DELETE FROM tiles"]),
    "tile": (None, ["DELETE FROM tiles WHERE level = 0 AND first = 256"]),
    "tile-above": (None, ["DELETE FROM tiles WHERE level = 1"]),
    "checkpoint": (None, ["UPDATE checkpoints SET note = 'nonsense' WHERE size < 300"]),
}


def portable(statements: Sequence[str], superuser: Superuser) -> list[str]:
    # The head of a PostgreSQL ledger is its last posting.
    return [each for each in statements if each != HEAD or superuser._server is None]
