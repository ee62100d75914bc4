"""Moments are integers, milliseconds since 1970 in UTC; on the wire they are RFC 3339."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER_MS = 2**53 - 1


def rfc3339(at_ms: int) -> str:
    """``2026-11-23T12:34:56.789Z``: always UTC, always three decimals."""
    whole_s, rest_ms = divmod(at_ms, 1000)
    return f"{(EPOCH + timedelta(seconds=whole_s)).strftime('%Y-%m-%dT%H:%M:%S')}.{rest_ms:03d}Z"


def milliseconds(moment: datetime) -> int:
    """The moment of an aware datetime, rounded down to a millisecond."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
