"""Whether a signed action is to be believed: by a key of the catalogue, for this very award."""

from collections.abc import Callable

from scoreboard.core.signature import Signature
from scoreboard.core.signing_key import Fault, SigningAlgorithm, SigningKey
from scoreboard.errors import ActionRejected
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.telemetry import Telemetry

Verify = Callable[[SigningKey, bytes, bytes], bool]
"""Whether a key made a signature of a message: key, message, signature; in constant time."""

# The base point of the curve. What an unknown key is said to have signed is verified with it, so
# that the time of a refusal does not tell which keys there are. Anybody can sign for it.
_DECOY = SigningKey(
    key="nobody.0", algorithm=SigningAlgorithm.ED25519, material=b"\x58" + b"\x66" * 31
)


class Signatures:
    """Verifies signatures for one audience."""

    def __init__(
        self, catalogue: CurrentCatalogue, audience: str, verify: Verify, telemetry: Telemetry
    ) -> None:
        self._catalogue = catalogue
        self._audience = audience
        self._verify = verify
        self._telemetry = telemetry

    async def ensure(self, signature: Signature, user_id: str, action_id: str) -> None:
        """Refuse what no good key has signed for this award; how old it is does not matter here.

        Raises:
            ActionRejected: whatever is wrong.
        """
        key = await self._catalogue.key(signature.key)
        message = signature.message(self._audience, user_id, action_id)
        genuine = self._verify(key or _DECOY, message, signature.proof)
        fault = _fault(key, signature, action_id, genuine=genuine)
        if fault is not None:
            self.count(fault)
            raise ActionRejected

    def count(self, fault: Fault) -> None:
        """Tell the operator what the caller is not told."""
        self._telemetry.child("scoreboard_signature_failures_total", fault.value).inc()


def _fault(
    key: SigningKey | None, signature: Signature, action_id: str, *, genuine: bool
) -> Fault | None:
    if key is None:
        return Fault.UNKNOWN_KEY
    if not genuine:
        return Fault.MISMATCH
    return key.fault(action_id, signature.ts)
