"""``/v1/admin/keys``: the keys that signed actions are believed by."""

from collections.abc import Callable

import msgspec

from scoreboard import wire
from scoreboard.core.identifier import is_key_name
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.core.token import Scope
from scoreboard.errors import InvalidParameter, NotFound
from scoreboard.ports import Change, Ledger
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.web.auth import Authenticator
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.strict import strict_json

BODY_MAX_BYTES = 16_384

_PRIVATE = (b"cache-control", b"no-store")

Seal = Callable[[str, bytes], bytes]
"""A secret as it is stored: the key's name, the secret."""


class SigningKeysHandler:
    """Every call needs the scope ``scores:admin``."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: CurrentCatalogue,
        auth: Authenticator,
        seal: Seal,
        clock_ms: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._auth = auth
        self._seal = seal
        self._clock_ms = clock_ms

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {
            "signing_keys": self.keys,
            "add_signing_key": self.add,
            "revoke_signing_key": self.revoke,
        }

    async def keys(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        keys = tuple(map(wire.key, self._catalogue.keys.values()))
        return json_reply(wire.Keys(keys), _PRIVATE)

    async def add(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.KeyPost)
        material = body.material()
        if body.algorithm is SigningAlgorithm.HMAC_SHA256:
            material = self._seal(body.key, material)
        key = body.signing_key(material)
        await self._change(Change(key, caller.subject, body.reason))
        return json_reply(wire.key(key), _PRIVATE)

    async def revoke(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.Revocation)
        key = await self._named(exchange)
        ended = msgspec.structs.replace(key, revoked_at=self._clock_ms())
        await self._change(Change(ended, caller.subject, body.reason))
        return json_reply(wire.key(self._catalogue.keys[key.key]), _PRIVATE)

    async def _named(self, exchange: Exchange) -> SigningKey:
        name = exchange.parameters["key"]
        if not is_key_name(name):
            raise InvalidParameter
        key = await self._catalogue.key(name)
        if key is None:
            raise NotFound
        return key

    async def _change(self, change: Change) -> None:
        await self._ledger.change(change)
        await self._catalogue.load()
