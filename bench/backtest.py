"""What the audit finds among honest users and cheats that it was not tuned on."""

from collections import Counter, defaultdict

import msgspec
from msgspec import Struct

from bench.corpus import QUEST, Corpus, Mix, Span
from bench.plan import Plan, Section, say, table
from scoreboard.core.activity import Activity, KeyActivity, Summary
from scoreboard.core.finding import Finding
from scoreboard.core.irregular_key import judge_keys
from scoreboard.core.irregular_user import Judge
from scoreboard.core.lockstep import Lockstep
from scoreboard.core.rule import Caps
from scoreboard.core.usual import Crowd

KINDS = ("spike", "interval", "cap", "key", "ring")

TRAINED = Mix(seed="trained", users=3_000, cases=25)
"""Like the corpora that thresholds were chosen on."""

TRAINED_HARDER = Mix(
    seed="wide",
    users=3_000,
    cases=25,
    usual=3.4,
    skew=0.7,
    burstiness=Span(0.9, 5.5),
    event_boost=Span(2.5, 7.0),
    quest_cap=15,
    spike=Span(16.0, 30.0),
    spike_hours=Span(1, 4),
    interval_s=Span(25.0, 500.0),
    interval_jitter=Span(0.0, 0.06),
    interval_hours=Span(6, 18),
    cap_hours=Span(7, 16),
    stolen_users=Span(15, 50),
    stolen_awards=Span(8, 30),
    ring_users=Span(3, 9),
    ring_rounds=Span(10, 35),
    ring_jitter_s=Span(0.0, 4.0),
)
"""The same, with cheats who are harder to see: spikes of a single hour, small rings."""

HELD_OUT = Mix(
    seed="held-out-again",
    users=3_000,
    cases=25,
    usual=5.5,
    skew=0.95,
    burstiness=Span(0.8, 6.0),
    event_boost=Span(2.0, 8.0),
    quest_cap=30,
    spike=Span(18.0, 24.0),
    spike_hours=Span(2, 5),
    interval_s=Span(30.0, 600.0),
    interval_jitter=Span(0.0, 0.05),
    interval_hours=Span(7, 20),
    cap_hours=Span(8, 18),
    stolen_users=Span(18, 80),
    stolen_awards=Span(6, 30),
    ring_users=Span(3, 12),
    ring_rounds=Span(12, 30),
    ring_jitter_s=Span(0.0, 5.0),
)
"""Other seeds and other users, and cheats who do it otherwise."""

ELSEWHERE = Mix(
    seed="elsewhere",
    users=3_000,
    cases=25,
    usual=4.8,
    skew=0.9,
    burstiness=Span(1.2, 7.0),
    event_boost=Span(2.0, 9.0),
    quest_cap=25,
    spike=Span(17.0, 26.0),
    spike_hours=Span(2, 6),
    interval_s=Span(15.0, 450.0),
    interval_jitter=Span(0.0, 0.06),
    interval_hours=Span(6, 22),
    cap_hours=Span(9, 20),
    stolen_users=Span(16, 70),
    stolen_awards=Span(5, 35),
    ring_users=Span(3, 14),
    ring_rounds=Span(11, 36),
    ring_jitter_s=Span(0.0, 4.5),
)
"""Once more others, made after the thresholds were chosen for good."""

ROUNDS = 7
QUICK = 1


class Score(Struct):
    """What was counted over some corpora."""

    awards: int = 0
    honest_days: int = 0
    false: Counter[str] = msgspec.field(default_factory=Counter)
    caught: Counter[str] = msgspec.field(default_factory=Counter)
    cases: Counter[str] = msgspec.field(default_factory=Counter)
    rings: int = 0

    def take(self, other: "Score") -> None:
        """Count what another has counted."""
        self.awards += other.awards
        self.honest_days += other.honest_days
        self.false += other.false
        self.caught += other.caught
        self.cases += other.cases
        self.rings += other.rings

    @property
    def false_share(self) -> float:
        return sum(self.false.values()) / max(1, self.honest_days)

    def recall(self, kind: str | None = None) -> float:
        """The share of cases that a finding names; of all kinds, or of one."""
        caught = self.caught[kind] if kind else sum(self.caught.values())
        return caught / max(1, self.cases[kind] if kind else sum(self.cases.values()))


