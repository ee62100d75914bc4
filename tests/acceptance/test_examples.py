"""The examples of signing make the known answers, and the real service believes them."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from scoreboard.client.signing import HEADER, Signer
from tests.conftest import Require
from tests.service_process import Service

EXAMPLES = Path(__file__).parents[2] / "examples"
VECTORS = Path(__file__).parents[1] / "vectors" / "action_signature.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["cases"]
MATERIAL = bytes(range(32))
AUDIENCE = "https://scores.example"


def private_half(algorithm: str) -> str:
    if algorithm == "hmac-sha256":
        return base64.urlsafe_b64encode(MATERIAL).rstrip(b"=").decode()
    key = Ed25519PrivateKey.from_private_bytes(MATERIAL)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def run(*command: str, **env: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **env},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def program(language: str, require: Require) -> list[str]:
    """What runs the example of a language."""
    if language == "node":
        require("node", shutil.which("node"), "install Node.js 20 or later")
        return ["node", str(EXAMPLES / "sign.mjs")]
    require("openssl", shutil.which("openssl"), "install openssl 3")
    return ["sh", str(EXAMPLES / "sign.sh")]


# The shell has no HMAC: a secret on a command line can be read by others.
SPOKEN = [("node", "ed25519"), ("node", "hmac-sha256"), ("shell", "ed25519")]


@pytest.mark.parametrize(("language", "algorithm"), SPOKEN)
@pytest.mark.parametrize("number", range(2))
def test_the_examples_make_the_known_answers(
    require: Require, language: str, algorithm: str, number: int, tmp_path: Path
) -> None:
    example = program(language, require)
    case = [case for case in CASES if case["algorithm"] == algorithm][number]
    file = tmp_path / "private"
    file.write_text(private_half(case["algorithm"]))
    arguments = (case["key"], str(file), case["audience"], case["user_id"], case["action_id"])
    made = run(*example, *arguments, TS=str(case["ts"]), NONCE=case["nonce"])
    assert made == case["header"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['algorithm']}-{case['nonce'][:4]}")
def test_the_client_makes_the_known_answers(case: dict[str, Any]) -> None:
    half = private_half(case["algorithm"])
    made = Signer(case["key"], half, audience=case["audience"]).sign(
        case["user_id"], case["action_id"], nonce=case["nonce"], ts=case["ts"]
    )
    assert made == case["header"]


@pytest.mark.parametrize(("language", "algorithm"), SPOKEN)
def test_what_the_examples_sign_is_believed(
    service_factory: Callable[..., Service], require: Require, language: str, algorithm: str
) -> None:
    example = program(language, require)
    service = signing_service(service_factory, algorithm)
    file = str(service.data / "keys" / "game.k1")
    made = [run(*example, "game.k1", file, AUDIENCE, "alice", "boss") for _ in range(2)]
    answers = [service.award("alice", "boss", headers={HEADER: each}) for each in (*made, made[0])]
    assert [answer.json()["new_score"] for answer in answers] == [500, 1000, 500]


def test_the_client_in_python_is_believed(service_factory: Callable[..., Service]) -> None:
    service = signing_service(service_factory, "ed25519")
    file = str(service.data / "keys" / "game.k1")
    command = (sys.executable, str(EXAMPLES / "sign.py"), service.url, service.token("alice"))
    assert run(*command, "game.k1", file, AUDIENCE, "alice", "boss") == "500"
    assert run(*command, "game.k1", file, AUDIENCE, "alice", "boss") == "1000"


def signing_service(service_factory: Callable[..., Service], algorithm: str) -> Service:
    service = service_factory({"SCOREBOARD_AUDIENCE": AUDIENCE})
    service.put("actions/boss", {"points": 500, "requires_signature": True})
    service.command("key", "new", "game.k1", "--algorithm", algorithm)
    return service
