"""Which signing keys are irregular: they bring new users, or are refused, as no other key does."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from scoreboard.core.activity import DAY_HOURS, KeyActivity, days_of
from scoreboard.core.finding import Finding, Irregularity, rounded
from scoreboard.core.tail import binomial_tail
from scoreboard.core.thresholds import BASE_DAYS, STANDARD, Thresholds
from scoreboard.core.usual import usual_of


def judge_keys(
    keys: Mapping[str, Sequence[KeyActivity]], first_day: int, thresholds: Thresholds = STANDARD
) -> list[Finding]:
    """Days on which a key suddenly brought new users, when the other keys did not.

    The hours of each key are given oldest first. Every hour in which it signed is a sample.
    """
    brought: dict[int, int] = {}
    for hours in keys.values():
        for hour in hours:
            brought[hour.hour] = brought.get(hour.hour, 0) + hour.newcomers
    found = []
    for key in sorted(keys):
        own = {hour.hour: hour.newcomers for hour in keys[key]}
        others = {hour: count - own.get(hour, 0) for hour, count in brought.items()}
        usual = sum(others.values()) / max(1, len(others))
        for day, start, end in days_of(keys[key]):
            if day >= first_day:
                since = (day - BASE_DAYS) * DAY_HOURS
                sample = [hour.newcomers for hour in keys[key][:start] if hour.hour >= since]
                today = [
                    (hour, max(1.0, (others[hour.hour] + 1) / (usual + 1)))
                    for hour in keys[key][start:end]
                ]
                finding = _sudden(day, today, sample, thresholds)
                found += [finding] if finding else []
    return found


def _sudden(
    day: int,
    today: Sequence[tuple[KeyActivity, float]],
    sample: Sequence[int],
    at_least: Thresholds,
) -> Finding | None:
    """``today`` has for each hour by how much more than usual the other keys brought."""
    worst, effect = max(today, key=lambda one: (one[0].newcomers / one[1], -one[0].hour))
    if len(sample) < at_least.samples or worst.newcomers < at_least.newcomers:
        return None
    # One more each, since most hours bring nobody; without the hours of a start or a campaign.
    kept = sorted(sample)[: len(sample) - len(sample) // 20]
    usual = usual_of(Counter(count + 1 for count in kept))
    distance = math.log((worst.newcomers + 1) / effect) - usual.logs.median
    z = distance / math.hypot(usual.logs.scale(at_least.mad_floor), at_least.day_deviation)
    tail = usual.counts.tail(math.floor((worst.newcomers + 1) / effect))
    if z <= at_least.z or tail >= at_least.tail:
        return None
    return Finding(
        irregularity=Irregularity.KEY,
        day=day,
        key=worst.key,
        says=f"The key brought {worst.newcomers:,} new users in an hour, where "
        f"{math.exp(usual.logs.median) - 1:.3g} are usual in its busier hours: {z:.1f} deviations "
        f"above the median of the logs, by a negative binomial a chance of {tail:.1e}.",
        numbers={
            "newcomers": worst.newcomers,
            "awards": worst.awards,
            "z": rounded(z),
            "tail": rounded(tail),
            "samples": len(sample),
        },
    )


class Asked(Struct, frozen=True):
    """How many awards a key asked for on a day were recorded, and how many refused."""

    key: str
    day: int
    recorded: int
    refused: int


def refused_keys(asked: Iterable[Asked], thresholds: Thresholds = STANDARD) -> list[Finding]:
    """Keys of which much more is refused than of the others."""
    all_asked = sorted(asked, key=lambda one: (one.day, one.key))
    found = []
    for one in all_asked:
        others = [other for other in all_asked if other.key != one.key]
        refused = sum(other.refused for other in others)
        tries = refused + sum(other.recorded for other in others)
        usual = max(thresholds.refused_usual, refused / tries if tries else 0.0)
        number, share = one.recorded + one.refused, one.refused / max(1, one.recorded + one.refused)
        if one.refused < thresholds.refusals:
            continue
        if share < max(thresholds.refused_share, usual * thresholds.refused_times):
            continue
        tail = binomial_tail(one.refused, number, usual)
        if tail < thresholds.tail:
            found.append(_refused(one, share, usual, tail))
    return found


def _refused(one: Asked, share: float, usual: float, tail: float) -> Finding:
    number = one.recorded + one.refused
    return Finding(
        irregularity=Irregularity.REFUSALS,
        day=one.day,
        key=one.key,
        says=f"{one.refused:,} of {number:,} awards that the key asked for were refused as "
        f"suspicious, {share:.0%}, where {usual:.0%} would be a lot: a chance of {tail:.1e}.",
        numbers={
            "refused": one.refused,
            "asked": number,
            "usual": rounded(usual),
            "tail": rounded(tail),
        },
    )
