/** The admin page: a token, sections, keys. All that it shows and does goes through the public API. */
import { keep, read, signedIn } from "./api.js";
import * as actions from "./catalogue.js";
import * as keys from "./keys.js";
import * as ledger from "./ledger.js";
import { hush, node, say } from "./made.js";
import * as now from "./now.js";
import * as review from "./queue.js";
import * as record from "./record.js";
import { offers, press } from "./shortcuts.js";
import * as users from "./users.js";

const SECTIONS = { now, review, users, actions, keys, record, ledger };
const find = (selector) => document.querySelector(selector);
const [view, nav, leave, search] = ["#view", "nav", "[data-leave]", "[data-find]"].map(find);
let listening = new AbortController();

function place() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const known = Object.hasOwn(SECTIONS, name) ? name : "now";
  try {
    return [known, decodeURIComponent(rest.join("/"))];
  } catch {
    return [known, ""];
  }
}

async function show() {
  listening.abort();
  listening = new AbortController();
  const { signal } = listening;
  leave.hidden = nav.hidden = search.hidden = !signedIn();
  if (!signedIn()) return askToken();
  const [name, what] = place();
  const { title, draw } = SECTIONS[name];
  document.title = `${what || title} · Scoreboard administration`;
  for (const each of nav.children) {
    if (each.dataset.name !== name) each.removeAttribute("aria-current");
    else {
      each.setAttribute("aria-current", "page");
      nav.scrollLeft = each.offsetLeft - (nav.clientWidth - each.offsetWidth) / 2;
    }
  }
  // Drawn apart: what answers late does not draw over another section.
  const apart = node("div", { class: "section" });
  view.replaceChildren(apart);
  apart.append(node("p", { class: "muted" }, "Reading…"));
  try {
    await draw(apart, what, signal);
  } catch (error) {
    if (signal.aborted) return;
    apart.replaceChildren(node("p", { class: "card refused", role: "alert" }, error.message));
  }
}

function askToken(refused = "") {
  const field = node("input.field", { id: "token", name: "token", type: "password", autocomplete: "off", maxlength: 4096, required: "", "aria-describedby": "kept" });
  const alert = node("p", { class: "refused", role: "alert" }, refused);
  const form = node("form", { class: "card sign-in" }, node("h1", {}, "Administration"), node("label", { for: "token" }, "Your token, with the scope scores:admin"),
    field, node("button", { class: "button" }, "Go on"), alert,
    node("p", { class: "muted", id: "kept" }, "It stays in this tab, goes to this service only, and is never in an address. Make one with ",
      node("code", {}, "scoreboard token NAME --scope scores:admin --scope scores:read"), "."));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    keep(field.value.trim());
    try {
      await read("v1/admin/actions");
      hush();
      show();
    } catch (error) {
      keep("");
      hush();
      askToken(error.status === 403 ? "This token is valid, but lacks the scope scores:admin." : error.status === 401 ? "This token is not, or no longer, valid." : error.message);
    }
  });
  view.replaceChildren(form);
  field.focus();
}

Object.entries(SECTIONS).forEach(([name, { title }], index) =>
  nav.append(node("a", { href: `admin#${name}`, "data-name": name, "aria-keyshortcuts": index + 1 }, title)));
search.addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = `users/${encodeURIComponent(search.elements.who.value.trim())}`;
});
leave.addEventListener("click", () => {
  keep("");
  hush();
  show();
});
find("[data-help]").addEventListener("click", offers);
addEventListener("hashchange", () => {
  hush();
  show();
  view.focus();
});
function out() {
  if (signedIn()) return;
  say("You were signed out: the token is not, or no longer, valid.");
  show();
}
// A dialog asks for another token itself, and keeps what is written in it.
addEventListener("signed-out", () => {
  const dialog = document.querySelector("dialog[open]");
  if (dialog) dialog.addEventListener("close", out, { once: true });
  else out();
});
addEventListener("keydown", (event) => press(event, {
  section: (index) => nav.children[index]?.click(),
  search: () => search.elements.who.focus(),
  here: (key) => signedIn() && place()[0] === "review" && review.key(key, view),
}));
show();
