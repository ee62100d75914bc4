"""Moments on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.moment import milliseconds, rfc3339


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_795_437_296_789, "2026-11-23T12:34:56.789Z"),
        (1_795_437_296_000, "2026-11-23T12:34:56.000Z"),
    ],
)
def test_moments_are_written_in_utc_with_three_decimals(at_ms: int, text: str) -> None:
    assert rfc3339(at_ms) == text


@given(st.integers(0, 4_102_444_800_000))
def test_a_moment_survives_being_written_and_read(at_ms: int) -> None:
    assert milliseconds(datetime.fromisoformat(rfc3339(at_ms))) == at_ms


def test_a_moment_is_the_same_in_every_zone() -> None:
    there = datetime(2026, 11, 23, 13, 34, 56, 789_999, timezone(timedelta(hours=1)))
    assert milliseconds(there) == milliseconds(there.astimezone(UTC)) == 1_795_437_296_789
