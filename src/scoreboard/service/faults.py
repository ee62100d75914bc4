"""What is wrong with a ledger, posting by posting."""

from msgspec import Struct

FAULTS_MAX = 20
"""What else is wrong hardly matters then."""


class Fault(Struct, frozen=True):
    """What is wrong; ``seq`` is the first posting that it concerns, if it concerns any."""

    seq: int | None
    what: str


class Faults:
    """Collects what is wrong, each once; the first bad posting is known however many they are."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.first_bad_seq: int | None = None

    def blame(self, seq: int, what: str) -> None:
        """Say what is wrong with a posting, as the end of a sentence about it."""
        self.add(Fault(seq, f"Posting {seq:,} {what}."))

    def say(self, what: str) -> None:
        """Say what is wrong that concerns no posting."""
        self.add(Fault(None, what))

    def add(self, fault: Fault) -> None:
        if fault.seq is not None:
            self.first_bad_seq = min(fault.seq, self.first_bad_seq or fault.seq)
        if len(self.found) < FAULTS_MAX and fault not in self.found:
            self.found.append(fault)
