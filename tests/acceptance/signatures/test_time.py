"""A signature is good for a while, a key for its time, a replay for ever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from scoreboard.client.signing import Signer, new_private, public_of
from scoreboard.core.signature import base64url
from scoreboard.core.signing_key import SigningAlgorithm
from tests.cluster import Cluster
from tests.service_process import Service, eventually

from .conftest import AUDIENCE, ENV, award, code, prepare, seconds_ago, signer, utc

REPLAYS = 50


def test_a_signature_is_good_from_300_s_ago_to_30_s_ahead(signed_service: Service) -> None:
    for age_s, expected in ((-40, 403), (-20, 200), (0, 200), (290, 200), (310, 403)):
        made = signer(signed_service).sign("alice", "boss", ts=seconds_ago(age_s))
        answer = award(signed_service, made)
        assert answer.status == expected, age_s
        if expected == 403:
            assert code(answer) == (403, "signature-expired")


def test_a_replay_after_it_expired_gets_the_stored_answer(signed_service: Service) -> None:
    # Nobody waits here for five minutes: the same award, signed as it would have been long ago.
    nonce = "replayed-after-0001"
    first = award(signed_service, signer(signed_service).sign("alice", "boss", nonce=nonce))
    old = signer(signed_service).sign("alice", "boss", nonce=nonce, ts=seconds_ago(10_000))
    again = award(signed_service, old)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    forged_old = old[:-6] + ("AAAAAA" if not old.endswith("AAAAAA") else "BBBBBA")
    assert award(signed_service, forged_old).status in (400, 403)
    fresh = signer(signed_service).sign("alice", "boss", ts=seconds_ago(10_000))
    assert code(award(signed_service, fresh)) == (403, "signature-expired")


def test_a_key_signs_in_its_time_only(signed_service: Service) -> None:
    key = "late.k1"
    private = new_private(SigningAlgorithm.ED25519)
    made, own = Signer(key, private, audience=AUDIENCE), base64url(public_of(private))
    body = {"key": key, "public": own, "reason": "a season", "not_after": utc(seconds_ago(5))}
    assert signed_service.as_admin("POST", "keys", body).status == 200
    assert code(award(signed_service, made.sign("alice", "boss"))) == (403, "action-rejected")
    in_time = made.sign("alice", "boss", ts=seconds_ago(30))
    assert award(signed_service, in_time).status == 200


def replayed_at_once(nodes: list[Service], signature: str) -> None:
    token = nodes[0].token("alice")

    def replay(number: int) -> tuple[int, bytes, str]:
        answer = award(nodes[number % len(nodes)], signature, token=token)
        return answer.status, answer.body, answer.headers.get("award-id", "")

    with ThreadPoolExecutor(REPLAYS) as pool:
        answers = set(pool.map(replay, range(4 * REPLAYS)))
    assert len(answers) == 1
    ((status, body, _),) = answers
    assert (status, body) == (200, b'{"success":true,"new_score":500}')


def revoked_on_the_other_node(one: Service, two: Service) -> None:
    """The first award after a revocation anywhere is refused; replays are within seconds."""
    made = signer(one)
    signature = made.sign("alice", "boss")
    assert award(two, signature).status == 200
    answer = one.as_admin("POST", "keys/game.k1/revoke", {"reason": "it leaked"})
    assert answer.status == 200
    assert code(award(two, made.sign("alice", "boss"))) == (403, "action-rejected")
    assert code(award(one, made.sign("alice", "boss"))) == (403, "action-rejected")
    eventually(lambda: award(two, signature).status == 403)
    assert award(two, signer(one, "game.k2").sign("alice", "boss")).status == 200
    again = one.as_admin("POST", "keys/game.k1/revoke", {"reason": "again"})
    assert again.json() == answer.json()


def test_two_nodes_on_one_file_count_a_replay_once_and_see_a_revocation(
    service_factory: Callable[..., Service],
) -> None:
    one = service_factory(ENV)
    prepare(one)
    two = service_factory(
        {
            **ENV,
            "SCOREBOARD_LEDGER": f"sqlite:{one.data / 'scoreboard.db'}",
            "SCOREBOARD_SECRET_FILE": str(one.data / "secret"),
        }
    )
    replayed_at_once([one, two], signer(one).sign("alice", "boss"))
    revoked_on_the_other_node(one, two)


def test_two_nodes_on_postgres_count_a_replay_once_and_see_a_revocation(
    cluster_factory: Callable[..., Cluster],
) -> None:
    one, two = cluster_factory("redis").started(2, ENV)
    prepare(one)
    replayed_at_once([one, two], signer(one).sign("alice", "boss"))
    revoked_on_the_other_node(one, two)
