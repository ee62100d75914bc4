/** The record of changes: who changed what, and why. */
import { read } from "./api.js";
import { heading, node, pages, table, when } from "./made.js";

export const title = "Record";

export async function draw(view) {
  const where = node("div");
  const rows = [];
  const holder = node("div");
  where.append(holder);
  view.replaceChildren(heading("Audit record", node("p", { class: "muted" }, "Append-only, newest first.")), where);
  await pages(where, (before) => read(`v1/admin/audit?limit=50${before}`), ({ entries }) => {
    rows.push(...entries.map((each) => [when(each.at), each.operation, each.subject, each.caller, each.reason, change(each)]));
    holder.replaceChildren(table("Changes", ["When", "What", "Of", "Who", "Why", "Change"], rows));
    return [];
  });
}

// `caps.day` instead of a piece of JSON.
const flat = (settings) => Object.fromEntries(Object.entries(settings ?? {}).flatMap(([name, value]) =>
  (value && typeof value === "object" && !Array.isArray(value)
    ? Object.entries(value).map(([inner, each]) => [`${name}.${inner}`, each]) : [[name, value]])));

/** What differs between before and after, in words. */
export function change({ before, after }) {
  if (after === null || typeof after !== "object") return after === null ? "" : String(after);
  const old = flat(before);
  const now = flat(after);
  const told = (value) => (value === null || value === undefined ? "nothing" : Array.isArray(value) ? value.map((each) => (typeof each === "object" ? JSON.stringify(each) : each)).join(", ") || "none" : String(value));
  const changed = Object.keys({ ...old, ...now }).filter((name) => told(old[name]) !== told(now[name]));
  return changed.map((name) => (before ? `${name}: ${told(old[name])} → ${told(now[name])}` : `${name}: ${told(now[name])}`)).join(", ");
}
