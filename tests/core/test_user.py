"""Statuses, and what is left of a user who was erased."""

import hashlib

import pytest

from scoreboard.core.posting import Kind
from scoreboard.core.user import (
    LEADS_TO,
    Status,
    commitment,
    moderated,
    record_subject,
    status_posting_id,
)


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
    assert moderated(status, kind, status) == moderated(status, kind)
    for other in set(Status) - {status}:
        assert moderated(status, kind, other) is None


def test_every_status_can_be_reached_and_left() -> None:
    assert set(LEADS_TO.values()) == set(Status)


def test_a_commitment_is_the_sha256_of_salt_and_name() -> None:
    expected = hashlib.sha256(b"0123456789abcdefada").hexdigest()
    assert commitment(b"0123456789abcdef", "ada").hex() == expected
    assert commitment(b"0123456789abcdef", "ada") != commitment(b"0123456789abcdeg", "ada")


def test_the_record_names_users_by_reference() -> None:
    assert record_subject(7) == "user:7"


def test_postings_about_a_status_have_ids_of_their_own() -> None:
    ids = {status_posting_id(kind, seq) for kind in LEADS_TO for seq in (1, 2)}
    assert len(ids) == 2 * len(LEADS_TO)
