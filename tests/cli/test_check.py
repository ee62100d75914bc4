"""It is promised that ``check`` tells how old and how far behind things are, and what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scoreboard.cli import database, own_files, running
from scoreboard.cli.database import State
from scoreboard.cli.remark import Remark, span
from scoreboard.core.board import Board, Freeze
from scoreboard.core.checkpoint import Checkpoint
from scoreboard.core.finding import Irregularity
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.ports import AuditEntry, Catalogue, Condition, Head, Queue
from scoreboard.settings import load
from tests.service_process import Service

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Sealed(SimpleNamespace):
    """Stands for a checkpoint over ``size`` postings."""

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(origin="s/1", size=self.size, root=b"", epoch=1, at=NOW_MS - 5_000)


def state(**more: Any) -> State:
    found: dict[str, Any] = {
        "head": Head(1, 100, NOW_MS - 3_600_000),
        "catalogue": Catalogue(1, {}, {}),
        "condition": Condition(8, NOW_MS),
        "ahead_ms": 0,
        "sealing": Sealed(size=100),
        "review": Queue({}, 0),
        "fed": 100,
        "entries": (),
    }
    return State(**(found | more))


def keyed(age_ms: int, not_after: int | None = None) -> State:
    key = SigningKey(
        key="shop.1", algorithm=SigningAlgorithm.ED25519, material=b"", not_after=not_after
    )
    entry = AuditEntry(1, NOW_MS - age_ms, "a", "key.put", "shop.1", "r", None, None)
    return state(catalogue=Catalogue(1, {}, {}, {"shop.1": key}), entries=[entry])


def frozen(age_ms: int) -> State:
    cup = Board(board="cup", frozen=Freeze(seq=7, at=NOW_MS - age_ms, users=2))
    return state(catalogue=Catalogue(1, {}, {"cup": cup, "live": Board(board="live")}))


def told(remark: Remark) -> tuple[str, str]:
    assert bool(remark.advice) == (remark.verdict != "good"), remark
    return remark.verdict, remark.says


FRESH = Head(1, 100, NOW_MS - 1_000)


@pytest.mark.parametrize(
    ("remark", "verdict", "says"),
    [
        (database._checkpoint(state()), "good", "100 postings, signed 5 s ago."),
        (database._checkpoint(state(sealing=Sealed(size=97))), "look", "3 are not sealed"),
        (database._checkpoint(state(sealing=Sealed(size=97), head=FRESH)), "good", "3 are not"),
        (database._checkpoint(state(sealing=None)), "look", "no checkpoint yet"),
        (database._feed(state()), "good", "every posting"),
        (database._feed(state(fed=60)), "look", "60 of 100 postings"),
        (database._feed(state(fed=60, head=FRESH)), "good", "60 of 100 postings"),
        (database._clock(state(ahead_ms=-400)), "good", "within 1 s"),
        (database._clock(state(ahead_ms=2_500)), "look", "2.5 s ahead of the database's"),
        (database._clock(state(ahead_ms=-31_000)), "bad", "31.0 s behind the database's"),
        (database._review(Queue({Irregularity.SPIKE: 0}, 0)), "good", "no remark"),
        (database._review(Queue({Irregularity.SPIKE: 2}, 1)), "look", "spike 2; users held: 1"),
        (database._review(Queue({}, 1)), "look", "open remarks: none; users held: 1"),
        (database._frozen(frozen(HOUR_MS))[0], "good", "cup was frozen 60 min ago"),
        (database._frozen(frozen(4 * DAY_MS))[0], "look", "cup was frozen 4 d ago"),
        (database._keys(keyed(3 * DAY_MS))[0], "good", "1 key may sign actions, the oldest 3 d"),
        (database._keys(keyed(400 * DAY_MS))[0], "look", "shop.1 is 400 d old"),
        (database._keys(keyed(0, NOW_MS + 5 * DAY_MS))[0], "look", "shop.1 ends in 5 d"),
        (database._keys(keyed(0, NOW_MS - 1))[0], "look", "shop.1 has ended"),
        (running._lag({}), "good", "0 postings behind"),
        (
            running._lag({"scoreboard_relay_lag_seconds": 4, "scoreboard_relay_backlog": 1}),
            "look",
            "4.0 s and 1 posting behind",
        ),
        (
            running._audit(60, {"process_start_time_seconds": 1}),
            "look",
            "none ended here yet",
        ),
        (running._audit(60, {}), "good", "none ended here yet"),
        (
            running._audit(60, {"scoreboard_audit_last_timestamp_seconds": 1.0}),
            "look",
            "the last one ended",
        ),
        (
            running._audit(
                60,
                {
                    "scoreboard_audit_differences": 1,
                    "scoreboard_audit_last_timestamp_seconds": 1,
                },
            ),
            "bad",
            "do not say",
        ),
        (
            running._audit(
                60,
                {
                    "scoreboard_audit_seal_faults": 2,
                    "scoreboard_audit_last_timestamp_seconds": 1,
                },
            ),
            "bad",
            "found 2 faults in what was signed",
        ),
    ],
)
def test_what_is_off_is_said_with_advice(remark: Remark, verdict: str, says: str) -> None:
    seen = told(remark)
    assert seen[0] == verdict
    assert says in seen[1]


@pytest.mark.parametrize(("free", "verdict"), [(50, "good"), (9, "look"), (1, "bad")])
def test_a_disk_is_called_full_before_it_is(
    free: int, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=100, free=free)
    monkeypatch.setattr(own_files.shutil, "disk_usage", lambda _: usage)
    settings: Any = SimpleNamespace(data=own_files.Path("/tmp/none/such"))  # noqa: S108
    assert told(own_files.disk(settings))[0] == verdict


@pytest.mark.parametrize(
    ("seconds", "says"), [(-3, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (2e5, "2 d")]
)
def test_a_span_has_one_unit(seconds: float, says: str) -> None:
    assert span(seconds) == says


def test_a_node_that_could_not_seal_the_ledger_if_it_led_is_told_so(
    service_factory: Callable[..., Service],
) -> None:
    service = service_factory()
    service.stop()  # which seals what there is

    def said() -> list[tuple[str, str]]:
        found = json.loads(service.command("check", "--json").stdout)
        return [
            (each["verdict"], each["says"])
            for each in found
            if "CHECKPOINT_KEY_FILE" in each["says"]
        ]

    assert said() == []
    own = service.data / "checkpoint-key"
    own.rename(service.data / "elsewhere")
    ((verdict, says),) = said()
    assert verdict == "look"
    assert "does not exist" in says
    assert not own.exists()
    key = Ed25519PrivateKey.generate()
    own.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    own.chmod(0o600)
    ((verdict, says),) = said()
    assert verdict == "look"
    assert "is not the key" in says


async def test_a_gateway_is_not_told_to_make_a_database(tmp_path: Path) -> None:
    shared = {
        f"SCOREBOARD_{name}": "redis://127.0.0.1:6379/0" for name in ("RANKING", "BUS", "LIMITER")
    }
    settings = load({}, {"SCOREBOARD_ROLE": "gateway", **shared}, tmp_path)
    ((remark,), state) = await database.database(settings)
    assert (remark.verdict, state) == ("good", None)
