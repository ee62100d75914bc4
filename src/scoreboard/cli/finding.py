"""What ``check`` says of one thing it looked at."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """``verdict`` is good, look (works, but read this) or bad."""

    subject: str
    verdict: str
    says: str
