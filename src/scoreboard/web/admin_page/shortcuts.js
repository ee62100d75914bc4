/** Keys without a mouse; they can be turned off (WCAG 2.1.4). */
import { button, node } from "./made.js";

const OFF = "adminKeysOff";
const KEYS = [
  ["1 to 7", "the sections, from the left"], ["/", "open a user by id"], ["?", "these keys"],
  ["j, k", "next, previous item of the review queue"], ["Enter", "look at the user"], ["r", "release"],
  ["h", "hold"], ["v", "reverse, with a preview"], ["b", "ban"], ["d", "dismiss findings and incidents"], ["Escape", "leave a dialog"],
];

/** Shows which keys there are. */
export function offers() {
  const box = node("input", { type: "checkbox", id: "keys-on" });
  box.checked = !localStorage[OFF];
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : (localStorage[OFF] = "1")));
  const dialog = node("dialog", { "aria-labelledby": "keys-are" }, node("h2", { id: "keys-are" }, "Shortcuts"),
    node("dl", {}, ...KEYS.map(([key, does]) => node("div", {}, node("dt", {}, node("kbd", {}, key)), node("dd", {}, does)))),
    node("p", { class: "field-of checkbox" }, box, node("label", { for: "keys-on" }, "Shortcuts are on")),
    node("p", { class: "choice" }, button("Close", () => dialog.close(), "")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Does what a key stands for, unless somebody writes, or a dialog is open. */
export function press(event, { section, search, here }) {
  const { key, target } = event;
  const writes = target.closest?.("input, select, textarea, dialog");
  if (writes || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (localStorage[OFF] && key !== "?") return;
  if (key === "Enter" && target.closest("a, button")) return;
  if (key === "?") offers();
  else if (key === "/") search();
  else if (/^[1-9]$/.test(key)) section(Number(key) - 1);
  else if (!here(key)) return;
  event.preventDefault();
}
