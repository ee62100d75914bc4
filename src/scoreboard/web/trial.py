"""``/v1/admin/actions/{id}/trial``: settings of an action, tried before they are set."""

from scoreboard import wire
from scoreboard.core.identifier import is_action_id
from scoreboard.core.token import Scope
from scoreboard.errors import InvalidParameter
from scoreboard.service.trial import Trial, Trials
from scoreboard.web.auth import Authenticator
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.strict import strict_json
from scoreboard.wire.fields import time_or_none

BODY_MAX_BYTES = 16_384

_PRIVATE = (b"cache-control", b"no-store")


class TrialHandler:
    """Needs the scope ``scores:admin``."""

    def __init__(self, trials: Trials, auth: Authenticator) -> None:
        self._trials = trials
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"try_action": self.action}

    async def action(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.ActionPut)
        action_id = exchange.parameters["id"]
        if not is_action_id(action_id):
            raise InvalidParameter
        trial = await self._trials.of_action(body.action(action_id))
        return json_reply(_told(action_id, trial), _PRIVATE)


def _told(action_id: str, trial: Trial) -> wire.ActionTrial:
    simulated = trial.simulated
    return wire.ActionTrial(
        action_id=action_id,
        postings=trial.postings,
        since=time_or_none(trial.since),
        awards=trial.awards,
        refused=tuple(
            wire.TrialRefusals(each.action_id, each.rule, each.awards) for each in simulated.refused
        ),
        points_before=simulated.points_before,
        points_after=simulated.points_after,
    )
