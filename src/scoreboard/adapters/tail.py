"""The newest postings of this process, kept so that its followers need not read them."""

from collections import deque
from collections.abc import Sequence

from scoreboard.core.posting import Kind, Posting

TAIL_MAX = 16_384


class Tail:
    """A run of postings without gaps; ``limit`` is the most that are kept."""

    def __init__(self, limit: int = TAIL_MAX) -> None:
        self._postings: deque[Posting] = deque(maxlen=limit)

    def extend(self, postings: Sequence[Posting]) -> None:
        """Add what was committed here; what came before is dropped if others wrote in between.

        A group whose answer was lost may have postings of others in it: then none of it is kept.
        """
        if not postings:
            return
        if self._postings and self._postings[-1].seq + 1 != postings[0].seq:
            self._postings.clear()
        if postings[-1].seq - postings[0].seq == len(postings) - 1:
            self._postings.extend(postings)
        else:
            self._postings.clear()

    def forget(self) -> None:
        """Keep nothing: a name in it was erased, and followers read what the database says now."""
        self._postings.clear()

    def heard(self, postings: Sequence[Posting]) -> Sequence[Posting]:
        """Postings that the database told, as they are: another node may have erased somebody."""
        if any(posting.kind is Kind.ERASE for posting in postings):
            self.forget()
        return postings

    def after(self, seq: int, limit: int) -> Sequence[Posting] | None:
        """Postings after a place, or None when the next one is not kept."""
        kept = self._postings
        if not kept or not kept[0].seq <= seq + 1 <= kept[-1].seq:
            return None
        skipped = seq + 1 - kept[0].seq
        return [kept[index] for index in range(skipped, min(len(kept), skipped + limit))]
