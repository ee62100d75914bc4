"""Who is shown and who is not: postings about users, as the ranking takes them."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from scoreboard.core.posting import Kind, Posting
from scoreboard.core.user import LEADS_TO, Status
from scoreboard.errors import OutOfPlace
from scoreboard.ports import Exit, Ledger, Return, Turn

STATUS_PAGE = 5_000


def runs(postings: Sequence[Posting]) -> Iterator[Sequence[Posting]]:
    """Postings in order, cut where those about users and the others meet."""
    for _, run in groupby(postings, _is_about_user):
        yield list(run)


def turns_in(run: Sequence[Posting]) -> tuple[Turn, ...]:
    """The turns of a run; of a user who was erased later, only the erasure is left to tell.

    Raises:
        OutOfPlace: nobody knows any more who was erased.
    """
    turns = []
    for posting in run:
        if not _is_about_user(posting):
            continue
        if posting.user_id is not None:
            turns.append(_turn(posting, posting.user_id))
        elif posting.kind is Kind.ERASE:
            raise OutOfPlace(posting.seq)
    return tuple(turns)


async def unseen_in(ledger: Ledger) -> frozenset[str]:
    """The users that are not shown, each as of this moment or a later one."""
    found: list[str] = []
    while True:
        page = await ledger.statuses(found[-1] if found else None, STATUS_PAGE)
        found += (user.user_id for user in page.users)
        if len(page.users) < STATUS_PAGE:
            return frozenset(found)


def _is_about_user(posting: Posting) -> bool:
    return posting.kind in LEADS_TO or posting.kind is Kind.ERASE


def _turn(posting: Posting, user_id: str) -> Turn:
    if LEADS_TO.get(posting.kind) is Status.ACTIVE:
        return Return(user_id, posting.seq, posting.at)
    return Exit(user_id, posting.seq, posting.at, forever=posting.kind is Kind.ERASE)
