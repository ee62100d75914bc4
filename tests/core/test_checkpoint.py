"""It is promised that a checkpoint is a C2SP note that others can read, and nothing else is."""

import base64
from functools import partial

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.checkpoint import (
    NOTE_MAX_BYTES,
    Checkpoint,
    checkpoint_in,
    is_signed,
    key_hash,
    note,
    origin_of,
    verifier_key,
)

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
POINT = Checkpoint(
    origin=origin_of("scoreboard", 1_795_435_200_000),
    size=1_000,
    root=bytes(range(32)),
    epoch=1_795_435_200_000,
    at=1_795_435_210_000,
)
NOTE = note(POINT, PUBLIC, PRIVATE.sign(POINT.text().encode()))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


signed = partial(is_signed, verify=verify)


def test_the_note_is_this_text() -> None:
    assert NOTE == (
        "scoreboard/1795435200000\n1000\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
        "epoch 1795435200000\ntime 1795435210000\n\n"
        "— scoreboard/1795435200000 "
        "3TVjt4uSLLmYe4FlxNHLoptGZNnTqnB19afnDZNpUCmc2/KnY84jMavGjyEy4liGMaenS2832wpxh/0NQHwxmzDo1Qk=\n"
    )


def test_the_key_is_named_as_notes_name_keys() -> None:
    name, named, key = verifier_key(POINT.origin, PUBLIC).split("+", 2)
    assert name == POINT.origin
    assert bytes.fromhex(named) == key_hash(POINT.origin, PUBLIC)
    assert base64.b64decode(key) == b"\x01" + PUBLIC


def test_a_checkpoint_comes_back_out_of_its_note() -> None:
    assert checkpoint_in(NOTE) == POINT
    assert signed(NOTE, PUBLIC)


def test_a_witness_may_sign_below() -> None:
    cosigned = NOTE + "— witness.example/w1 " + base64.b64encode(bytes(76)).decode() + "\n"
    assert checkpoint_in(cosigned) == POINT
    assert signed(cosigned, PUBLIC)


def test_another_key_did_not_sign_it() -> None:
    assert not signed(NOTE, OTHER)
    assert not signed(POINT.text() + "\n", PUBLIC)
    forged = note(POINT, PUBLIC, bytes(64))
    assert not signed(forged, PUBLIC)
    short = note(POINT, PUBLIC, bytes(63))
    assert not signed(short, PUBLIC)


@given(st.integers(0, len(POINT.text()) - 1), st.characters(codec="ascii"))
def test_no_letter_of_it_can_be_changed(place: int, letter: str) -> None:
    changed = NOTE[:place] + letter + NOTE[place + 1 :]
    if changed != NOTE:
        try:
            accepted = signed(changed, PUBLIC)
        except ValueError:
            accepted = False
        assert not accepted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n" * 10,
        NOTE.replace("\n1000\n", "\n01000\n"),
        NOTE.replace("\n1000\n", "\n-1\n"),
        NOTE.replace("AAECAw", "AAEC"),
        NOTE.replace("AAECAw", "!AECAw"),
        NOTE.replace("epoch ", ""),
        NOTE.replace("time ", ""),
        NOTE.replace("time", "epoch"),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\n\n", "\nmore\n\n"),
        NOTE + "x" * NOTE_MAX_BYTES,
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="this is no"):
        checkpoint_in(text)


def test_a_signature_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match="this is no"):
        signed(f"{POINT.text()}\n— {POINT.origin} !!!!\n", PUBLIC)
