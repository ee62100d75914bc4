/** What a board says, and numbers, times and spans as its reader writes them. */
const ENGLISH = {
  language: "en",
  rank: "Rank", move: "Moved", user: "User", gain: "Change", score: "Score",
  all: "All time", day: "Today", week: "This week", month: "This month",
  caption: "{board}: top {limit}, {period}",
  reset: "resets in {span}",
  connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", offline: "Offline",
  retrying: "Reconnecting in {span}",
  stopped: "Stopped: {reason}",
  stale: "{state}, board as of {time}",
  lost: "Connection lost",
  frozen: "Frozen since {time}",
  empty: "Nobody has scored yet",
  soon: "The first points show up here at once.",
  up: "up {places}", down: "down {places}", entered: "new",
  leads: "{user} leads with {points}",
  you: "You are {rank}", they: "{user} is {rank}", next: "{who}, {points} to the next",
  none: "No points here yet",
  points: { one: "{n} point", other: "{n} points" },
  ordinal: { one: "{n}st", two: "{n}nd", few: "{n}rd", other: "{n}th" },
};

// Bidi isolates.
const alone = (text) => `\u2068${text}\u2069`;

/** Says it in a locale, by default the reader's own, and in English or words of your own. */
export function speak(locale, wording) {
  const said = { ...ENGLISH, ...wording };
  let known;
  try {
    [known] = Intl.getCanonicalLocales(locale || []);
  } catch {
    // It is none: the reader's own.
  }
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values?.[name] ?? "");
  const number = (n, style) => n.toLocaleString(known, style);
  const counted = (forms, n, type) =>
    fill(forms[new Intl.PluralRules(said.language, { type }).select(n)] ?? forms.other, { n: number(n) });
  return {
    say: (name, values) => fill(said[name] ?? "", values),
    number,
    points: (n) => counted(said.points, n, "cardinal"),
    ordinal: (n) => counted(said.ordinal, n, "ordinal"),
    /** A clock time, with its date unless that is today. */
    time(moment) {
      const at = new Date(moment);
      const dated = at.toDateString() !== new Date().toDateString() && { dateStyle: "medium" };
      return alone(at.toLocaleString(known, { timeStyle: "medium", ...dated }));
    },
    /** The two greatest units of a time span. */
    span(ms) {
      const s = Math.max(0, Math.ceil(ms / 1_000));
      const units = [[s / 86_400, "day"], [(s / 3_600) % 24, "hour"], [(s / 60) % 60, "minute"], [s % 60, "second"]];
      const first = s ? units.findIndex(([n]) => n >= 1) : 3;
      return alone(units.slice(first, first + 2)
        .map(([n, unit]) => number(Math.floor(n), { style: "unit", unit, unitDisplay: "narrow" })).join(" "));
    },
  };
}
