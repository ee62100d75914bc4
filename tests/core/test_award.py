"""Award ids: known answers, and the form that RFC 9562 gives them."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.award import derived_id, idempotent_award_id, new_award_id, opening_id
from scoreboard.core.identifier import is_award_id


def test_the_award_id_of_an_idempotency_key_is_known() -> None:
    made = idempotent_award_id("https://id.example", "u_42", "order-0000000000000001")
    assert made == "ff6620c9-78a2-8d50-8aa9-91d1533c0260"


def test_the_award_id_of_a_nonce_is_known() -> None:
    nonce = "7f3c2a10-9a51-4d8e-8a0e-2f1f6a0f5b11"
    assert derived_id("award", "sig:game-eu", nonce) == "023b627c-20f0-890b-b486-d6d74bc06664"
    nonce = "AAAAAAAAAAAAAAAAAAAAAA"
    assert derived_id("award", "sig:game-eu", nonce) == "fe65e54d-1133-871f-ad6c-32636a7ba9ef"


def test_the_same_key_of_another_caller_is_another_award() -> None:
    key = "order-0000000000000001"
    ids = {
        idempotent_award_id(issuer, subject, key)
        for issuer in ("", "https://id.example")
        for subject in ("u_42", "u_43")
    }
    assert len(ids) == 4


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_new_award_id_is_a_uuid_of_version_7_that_begins_with_its_time(
    at_ms: int, random: bytes
) -> None:
    made = new_award_id(at_ms, random)
    read = uuid.UUID(made)
    assert str(read) == made
    assert is_award_id(made)
    assert (read.version, read.variant) == (7, uuid.RFC_4122)
    assert read.int >> 80 == at_ms


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_new_award_ids_keep_74_random_bits(one: bytes, other: bytes) -> None:
    def kept(random: bytes) -> int:
        return int.from_bytes(random, "big") & 0x0FFF_3FFF_FFFF_FFFF_FFFF

    same = new_award_id(0, one) == new_award_id(0, other)
    assert same == (kept(one) == kept(other))


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_derived_id_is_a_uuid_of_version_8(scope: str, name: str) -> None:
    made = derived_id("award", scope, name)
    assert is_award_id(made)
    assert (uuid.UUID(made).version, uuid.UUID(made).variant) == (8, uuid.RFC_4122)
    assert made == derived_id("award", scope, name)
    assert made != derived_id("other", scope, name)


def test_a_period_is_opened_by_one_posting_for_ever() -> None:
    assert opening_id("a", "2026-11-23") == opening_id("a", "2026-11-23")
    others = {opening_id("a", "2026-11-23"), opening_id("b", "2026-11-23"), opening_id("a", "all")}
    assert len(others) == 3
