"""Statuses, and what is left of a user who was erased."""

import hashlib

import pytest

from scoreboard.core.posting import Kind
from scoreboard.core.user import LEADS_TO, Status, commitment, moderated


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (Kind.HOLD, Status.HELD),
        (Kind.HIDE, Status.HIDDEN),
        (Kind.BAN, Status.BANNED),
        (Kind.RELEASE, Status.ACTIVE),
    ],
)
def test_a_moderation_leads_to_its_status_from_every_other(
    status: Status, kind: Kind, after: Status
) -> None:
    assert moderated(status, kind) == (None if status is after else after)


def test_every_status_can_be_reached_and_left() -> None:
    assert set(LEADS_TO.values()) == set(Status)


def test_a_commitment_is_the_sha256_of_salt_and_name() -> None:
    expected = hashlib.sha256(b"0123456789abcdefada").hexdigest()
    assert commitment(b"0123456789abcdef", "ada").hex() == expected
    assert commitment(b"0123456789abcdef", "ada") != commitment(b"0123456789abcdeg", "ada")
