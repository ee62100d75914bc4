"""Rows of the database as values of the core, and back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from scoreboard.core.action import Action
from scoreboard.core.board import Board, Freeze, Tie
from scoreboard.core.finding import DismissalRecord, Finding, Irregularity, Noted
from scoreboard.core.incident import Incident, IncidentDismissal
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.rule import Caps, Hit, Rule
from scoreboard.core.score import Score
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.core.user import Status, User, record_subject
from scoreboard.core.window import Window
from scoreboard.ports import AuditEntry, Decided, Dismissal

_ACTIONS = msgspec.json.Decoder(tuple[str, ...])
_NUMBERS = msgspec.json.Decoder(dict[str, int | float])
_WINDOWS = msgspec.json.Decoder(tuple[Window, ...])


def to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def posting(row: Mapping[str, Any]) -> Posting:
    return Posting(
        seq=row["seq"],
        epoch=row["epoch"],
        award_id=row["award_id"],
        kind=Kind(row["kind"]),
        board=row["board"],
        at=row["at"],
        counts_at=row.get("reversed_at") or row["at"],
        user_ref=row["user_ref"],
        user_id=row["user_id"],
        action_id=row["action_id"],
        points=row["points"],
        score_after=row["score_after"],
        caller=row["caller"],
        key=row["key"],
        reverses=row["reverses"],
        detail=row["detail"],
    )


def score(row: Sequence[Any]) -> Score:
    return Score(*row)


def decided(row: Sequence[Any]) -> Decided:
    user_ref, user_id, status, kind, decisions, recorded = row
    return Decided(
        user_ref, user_id, Status(status), None if kind is None else Kind(kind), decisions, recorded
    )


def action(row: Sequence[Any]) -> Action:
    action_id, points, board, cooldown_s, minute, hour, day, requires_signature, *span, shadow = row
    return Action(
        action_id=action_id,
        points=points,
        board=board,
        cooldown_s=cooldown_s,
        caps=Caps(minute=minute, hour=hour, day=day),
        requires_signature=bool(requires_signature),
        active_from=span[0],
        active_until=span[1],
        shadow=bool(shadow),
    )


def action_row(action: Action) -> dict[str, Any]:
    return {
        "action_id": action.action_id,
        "points": action.points,
        "board": action.board,
        "cooldown_s": action.cooldown_s,
        "cap_minute": action.caps.minute,
        "cap_hour": action.caps.hour,
        "cap_day": action.caps.day,
        "requires_signature": action.requires_signature,
        "active_from": action.active_from,
        "active_until": action.active_until,
        "shadow": action.shadow,
    }


def board(row: Sequence[Any]) -> Board:
    name, title, tie, windows, time_zone, points_per_hour, shadow, seq, at, users = row
    return Board(
        board=name,
        title=title,
        tie=Tie(tie),
        windows=_WINDOWS.decode(windows),
        time_zone=time_zone,
        points_per_hour=points_per_hour,
        shadow=bool(shadow),
        frozen=None if seq is None else Freeze(seq=seq, at=at, users=users),
    )


def board_row(board: Board) -> dict[str, Any]:
    frozen = board.frozen
    return {
        "board": board.board,
        "title": board.title,
        "tie": board.tie.value,
        "windows": msgspec.json.encode(board.windows).decode(),
        "time_zone": board.time_zone,
        "points_per_hour": board.points_per_hour,
        "shadow": board.shadow,
        "frozen_seq": frozen and frozen.seq,
        "frozen_at": frozen and frozen.at,
        "frozen_users": frozen and frozen.users,
    }


def signing_key(row: Sequence[Any]) -> SigningKey:
    key, algorithm, material, actions, not_before, not_after, revoked_at, *caps, shadow = row
    return SigningKey(
        key=key,
        algorithm=SigningAlgorithm(algorithm),
        material=bytes(material),
        actions=_ACTIONS.decode(actions),
        not_before=not_before,
        not_after=not_after,
        revoked_at=revoked_at,
        caps=Caps(minute=caps[0], hour=caps[1], day=caps[2]),
        shadow=bool(shadow),
    )


def signing_key_row(key: SigningKey) -> dict[str, Any]:
    return {
        "key": key.key,
        "algorithm": key.algorithm.value,
        "material": key.material,
        "actions": msgspec.json.encode(key.actions).decode(),
        "not_before": key.not_before,
        "not_after": key.not_after,
        "revoked_at": key.revoked_at,
        "cap_minute": key.caps.minute,
        "cap_hour": key.caps.hour,
        "cap_day": key.caps.day,
        "shadow": key.shadow,
    }


def recorded(subject: Action | Board | SigningKey) -> str:
    """What the record of changes keeps of it: settings, never a secret."""
    told = subject.record() if isinstance(subject, SigningKey) else subject
    return msgspec.json.encode(told).decode()


def user(row: Sequence[Any]) -> User:
    user_ref, user_id, status = row
    return User(user_ref, user_id, Status(status))


def named_erasures(postings: Sequence[Posting], names: Mapping[int, str]) -> list[Posting]:
    """Postings as they are, those that erased a user with the name that is still kept."""
    return [
        msgspec.structs.replace(posting, user_id=names[posting.seq])
        if posting.kind is Kind.ERASE and posting.seq in names
        else posting
        for posting in postings
    ]


def audit_entry(row: Sequence[Any]) -> AuditEntry:
    return AuditEntry(*row)


def incident(row: Sequence[Any], still_open: Collection[int]) -> Incident:
    at, rule, limit, seen, span_s, shadow, user_ref, user_id, action_id, board, *rest = row
    caller, key, last_at, count, number = rest
    return Incident(
        at=at,
        hit=Hit(Rule(rule), limit, seen, span_s),
        shadow=bool(shadow),
        user_ref=user_ref,
        user_id=user_id,
        action_id=action_id,
        board=board,
        caller=caller,
        key=key,
        last_at=last_at,
        count=count,
        incident=number,
        is_open=number in still_open,
    )


def incident_dismissal_row(dismissal: Dismissal, incident: Incident) -> dict[str, Any]:
    """What the record of changes has of an incident that was dismissed, without the time."""
    return {
        "caller": dismissal.caller,
        "operation": "incident.dismiss",
        "subject": record_subject(incident.who) if incident.who else incident.subject,
        "reason": dismissal.reason,
        "before": None,
        "after": to_json(IncidentDismissal(incident.incident)),
    }


def finding_row(finding: Finding) -> dict[str, Any]:
    return {
        "identity": finding.identity,
        "irregularity": finding.irregularity.value,
        "day": finding.day,
        "user_ref": finding.user_ref,
        "key": finding.key,
        "says": finding.says,
        "numbers": msgspec.json.encode(finding.numbers).decode(),
    }


def dismissal_row(dismissal: Dismissal, finding: Finding) -> dict[str, Any]:
    """What the record of changes has of a finding that was dismissed, without the time."""
    ref = finding.user_ref
    return {
        "caller": dismissal.caller,
        "operation": "finding.dismiss",
        "subject": finding.key if ref is None else record_subject(ref),
        "reason": dismissal.reason,
        "before": None,
        "after": to_json(DismissalRecord(finding.identity)),
    }


def noted(row: Sequence[Any]) -> Noted:
    place, entry, at, irregularity, day, user_ref, key, says, numbers, *now = row
    user_id, status, is_open = now
    return Noted(
        place=place,
        entry=entry,
        at=at,
        finding=Finding(
            irregularity=Irregularity(irregularity),
            day=day,
            user_ref=user_ref,
            key=key,
            says=says,
            numbers=_NUMBERS.decode(numbers),
        ),
        user_id=user_id,
        status=None if status is None else Status(status),
        is_open=bool(is_open),
    )
