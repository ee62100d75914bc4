"""It is promised that a client proves an award and a ledger's growth, or says why not."""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scoreboard import wire
from scoreboard.client import NotProven, verified_award, verified_checkpoint, verify_growth
from scoreboard.core.checkpoint import Checkpoint
from scoreboard.core.leaf import leaf, line_in

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/proof.json").read_text("utf-8"))
LEAVES = json.loads((Path(__file__).parents[1] / "vectors/ledger_leaf.json").read_text("utf-8"))
KEY: str = VECTORS["key"]


def proof_in(case: dict[str, Any]) -> wire.AwardProof:
    return msgspec.convert(case["proof"], wire.AwardProof)


def point(of: dict[str, Any]) -> Checkpoint:
    """A checkpoint that somebody has verified."""
    return Checkpoint(origin="", size=of["size"], root=b64decode(of["root"]), epoch=0, at=0)


def test_a_checkpoint_says_what_was_signed() -> None:
    found = verified_checkpoint(VECTORS["checkpoint"]["note"], f"{KEY}\n")
    says = VECTORS["checkpoint"]["says"]
    assert found == Checkpoint(**{**says, "root": b64decode(says["root"])})


@pytest.mark.parametrize("case", VECTORS["awards"], ids=range(len(VECTORS["awards"])))
def test_an_award_is_proven(case: dict[str, Any]) -> None:
    posting = verified_award(proof_in(case), KEY)
    assert msgspec.to_builtins(posting) == case["posting"]
    recorded = LEAVES["leaves"][posting.seq - 1]
    assert posting.points == recorded["posting"]["points"]
    assert posting.user_id == recorded["user_id"]


@pytest.mark.parametrize("case", VECTORS["refused"], ids=range(len(VECTORS["refused"])))
def test_what_is_not_true_is_not_proven(case: dict[str, Any]) -> None:
    changed = msgspec.convert({**VECTORS["proof"], **case["change"]}, wire.AwardProof)
    with pytest.raises(NotProven) as caught:
        verified_award(changed, case.get("key", KEY), case.get("note"))
    assert str(caught.value) == case["says"]


def test_a_leaf_of_a_time_that_no_calendar_has_is_not_proven() -> None:
    proof = proof_in(VECTORS["awards"][0])
    line, user = line_in(b64decode(proof.leaf))
    changed = leaf(msgspec.structs.replace(line, at=2**62), user)
    with pytest.raises(NotProven, match="not the bytes of a posting"):
        verified_award(msgspec.structs.replace(proof, leaf=b64encode(changed).decode()), KEY)


def test_a_checkpoint_that_came_another_way_takes_the_place_of_the_proofs_own() -> None:
    proof = msgspec.structs.replace(proof_in(VECTORS["awards"][-1]), checkpoint="<html>")
    assert verified_award(proof, KEY, VECTORS["checkpoint"]["note"]).seq == proof.seq


def test_the_proof_of_an_erased_user_names_nobody() -> None:
    case = next(each for each in VECTORS["awards"] if "salt" in each["proof"])
    proof = msgspec.structs.replace(proof_in(case), user_id=None, salt=None)
    assert verified_award(proof, KEY).user_id is None


@pytest.mark.parametrize("case", VECTORS["grew"], ids=range(len(VECTORS["grew"])))
def test_a_ledger_that_has_grown_is_believed(case: dict[str, Any]) -> None:
    verify_growth(
        point(case["old"]), point(case["new"]), msgspec.convert(case["proof"], wire.Consistency)
    )


@pytest.mark.parametrize("case", VECTORS["shrunk"], ids=range(len(VECTORS["shrunk"])))
def test_and_no_other(case: dict[str, Any]) -> None:
    proof = msgspec.convert(case["proof"], wire.Consistency)
    with pytest.raises(NotProven) as caught:
        verify_growth(point(case["old"]), point(case["new"]), proof)
    assert str(caught.value) == case["says"]


@pytest.mark.parametrize(
    "key", ["", "a+b", KEY[:-4], KEY.replace("+dd", "+ee"), "o+00+!", KEY + "+", "s+a+b+c"]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is not the key of checkpoints"):
        verified_checkpoint(VECTORS["checkpoint"]["note"], key)
