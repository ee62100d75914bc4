"""What anybody may ask of the ledger's tree, and a user of an award."""

from scoreboard import errors, wire
from scoreboard.web.contract.operation import NAMED, TOKEN, Access, Operation, Tag
from scoreboard.web.queries import ConsistencyQuery

PROOFS = (
    Operation(
        method="GET",
        path="/v1/awards/{award_id}/proof",
        name="award_proof",
        tag=Tag.HISTORY,
        summary="That an award is under the newest signed checkpoint",
        description="Verify it with `examples/verify_award.py`. 404 until a checkpoint covers the "
        "award, ten seconds at most.",
        access=Access.OWNER,
        answer=wire.AwardProof,
        errors=(*NAMED, *TOKEN),
    ),
    Operation(
        method="GET",
        path="/v1/ledger/checkpoint",
        name="checkpoint",
        tag=Tag.HISTORY,
        summary="The newest signed checkpoint of the ledger: a C2SP note",
        answer="text/plain; charset=utf-8",
        errors=(errors.NotFound,),
    ),
    Operation(
        method="GET",
        path="/v1/ledger/consistency",
        name="consistency",
        tag=Tag.HISTORY,
        summary="That one tree of the ledger grew out of another",
        description="404 for a size that no checkpoint covers yet.",
        query=ConsistencyQuery,
        answer=wire.Consistency,
        errors=NAMED,
    ),
)
