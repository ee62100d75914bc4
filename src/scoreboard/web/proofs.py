"""Proofs: the newest checkpoint, what leads from one to another, and from an award to it."""

from base64 import b64encode

from scoreboard import wire
from scoreboard.core.identifier import is_award_id
from scoreboard.core.posting import Posting
from scoreboard.core.token import Scope
from scoreboard.errors import InvalidParameter, NotFound
from scoreboard.service.proofs import Proofs
from scoreboard.service.reader import Reader
from scoreboard.web.auth import Authenticator
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.queries import ConsistencyQuery, read_query

_FRESH = (b"cache-control", b"no-cache")
_PRIVATE = (b"cache-control", b"no-store")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


class ProofsHandler:
    """Checkpoints are for everybody, an award's proof for those whom it belongs to."""

    def __init__(self, proofs: Proofs, reader: Reader, auth: Authenticator) -> None:
        self._proofs = proofs
        self._reader = reader
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {
            "checkpoint": self.checkpoint,
            "consistency": self.consistency,
            "award_proof": self.award,
        }

    async def checkpoint(self, exchange: Exchange) -> Reply:
        if exchange.query:
            raise InvalidParameter
        newest = await self._proofs.newest()
        return Reply(200, [_TEXT, _FRESH], newest.note.encode())

    async def consistency(self, exchange: Exchange) -> Reply:
        query = read_query(exchange.query, ConsistencyQuery)
        if query.from_ is None:
            raise InvalidParameter
        to, hashes = await self._proofs.consistency(query.from_, query.to)
        return json_reply(wire.Consistency(query.from_, to, wire.base64s(hashes)), _FRESH)

    async def award(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller(exchange)
        award_id = exchange.parameters["award_id"]
        if exchange.query or not is_award_id(award_id):
            raise InvalidParameter
        posting = await self._reader.posting(award_id)
        # Others learn nothing, not even that there is such an award.
        if posting is None or not (
            posting.user_id == caller.subject or Scope.READ in caller.scopes
        ):
            raise NotFound
        return json_reply(await self._proof(posting), _PRIVATE)

    async def _proof(self, posting: Posting) -> wire.AwardProof:
        found = await self._proofs.inclusion(posting)
        return wire.AwardProof(
            award_id=posting.award_id,
            seq=found.seq,
            size=found.size,
            leaf=b64encode(found.leaf).decode(),
            hashes=wire.base64s(found.hashes),
            checkpoint=found.note,
            key=found.key,
            user_id=found.user_id,
            salt=None if found.salt is None else b64encode(found.salt).decode(),
        )
