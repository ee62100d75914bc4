"""What ``check`` says of the service that should be running here."""

import time

import httpx2
import msgspec

from scoreboard import wire
from scoreboard.cli.cluster import HANGS, LAG_MAX_S, totals_in
from scoreboard.cli.options import operations_url
from scoreboard.cli.remark import Remark, counted, span
from scoreboard.settings import Settings

ANSWER_S = 2.0
JWKS_OLD_S = 900.0
FIRST_AUDIT_S = 1_200.0


def service(settings: Settings) -> list[Remark]:
    """Whether it is ready; and of a ready one, what its metrics tell."""
    url = operations_url(settings)
    try:
        with httpx2.Client(timeout=ANSWER_S, trust_env=False) as http:
            answer = http.get(f"{url}/readyz")
            readiness = msgspec.json.decode(answer.content, type=wire.Readiness)
            totals = totals_in(http.get(f"{url}/metrics").text)
    except httpx2.ReadTimeout:
        return [
            Remark(
                "service", "bad", f"at {url} somebody listens and says nothing.", HANGS.capitalize()
            )
        ]
    except httpx2.HTTPError:
        says = f"nothing answers at {url}."
        return [Remark("service", "look", says, "`scoreboard serve` starts it.")]
    except (msgspec.DecodeError, ValueError):
        says = f"something else than scoreboard answers at {url}."
        return [Remark("service", "bad", says, "Stop that, or give the service another PORT.")]
    if not readiness.ready:
        reasons = ", ".join(readiness.reasons or ("no reason given",))
        says = f"answers at {url}, but is not ready: {reasons}."
        advice = "Wait if it has just started; else mend what is bad here, and read its log."
        return [Remark("service", "bad", says, advice)]
    return [_ready(url, readiness, totals), *_of_metrics(settings, totals)]


def _ready(url: str, readiness: wire.Readiness, totals: dict[str, float]) -> Remark:
    leads = "leads" if totals.get("scoreboard_leader") else "does not lead"
    viewers = counted(int(totals.get("scoreboard_viewers", 0)), "viewer")
    if readiness.degraded:
        says = f"ready at {url}, but does without: {', '.join(readiness.degraded)}."
        return Remark("service", "look", says, "Bring back what it does without.")
    return Remark("service", "good", f"ready at {url}, {leads}; {viewers}.")


def _of_metrics(settings: Settings, totals: dict[str, float]) -> list[Remark]:
    remarks = []
    if settings.jwks_url and (age_s := totals.get("scoreboard_jwks_age_seconds", 0)) > JWKS_OLD_S:
        says = f"the service's keys of JWKS_URL are {span(age_s)} old."
        advice = "See whether the service reaches the issuer: after 24 h no token is taken."
        remarks.append(Remark("token keys", "look", says, advice))
    if totals.get("scoreboard_leader"):
        remarks.append(_lag(totals))
        if settings.audit_every:
            remarks.append(_audit(settings.audit_every, totals))
    return remarks


def _lag(totals: dict[str, float]) -> Remark:
    lag_s = totals.get("scoreboard_relay_lag_seconds", 0.0)
    behind = counted(int(totals.get("scoreboard_relay_backlog", 0)), "posting")
    if lag_s <= LAG_MAX_S:
        return Remark("ranks", "good", f"{behind} behind the ledger.")
    says = f"{lag_s:.1f} s and {behind} behind the ledger."
    advice = "Look at scoreboard_dependency_seconds, and at RANKING."
    return Remark("ranks", "look", says, advice)


def _audit(every_s: int, totals: dict[str, float]) -> Remark:
    now_s = time.time()
    last_s = totals.get("scoreboard_audit_last_timestamp_seconds", 0.0)
    if totals.get("scoreboard_audit_differences"):
        says = f"the last one, {span(now_s - last_s)} ago, found what the postings do not say."
        advice = "`scoreboard audit` names it; see who else writes to the database."
        return Remark("audit", "bad", says, advice)
    if faults := totals.get("scoreboard_audit_seal_faults"):
        what = f"{counted(int(faults), 'fault')} in what was signed"
        says = f"the last one, {span(now_s - last_s)} ago, found {what}."
        advice = "`scoreboard ledger verify` names the first posting; keep a copy of the database."
        return Remark("audit", "bad", says, advice)
    began_s = last_s or totals.get("process_start_time_seconds", now_s)
    says = f"the last one ended {span(now_s - last_s)} ago." if last_s else "none ended here yet."
    if now_s - began_s <= every_s + FIRST_AUDIT_S:
        return Remark("audit", "good", says)
    advice = "Look for audit.failed in the service's log, or run `scoreboard audit`."
    return Remark("audit", "look", says, advice)
