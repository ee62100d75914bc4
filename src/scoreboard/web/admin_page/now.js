/** What happens now, sampled from the metrics of the node that answers. */
import { text } from "./api.js";
import { heading, node, table, words, write } from "./made.js";
import { parse, quantile, sum } from "./metrics.js";
import { spark } from "./spark.js";

const EVERY_MS = 2_000;
const KEPT = 150;
const GOOD = ["recorded", "repeated"];

const refused = (labels) => !GOOD.includes(labels.outcome);
const rate = (was, now, seconds, ...what) => Math.max(0, sum(now, ...what) - sum(was, ...what)) / seconds;
const ms = (bound) => (bound === null ? "–" : bound === Infinity ? "over 10 s" : `≤ ${words.number(bound * 1_000)} ms`);

/** Each: a name, its number for the line, and how it is written. */
const SHOWN = [
  ["Awards a second", (was, now, seconds) => rate(was, now, seconds, "scoreboard_awards_total", ({ outcome }) => outcome === "recorded")],
  ["Viewers", (_, now) => sum(now, "scoreboard_viewers")],
  ["Freshness, 99 of 100", (was, now) => quantile(was, now, "scoreboard_freshness_seconds", 0.99), ms],
  ["Refusals a second", (was, now, seconds) => rate(was, now, seconds, "scoreboard_awards_total", refused)],
];
const FACTS = [
  ["Awards waiting", "scoreboard_waiting_awards"], ["Relay lag, s", "scoreboard_relay_lag_seconds"],
  ["Scores ranked, on all boards", "scoreboard_ranked_users"], ["Dependencies lost", "scoreboard_degraded"],
];

export const title = "Now";

export async function draw(view, _, signal) {
  const lines = SHOWN.map(([name]) => [node("h2", {}, name), node("p", { class: "figure" }, "…"), node("div", { class: "line" })]);
  const facts = node("div", { class: "facts" });
  const since = node("p", { class: "muted" }, "Since this section was opened, of the node that answers: its metrics have all the rest. Freshness needs a viewer of this node.");
  view.replaceChildren(heading("Now"), node("div", { class: "figures" }, ...lines.map((parts) => node("section", { class: "card" }, ...parts))), since, facts);
  const values = SHOWN.map(() => []);
  let was, at;

  async function sample() {
    let now;
    try {
      now = parse(await text("metrics"));
    } catch (error) {
      write(since, `No new numbers: ${error.message}`);
      return;
    }
    if (signal.aborted) return;
    const moment = performance.now();
    if (was) SHOWN.forEach((shown, index) => add(shown, index, now, (moment - at) / 1_000));
    [was, at] = [now, moment];
    facts.replaceChildren(table("Facts", ["What", "Now"], FACTS.map(([name, metric]) => [name, words.number(sum(now, metric))])),
      table("Refusals since the start of the service", ["Why", "Awards"],
        (now.get("scoreboard_awards_total") ?? []).filter(({ labels, value }) => refused(labels) && value)
          .map(({ labels, value }) => [labels.outcome, words.number(value)]), "No award was refused."));
  }

  function add([name, measure, written = (value) => words.number(Math.round(value * 10) / 10)], index, now, seconds) {
    const value = measure(was, now, seconds);
    const [, figure, line] = lines[index];
    write(figure, written(value));
    if (value === null || value === Infinity) return;
    values[index] = [...values[index], value].slice(-KEPT);
    line.replaceChildren(...spark(values[index], name));
  }

  await sample();
  const timer = setInterval(() => document.hidden || sample(), EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}