CORPORA = {
    "trained on": TRAINED,
    "trained on, harder": TRAINED_HARDER,
    "held out": HELD_OUT,
    "held out, elsewhere": ELSEWHERE,
}


def backtest(plan: Plan) -> Section:
    rows, held_out = [], Score()
    for name, mix in CORPORA.items():
        score = Score()
        for number in range(QUICK if plan.quick else ROUNDS):
            add(score, msgspec.structs.replace(mix, seed=f"{mix.seed}-{number}"))
            say(f"  {name} {number + 1}: {score.honest_days:,} honest user-days")
        rows.append(_row(name, score))
        say("  " + ", ".join(rows[-1]))
        if mix in (HELD_OUT, ELSEWHERE):
            held_out.take(score)
    rows.append(_row("both held out", held_out))
    head = ("corpus", "honest user-days", "false", "a user-day", "rings' keys", "recall", *KINDS)
    return Section(
        "The audit's back-test",
        f"{table(head, rows)}\n\n"
        "Honest user-days are days with an award of a user who did not cheat that day; false are "
        "findings about them, or about a key on a day when nobody had it and no ring of new users "
        "was awarded through it; findings about a ring's key are counted apart. Recall is the "
        "share of cheats about whom there is a finding of any kind.",
    )


def add(score: Score, mix: Mix) -> None:
    """Judge one corpus and count."""
    corpus = Corpus(mix)
    users, keys, awards = lived(corpus)
    found = judged(users, keys, mix.first_cheat_day)
    score.awards += awards
    cheats = corpus.cheats()
    stolen = {(case.key, day) for case in corpus.cases for day in case.days}
    through = {(case.through, day) for case in corpus.cases for day in case.days}
    named: set[tuple[int | str | None, int]] = set()
    for finding in found:
        subject = finding.key or finding.user_ref
        named.add((subject, finding.day))
        known = stolen if finding.key else cheats
        if (subject, finding.day) in known:
            continue
        if (subject, finding.day) in through:
            score.rings += 1
        else:
            score.false[finding.irregularity.value] += 1
    for case in corpus.cases:
        whose = [*case.users, case.key]
        score.cases[case.kind] += 1
        score.caught[case.kind] += any((one, day) in named for one in whose for day in case.days)
    score.honest_days += corpus.honest_days


def lived(
    corpus: Corpus,
) -> tuple[dict[int, list[Activity]], dict[str, list[KeyActivity]], int]:
    """Every user's and key's hours, and how many awards there were."""
    summary = Summary({QUEST: Caps(hour=corpus.mix.quest_cap)}, 0)
    users: dict[int, list[Activity]] = defaultdict(list)
    keys: dict[str, list[KeyActivity]] = defaultdict(list)
    awards = 0
    for day in corpus.days():
        awards += len(day)
        summary.add(day)
    summary.finish()
    for hour in summary.activities:
        users[hour.user_ref].append(hour)
    for signed in summary.key_activities:
        keys[signed.key].append(signed)
    return users, keys, awards


def judged(
    users: dict[int, list[Activity]], keys: dict[str, list[KeyActivity]], first_day: int
) -> list[Finding]:
    """What the audit finds: the steps of ``service/irregularities.py``, without a database."""
    crowd, lockstep = Crowd(first_day), Lockstep(first_day)
    everybody = [users[ref] for ref in sorted(users)]
    for hours in everybody:
        crowd.add(hours)
        lockstep.count(hours)
    judge, found = Judge(crowd, first_day), list[Finding]()
    for hours in everybody:
        found += judge.judge(hours)
        lockstep.mark(hours)
    for hours in everybody:
        lockstep.keep(hours)
    return [*found, *lockstep.rings(), *judge_keys(keys, first_day)]


def _row(name: str, score: Score) -> tuple[str, ...]:
    return (
        name,
        f"{score.honest_days:,}",
        str(sum(score.false.values())),
        f"{score.false_share:.1e}",
        str(score.rings),
        f"{score.recall():.3f}",
        *(f"{score.recall(kind):.2f}" for kind in KINDS),
    )
