/** Parts that sections are made of. */
import { node, write } from "../static/parts.js";
import { speak } from "../static/words.js";

export { node, write };
export const words = speak();

/** A moment, as a reader writes it, with the exact one to copy. */
export function when(at) {
  if (!at) return node("span", {}, "–");
  return node("time", { datetime: at, title: at }, words.time(Date.parse(at)));
}

export function button(label, press, kind = "quiet") {
  const made = node("button", { class: `button ${kind}`, type: "button" }, label);
  made.addEventListener("click", press);
  return made;
}

export const link = (href, label) => node("a", { href }, label);
export const userLink = (user) =>
  user ? link(`#users/${encodeURIComponent(user)}`, user) : node("em", {}, "erased");

/** A table that scrolls by itself; each row is a list of cells. */
export function table(caption, heads, rows, empty = "Nothing here.") {
  if (!rows.length) return node("p", { class: "muted" }, empty);
  const cell = (each, index) =>
    index ? node("td", {}, each ?? "") : node("th", { scope: "row" }, each ?? "");
  return node("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    node("table", {},
      node("caption", { class: "unseen" }, caption),
      node("thead", {}, node("tr", {}, ...heads.map((head) => node("th", { scope: "col" }, head || node("span", { class: "unseen" }, "What may be done"))))),
      node("tbody", {}, ...rows.map((row) => node("tr", {}, ...row.map(cell))))));
}

export const section = (title, ...children) => node("section", { class: "card" }, node("h2", {}, title), ...children);
export const heading = (title, ...more) => node("div", { class: "top" }, node("h1", {}, title), ...more);
export const status = (is) => node("span", { class: "badge", "data-is": is }, is);

/** A labelled field of a form: `kind` is an input's type or `select`, of `options` that may have names. */
export function field(label, name, kind, value, more = {}) {
  const { options, hint, ...attributes } = more;
  const id = `field-${name}`;
  const given = { id, name, ...attributes, ...(hint && { "aria-describedby": `${id}-hint` }) };
  const input = kind === "select" ? node("select.field", given) : node("input.field", { type: kind, ...given });
  for (const [value, named = value] of (options ?? []).map((each) => [each].flat())) input.append(node("option", { value }, named));
  if (kind === "checkbox") input.checked = Boolean(value);
  else if (value !== undefined && value !== null) input.value = value;
  return node("div", { class: `field-of ${kind}` }, node("label", { for: id }, label), input,
    ...(hint ? [node("small", { id: `${id}-hint` }, hint)] : []));
}

const notice = document.querySelector(".notice");

/** Says what was done, and offers a way back. */
export function say(what, label, undo) {
  notice.replaceChildren(what);
  if (undo) notice.append(" ", button(label, undo, ""));
  notice.hidden = false;
}

export const hush = () => (notice.hidden = true);

/** More pages of a list: draws each, and a button while there is a next one. */
export async function pages(where, load, draw) {
  let before = null;
  const more = button("Show more", next);
  async function next() {
    const page = await load(before === null ? "" : `&before=${before}`);
    before = page.next;
    more.remove();
    where.append(...draw(page));
    if (before !== null) where.append(more);
  }
  await next();
}
