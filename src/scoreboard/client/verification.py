"""Proofs of a service, verified by whoever knows its key: nothing here asks the service."""

from base64 import b64decode
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from scoreboard import wire
from scoreboard.core.checkpoint import (
    Checkpoint,
    checkpoint_in,
    is_signed,
    verifier_key,
)
from scoreboard.core.ed25519 import KEY_BYTES
from scoreboard.core.history import Line
from scoreboard.core.leaf import line_in
from scoreboard.core.merkle import leaf_hash
from scoreboard.core.moment import rfc3339
from scoreboard.core.proof import is_consistent, is_included
from scoreboard.core.user import commitment
from scoreboard.errors import ScoreboardError

_KEY_PARTS = 3  # origin+hash+key


class NotProven(ScoreboardError):
    """What the service says does not follow from what was signed: keep both, ask its operator."""

    code = "not-proven"


class _Proof(Struct, frozen=True):
    """An award's proof, decoded."""

    leaf: bytes
    hashes: Sequence[bytes]
    salt: bytes


def verified_checkpoint(note: str, key: str) -> Checkpoint:
    """What a note says: how many postings, under which root, signed when.

    ``key`` is the operator's as verifiers of notes take it, ``origin+hash+key``: from where you
    trust it, not from the answer that is to be verified.

    Raises:
        NotProven: it is no checkpoint, or not signed with this key.
        ValueError: ``key`` is not one.
    """
    origin, public = _key(key)
    try:
        found = checkpoint_in(note)
        signed = found.origin == origin and is_signed(note, public, _is_signature)
    except ValueError as error:
        raise NotProven(str(error)) from None
    _ensure(signed, "the checkpoint is not signed with this key")
    return found


def verified_award(proof: wire.AwardProof, key: str, note: str | None = None) -> wire.Posting:
    """The posting that a proof proves, as the ledger recorded it.

    ``note`` is a checkpoint of the same size that came another way, in place of the proof's own.
    ``user_id`` is None when the proof names nobody, because the user was erased.

    Raises:
        NotProven: the checkpoint is not signed with this key, or the award is not under it, or is
            another one or somebody else's.
        ValueError: ``key`` is not one.
    """
    checkpoint = verified_checkpoint(proof.checkpoint if note is None else note, key)
    given = _decoded(proof)
    try:
        line, user = line_in(given.leaf)
        posting = _posting(line, proof.user_id)
    except (ValueError, OverflowError):  # also of a moment that no calendar has
        raise NotProven("the leaf is not the bytes of a posting") from None
    _ensure((line.seq, line.award_id) == (proof.seq, proof.award_id), "it is another award")
    below = leaf_hash(given.leaf), line.seq - 1, checkpoint.size
    _ensure(
        is_included(*below, given.hashes, checkpoint.root), "the award is not under the checkpoint"
    )
    if proof.user_id is not None:
        _ensure(commitment(given.salt, proof.user_id) == user, "the award is somebody else's")
    return posting


def verify_growth(old: Checkpoint, new: Checkpoint, proof: wire.Consistency) -> None:
    """The ledger of one verified checkpoint begins with that of another: nothing was changed.

    Raises:
        NotProven: it does not, or this is the proof of other sizes.
    """
    _ensure((proof.from_, proof.to) == (old.size, new.size), "the proof is of other sizes")
    path = _hashes(proof.hashes)
    grew = is_consistent((old.size, old.root), (new.size, new.root), path)
    _ensure(grew, "the newer ledger does not begin with the older one")


def _key(key: str) -> tuple[str, bytes]:
    parts = key.strip().split("+", _KEY_PARTS - 1)
    try:
        origin, public = parts[0], b64decode(parts[-1], validate=True)[1:]
    except ValueError:
        origin, public = "", b""
    if len(public) != KEY_BYTES or verifier_key(origin, public) != key.strip():
        raise ValueError(f"{key!r} is not the key of checkpoints: origin+hash+key")
    return origin, public


def _decoded(proof: wire.AwardProof) -> _Proof:
    leaf, salt = _hashes((proof.leaf, proof.salt or ""))
    return _Proof(leaf, _hashes(proof.hashes), salt)


def _hashes(texts: Sequence[str]) -> list[bytes]:
    try:
        return [b64decode(each, validate=True) for each in texts]
    except ValueError:
        raise NotProven("a value in the proof is not Base64") from None


def _ensure(holds: object, otherwise: str) -> None:
    if not holds:
        raise NotProven(otherwise)


def _is_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _posting(line: Line, user_id: str | None) -> wire.Posting:
    return wire.Posting(
        award_id=line.award_id,
        seq=line.seq,
        epoch=line.epoch,
        kind=line.kind.value,
        board=line.board,
        at=rfc3339(line.at),
        user_id=user_id,
        action_id=line.action_id,
        points=line.points,
        score_after=line.score_after,
        caller=line.caller,
        key=line.key,
        reverses=line.reverses,
    )
