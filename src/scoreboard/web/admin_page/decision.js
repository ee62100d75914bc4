/** A dialog in which a moderator decides: what follows, what would move, and why. */
import { keep } from "./api.js";
import { button, field, node, words, write } from "./made.js";

const REASON_MAX = 500;
const SETTLE_MS = 400;

/**
 * Asks, and does it; answers what `act` did, or undefined. `consequences` are sentences, `fields`
 * stand above the reason, `preview(form)` makes what is shown of the effect, `typed` has to be
 * typed in. A refusal is shown where it was asked, and nothing that was written is lost: also not
 * when the token has ended meanwhile, then another one is asked for here.
 */
export function decide({ title, consequences = [], fields = [], preview, typed, label, act }) {
  const reason = node("input.field", { id: "reason", name: "reason", required: "", maxlength: REASON_MAX, autocomplete: "off" });
  const again = typed && node("input.field", { id: "again", required: "", autocomplete: "off", spellcheck: "false" });
  const effect = node("div", { class: "effect", "aria-live": "polite" });
  const alert = node("p", { class: "refused", role: "alert" });
  const go = node("button", { class: "button" }, label);
  const token = field("Another token: yours is not, or no longer, valid", "another", "password", "", { maxlength: 4096, autocomplete: "off" });
  const form = node("form", { method: "dialog" },
    node("h2", { id: "decision" }, title),
    node("ul", {}, ...consequences.map((each) => node("li", {}, each))), ...fields,
    ...(preview ? [effect] : []),
    ...(typed ? [node("label", { for: "again" }, "Type ", node("code", {}, typed), " to go on"), again] : []),
    node("label", { for: "reason" }, "Reason, for the audit record (no names)"), reason, token, alert,
    node("p", { class: "choice" }, go, button("Cancel", () => dialog.close())));
  const dialog = node("dialog", { "aria-labelledby": "decision" }, form);
  let done, timer;
  let asked = 0;

  async function look() {
    const mine = ++asked;
    write(effect, "Looking which ranks would move…");
    try {
      const made = await preview(form);
      if (mine === asked) effect.replaceChildren(made);
    } catch (error) {
      if (mine === asked) write(effect, `No preview: ${error.message}`);
    }
  }

  const another = token.querySelector("input");
  const ended = new AbortController();
  function askToken(so) {
    token.hidden = !so;
    another.required = so;
    another.value = "";
  }
  addEventListener("signed-out", () => askToken(true), { signal: ended.signal });

  function check() {
    if (again) again.setCustomValidity(again.value === typed ? "" : "That is not the same.");
  }

  form.addEventListener("input", ({ target }) => {
    check();
    if (!preview || [reason, again, another].includes(target)) return;
    clearTimeout(timer);
    timer = setTimeout(look, SETTLE_MS);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    write(alert, "");
    if (!token.hidden) keep(another.value.trim());
    try {
      askToken(false);
      done = await act(form, reason.value.trim(), (progress) => write(alert, progress));
      dialog.close();
    } catch (error) {
      write(alert, error.message);
    }
    go.disabled = false;
  });
  check();
  askToken(false);
  document.body.append(dialog);
  dialog.showModal();
  const first = form.querySelector(".field");
  first.focus();
  if (preview) look();
  return new Promise((decided) => {
    dialog.addEventListener("close", () => {
      clearTimeout(timer);
      ended.abort();
      dialog.remove();
      decided(done);
    });
  });
}

/** Every rank that would move, board by board. */
export function movesOf(moves) {
  if (!moves?.length || moves.every(({ count }) => !count)) return node("p", {}, "No rank moves.");
  return node("div", {}, ...moves.filter(({ count }) => count).map(moved));
}

function moved({ board, period, count, moves }) {
  const place = (rank) => (rank === null ? "not shown" : words.number(rank));
  const told = count > moves.length ? `, the best ${words.number(moves.length)} of them` : "";
  return node("details", { open: "" },
    node("summary", {}, `${board}, ${period}: ${words.number(count)} ${count === 1 ? "rank moves" : "ranks move"}${told}`),
    node("ul", { class: "moves" }, ...moves.map(({ user_id: user, before, after }) =>
      node("li", {}, node("b", {}, user), ` ${place(before)} → ${place(after)}`))));
}
