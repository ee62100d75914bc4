"""A service with keys of two issuers, and awards signed with them."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from scoreboard.client.signing import HEADER, Signer, new_private, public_of
from scoreboard.core.signature import base64url
from scoreboard.core.signing_key import SigningAlgorithm
from tests.service_process import Answer, Service

AUDIENCE = "https://scores.example"
ENV = {"SCOREBOARD_AUDIENCE": AUDIENCE}


@pytest.fixture
def signed_service(service_factory: Callable[..., Service]) -> Service:
    service = service_factory(ENV)
    prepare(service)
    return service


def prepare(service: Service) -> None:
    """Two keys of one issuer, one of another, one for quizzes alone; an action that wants one."""
    service.put("actions/boss", {"points": 500, "requires_signature": True})
    for name, algorithm, actions in (
        ("game.k1", "ed25519", []),
        ("game.k2", "ed25519", []),
        ("other.k1", "hmac-sha256", []),
        ("quiz.k1", "ed25519", ["quiz"]),
    ):
        add_key(service, name, algorithm, actions)


def add_key(service: Service, name: str, algorithm: str, actions: list[str]) -> None:
    """What ``scoreboard key new`` does, without a process of its own."""
    private = new_private(SigningAlgorithm(algorithm))
    place = "public" if algorithm == "ed25519" else "secret"
    body = {
        "key": name,
        "algorithm": algorithm,
        place: base64url(public_of(private)),
        "actions": actions,
        "reason": "for a test",
    }
    assert service.as_admin("POST", "keys", body).status == 200
    file = service.data / "keys" / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(private)


def signer(service: Service, key: str = "game.k1", *, audience: str = AUDIENCE) -> Signer:
    return Signer.from_file(key, service.data / "keys" / key, audience=audience)


def award(
    service: Service,
    signature: str,
    user: str = "alice",
    action: str = "boss",
    **options: Any,
) -> Answer:
    return service.award(user, action, headers={HEADER: signature}, **options)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def seconds_ago(age_s: int) -> int:
    return int(time.time()) - age_s


def head(service: Service) -> Any:
    return service.get("/v1/ledger/head").json()


def utc(at_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
