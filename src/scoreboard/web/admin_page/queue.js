/** The review queue: who is held, what audits noticed, what rules refused; one item a user or key. */
import { read } from "./api.js";
import { button, heading, node, status, userLink, when, words } from "./made.js";
import { dismiss, moderate, reverse } from "./moderate.js";

const MOST = 200;
const RANKS = { held: 0, finding: 1, incident: 2 };

export const title = "Review";

export async function draw(view) {
  const [{ users }, { findings }, { incidents }] = await Promise.all([
    read(`v1/admin/users?status=held&limit=${MOST}`),
    read(`v1/admin/findings?limit=${MOST}`),
    read(`v1/admin/incidents?limit=${MOST}`),
  ]);
  const items = gathered(users, findings.filter((each) => each.open), incidents.filter((each) => each.open));
  const list = node("ol", { class: "queue", "aria-label": "To review" }, ...items.map((item) => shown(item, () => draw(view))));
  view.replaceChildren(
    heading("Review queue", node("p", { class: "muted" }, `${items.length} to look at. `, node("kbd", {}, "j"), " ", node("kbd", {}, "k"), " move, ", node("kbd", {}, "?"), " shows all keys")),
    items.length ? list : node("p", { class: "card nothing" }, "Nobody is held, no finding and no incident is open."));
}

/** One item for each user or key, held users first, then findings, then incidents. */
export function gathered(users, findings, incidents) {
  const items = new Map();
  const item = (user, key, kind) => {
    const name = user ?? key ?? "";
    const id = `${user === null ? "key" : "user"} ${name}`;
    if (!items.has(id)) items.set(id, { user, key, kind, status: user === null ? null : "active", why: [], findings: [], incident: null });
    return items.get(id);
  };
  for (const { user_id: user, status: is } of users) item(user, null, "held").status = is;
  for (const each of findings) {
    const of = item(each.user_id, each.key, "finding");
    if (each.status && of.kind !== "held") of.status = each.status;
    of.why.push({ at: each.at, text: each.says, label: each.irregularity });
    of.findings.push(each.entry);
  }
  for (const each of incidents) {
    const of = each.rule.startsWith("key-") ? item(null, each.key, "incident") : item(each.user_id, null, "incident");
    of.incident ??= each.incident; // the newest, which closes those before it
    of.why.push({
      at: each.last_at, label: each.shadow ? `${each.rule}, shadow` : each.rule,
      text: `${each.action_id} on ${each.board}: ${words.number(each.count)} ${each.shadow ? "would have been refused" : "refused"}, ${numbers(each)}`,
    });
  }
  return [...items.values()].sort((one, other) => RANKS[one.kind] - RANKS[other.kind]);
}

/** What a rule saw, and what it allows, in its own unit. */
function numbers({ rule, seen, limit, span_s: span }) {
  if (rule === "time-span") return `it ${seen < limit ? "begins" : "ended"} ${words.time(limit)}`;
  if (rule === "cooldown") return `${words.number(seen / 1_000, { maximumFractionDigits: 1 })} s after the last, not ${words.number(span)}`;
  if (rule === "points-hour") return `${words.number(seen)} points in an hour, not ${words.number(limit)}`;
  return `more than ${words.number(limit)}`;
}

function shown(item, changed) {
  const { user, key, why, status: is } = item;
  const line = node("li", { class: "card item", tabindex: "-1" });
  const act = (deed) => button(deed[0].toUpperCase() + deed.slice(1), () => moderate(user, deed, is, changed), deed === "release" ? "" : "quiet");
  const press = (letter, made) => {
    made.dataset.key = letter;
    made.setAttribute("aria-keyshortcuts", letter);
    return made;
  };
  const since = user ? { user_id: user } : { key };
  const deeds = user
    ? [is === "active" ? press("h", act("hold")) : press("r", act("release")), press("v", button("Reverse", () => reverse(since, `awards of ${user}`, changed))), press("b", act("ban"))]
    : [press("v", button("Reverse", () => reverse(since, `awards signed by ${key}`, changed)))];
  // A release closes the findings about somebody held.
  if ((item.findings.length || item.incident) && is !== "held") deeds.push(press("d", button("Dismiss", () => dismiss(item, user ?? `key ${key}`, changed), "quiet")));
  line.append(
    node("div", { class: "who" }, node("h2", {}, user ? press("Enter", userLink(user)) : node("a", { href: "#keys" }, `key ${key}`)), ...(is ? [status(is)] : []), ...(item.kind === "held" ? [] : [node("span", { class: "muted" }, item.kind)])),
    node("ul", { class: "why" }, ...why.slice(0, 5).map(({ at, text, label }) => node("li", {}, node("b", {}, label), ` ${text} `, when(at)))),
    ...(why.length > 5 ? [node("p", { class: "muted" }, `and ${why.length - 5} more`)] : []),
    node("p", { class: "choice" }, ...deeds));
  return line;
}

/** Keys of this section: `j` and `k` move, a letter presses the button that names it. */
export function key(pressed, view) {
  const lines = [...view.querySelectorAll(".item")];
  const here = lines.findIndex((line) => line.contains(document.activeElement));
  if (pressed === "j" || pressed === "k") {
    const next = pressed === "j" ? here + 1 : Math.max(0, here - 1);
    lines[Math.min(next, lines.length - 1)]?.focus();
    return true;
  }
  const made = lines[here]?.querySelector(`[data-key="${pressed}"]`);
  made?.click();
  return Boolean(made);
}
