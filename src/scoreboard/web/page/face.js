/** What a board looks like: its parts, and what is written in them. */
import { node, write } from "./parts.js";
import { rowsIn } from "./rows.js";

const QUIET_MS = 5_000;
const said = (name, say, more) => node(name, { "data-say": say, ...more });
const column = (name) => said("th", name, { role: "columnheader", scope: "col" });
const template = node("div.board", {},
  node("div.head", {}, node("slot", { name: "heading" }, node("span.heading", { dir: "auto" })), node("span.period"),
    node("p.status")),
  node("table.table", { role: "table" }, said("caption", "caption"),
    node("thead", { role: "rowgroup" },
      node("tr.columns", { role: "row" }, ...["rank", "move", "user", "gain", "score"].map(column))),
    node("tbody.rows", { role: "rowgroup" })),
  node("div.empty", {}, said("strong", "empty"), said("span", "soon")),
  node("p.own", {}, node("b"), node("span", { dir: "auto" }), node("b")),
  node("p", { class: "unseen", role: "status" }));

export function face(root) {
  root.append(template.cloneNode(true));
  const find = (selector) => root.querySelector(selector);
  const board = root.firstChild;
  const [own, status, period, aloud] = [".own", ".status", ".period", "[role=status]"].map(find);
  const show = rowsIn(find(".rows"));
  let quietUntil = 0;
  let words, what, told, leader;

  return {
    draw(...shown) {
      [words, what] = shown;
      const { title, limit, top, standing } = what;
      const values = { board: title, limit: words.number(limit), period: periodName() };
      for (const each of root.querySelectorAll("[data-say]")) write(each, words.say(each.dataset.say, values));
      write(find(".heading"), title);
      board.style.setProperty("--places", limit);
      show(top?.rows.slice(0, limit) ?? [], words, what.own);
      own.hidden = !what.pinned;
      write(own.firstChild, standing ? words.number(standing.rank) : "–");
      write(own.lastChild, standing ? words.number(standing.score) : "");
      write(own.children[1], standing ? sentence(standing) : standing === null ? words.say("none") : "…");
    },

    /** What goes with the clock. */
    tick({ state, reason, nextAt, heardAt }, view) {
      const now = Date.now();
      const frozen = view?.frozen_at;
      const stale = what.top && state !== "live" && state !== "connecting";
      const wait = state === "reconnecting" ? nextAt - now : 0;
      let name = words.say(wait > 0 ? "retrying" : state, { reason, span: words.span(wait) });
      if (state === "live" && frozen) name = words.say("frozen", { time: words.time(frozen) });
      const time = words.time(heardAt || performance.timeOrigin);
      write(status, stale ? words.say("stale", { state: name, time }) : name);
      board.dataset.state = state;
      board.toggleAttribute("data-frozen", !!frozen);
      const current = view?.windows.find((window) => window.period === what.top?.period);
      const left = Date.parse(current?.next_reset_at) - now;
      const reset = left > 0 && words.say("reset", { span: words.span(left) });
      write(period, [periodName(), reset].filter(Boolean).join(" · "));
      announce(state, state === "live" || state === "stopped" ? name : words.say("lost"), now);
    },
  };

  function announce(state, news, now) {
    const first = what.top?.rows[0];
    if (state !== "connecting" && news !== told) write(aloud, (told = news));
    else if (first?.user_id !== leader && now > quietUntil) {
      const { user_id: user, score } = first ?? {};
      if (leader && user) write(aloud, words.say("leads", { user, points: words.points(score) }));
      leader = user;
      quietUntil = now + QUIET_MS;
    }
  }

  function periodName() {
    const { period: window, top } = what;
    const names = [words.say(window), top?.period ?? window];
    return names.filter((name) => name && name !== "all").join(", ");
  }

  function sentence({ user_id: user, rank, to_next: next }) {
    const who = words.say(what.pinned, { user, rank: words.ordinal(rank) });
    return next ? words.say("next", { who, points: words.points(next.points) }) : who;
  }
}
