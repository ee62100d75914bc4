"""It is promised that a player can verify an award, and anybody that the ledger only grew."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scoreboard.adapters.keys import is_signature
from scoreboard.client import (
    Client,
    ClientProblem,
    NotProven,
    verified_award,
    verified_checkpoint,
    verify_growth,
)
from scoreboard.core.checkpoint import checkpoint_in, is_signed, verifier_key
from scoreboard.core.proof import is_consistent
from scoreboard.web.documents.examples import EXAMPLES
from scoreboard.wire import AwardProof
from tests.service_process import Answer, Service

EXAMPLE = Path(__file__).parents[2] / "examples/verify_award.py"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Answer, str]]:
    """A service with some awards, all sealed; one of them, and the first checkpoint."""
    data = tmp_path_factory.mktemp("proof")
    service = Service(data, {})
    try:
        service.start()
        service.put("actions/quiz", {"points": 10})
        service.award("ada", "quiz")
        service.stop()
        service.start()
        first = checkpoint_of(service)
        for number in range(20):
            award = service.award(f"u{number}", "quiz")
        service.stop()
        service.start()
        yield service, award, first
    finally:
        service.end()


def checkpoint_of(service: Service) -> str:
    answer = service.get("/v1/ledger/checkpoint")
    assert answer.status == 200, answer
    return answer.body.decode()


def by(service: Service, user: str, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.token(user, *scopes)}"}


def verified(folder: Path, proof: object, key: str, *more: str) -> subprocess.CompletedProcess[str]:
    file = folder / "proof.json"
    file.write_text(json.dumps(proof), "utf-8")
    command = [sys.executable, "-I", str(EXAMPLE), str(file), key, *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def proof_of(service: Service, award: Answer, user: str) -> dict[str, Any]:
    path = f"{award.headers['location']}/proof"
    answer = service.get(path, **by(service, user))
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


def test_a_player_verifies_an_award_with_sixty_lines(
    sealed: tuple[Service, Answer, str], tmp_path: Path
) -> None:
    service, award, _ = sealed
    assert len(EXAMPLE.read_text("utf-8").splitlines()) <= 60
    proof = proof_of(service, award, "u19")
    told = verified(tmp_path, proof, proof["key"])
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"Posting {proof['seq']}: 10 points of u19, proven.\n"
    kept = tmp_path / "checkpoint"
    kept.write_text(checkpoint_of(service), "utf-8")
    assert verified(tmp_path, proof, proof["key"], str(kept)).returncode == 0


def test_a_client_proves_an_award_and_that_the_ledger_only_grew(
    sealed: tuple[Service, Answer, str],
) -> None:
    service, award, first = sealed
    award_id = award.headers["award-id"]
    with Client(service.url, service.token("u19")) as client:
        proof = client.award_proof(award_id)
        assert verified_award(proof, proof.key) == client.posting(award_id)
        old = verified_checkpoint(first, proof.key)
        new = verified_checkpoint(client.checkpoint(), proof.key)
        verify_growth(old, new, client.consistency(old.size))
        told = client.explain("u19")
        assert (told.score, [each.action_id for each in told.actions]) == (10, ["quiz"])
        with pytest.raises(ClientProblem) as caught:
            client.consistency(old.size, new.size + 1)
        assert caught.value.code == "not-found"
        with pytest.raises(NotProven):
            verify_growth(new, old, client.consistency(old.size))


def flipped(text: str, place: int) -> str:
    data = bytearray(base64.b64decode(text))
    data[place] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("part", ["leaf", "hash", "salt", "user", "award", "seq", "note", "key"])
def test_what_is_not_true_is_not_proven(
    sealed: tuple[Service, Answer, str], tmp_path: Path, part: str
) -> None:
    service, award, first = sealed
    proof = proof_of(service, award, "u19")
    key = proof["key"]
    changed: dict[str, dict[str, Any]] = {
        "leaf": {"leaf": flipped(proof["leaf"], 33)},
        "hash": {"hashes": [flipped(proof["hashes"][0], 0), *proof["hashes"][1:]]},
        "salt": {"salt": flipped(proof["salt"], 0)},
        "user": {"user_id": "u18"},
        "award": {"award_id": "019ab3a5-2f4e-7c31-9d55-3b8de2a1c904"},
        "seq": {"seq": proof["seq"] - 1},
        "note": {"checkpoint": proof["checkpoint"].replace("time 1", "time 2")},
        "key": {},
    }
    if part == "key":
        key = another_key()
    told = verified(tmp_path, {**proof, **changed[part]}, key)
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith("NOT PROVEN: ")
    assert told.stdout == ""
    assert first


def another_key() -> str:
    example = EXAMPLES[AwardProof]
    assert isinstance(example, AwardProof)
    return example.key


def test_the_example_in_the_documents_is_a_true_proof(tmp_path: Path) -> None:
    example = EXAMPLES[AwardProof]
    assert isinstance(example, AwardProof)
    proof = {name: getattr(example, name) for name in example.__struct_fields__}
    told = f"Posting 2: 5 points of {example.user_id}, proven.\n"
    assert verified(tmp_path, proof, example.key).stdout == told


VECTORS = json.loads((Path(__file__).parents[1] / "vectors/proof.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["refused"], ids=range(len(VECTORS["refused"])))
def test_what_the_clients_do_not_believe_sixty_lines_do_not_either(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    proof = {**VECTORS["proof"], **case["change"]}
    if "note" in case:
        proof["checkpoint"] = case["note"]
    told = verified(tmp_path, proof, case.get("key", VECTORS["key"]))
    assert (told.returncode, told.stdout) == (1, "")


@pytest.mark.parametrize("change", ["award_id", "seq", "epoch"])
def test_a_proof_is_of_one_award_in_one_place_of_one_log(tmp_path: Path, change: str) -> None:
    proof, key = VECTORS["awards"][0]["proof"], VECTORS["key"]
    if change == "award_id":
        proof = {**proof, "award_id": proof["award_id"][:9]}
    elif change == "seq":
        proof = {**proof, "seq": proof["seq"] + 1}
    else:  # the same key, called by the name that it has in another epoch
        origin, _, public = key.split("+", 2)
        other = verifier_key(f"{origin}0", base64.b64decode(public)[1:])
        text, signature = proof["checkpoint"].split("\n\n")
        named, hex_of = f"— {origin}0 ", bytes.fromhex(other.split("+")[1])
        signed = base64.b64decode(signature.split(" ")[2])[4:]
        relabelled = named + base64.b64encode(hex_of + signed).decode()
        proof, key = {**proof, "checkpoint": f"{text}\n\n{relabelled}\n"}, other
    told = verified(tmp_path, proof, key)
    assert (told.returncode, told.stdout) == (1, "")
    assert "NOT PROVEN" in told.stderr


def test_whose_award_it_is_is_told_as_unknown_without_a_name(tmp_path: Path) -> None:
    case = next(each for each in VECTORS["awards"] if "salt" in each["proof"])
    proof = {
        name: value for name, value in case["proof"].items() if name not in {"user_id", "salt"}
    }
    assert "of a user whom it does not name" in verified(tmp_path, proof, VECTORS["key"]).stdout


def test_anybody_can_tell_that_the_ledger_only_grew(sealed: tuple[Service, Answer, str]) -> None:
    service, award, first = sealed
    newest = service.get("/v1/ledger/checkpoint")
    assert newest.headers["content-type"] == "text/plain; charset=utf-8"
    key = base64.b64decode(proof_of(service, award, "u19")["key"].split("+", 2)[2])[1:]
    assert is_signed(first, key, is_signature)
    assert is_signed(newest.body.decode(), key, is_signature)
    old, new = checkpoint_in(first), checkpoint_in(newest.body.decode())
    assert new.size == service.get("/v1/ledger/head").json()["seq"]
    answer = service.get(f"/v1/ledger/consistency?from={old.size}&to={new.size}").json()
    assert (answer["from"], answer["to"]) == (old.size, new.size)
    path = [base64.b64decode(each) for each in answer["hashes"]]
    assert is_consistent((old.size, old.root), (new.size, new.root), path)
    assert service.get(f"/v1/ledger/consistency?from={old.size}").json() == answer
    assert (service.data / "checkpoint").read_text("utf-8") == newest.body.decode()
    assert (service.data / "checkpoint-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?to=2", 400),
        ("?from=2&to=1", 400),
        ("?from=-1", 400),
        ("?from=1&to=99999", 404),
        ("?from=99999", 404),
        ("?from=9223372036854775807", 404),
        ("?from=9223372036854775808", 400),
        ("?from=0&to=0", 200),
    ],
)
def test_trees_that_are_not_there_are_not_compared(
    sealed: tuple[Service, Answer, str], query: str, status: int
) -> None:
    assert sealed[0].get(f"/v1/ledger/consistency{query}").status == status


def test_others_learn_nothing_from_a_proof(sealed: tuple[Service, Answer, str]) -> None:
    service, award, _ = sealed
    path = f"{award.headers['location']}/proof"
    assert service.get(path).status == 401
    assert service.get(path, **by(service, "eve")).status == 404
    assert service.get(path, **by(service, "eve", "scores:read")).status == 200
    assert service.get("/v1/awards/a%00b/proof", **by(service, "eve")).status in (400, 404)


def test_what_no_checkpoint_covers_yet_has_no_proof(sealed: tuple[Service, Answer, str]) -> None:
    service, _, _ = sealed
    award = service.award("late", "quiz")
    path = f"{award.headers['location']}/proof"
    assert service.get(path, **by(service, "late")).status == 404
