/** Actions and boards: listed, and set with a look at what changes. */
import { at, read, send } from "./api.js";
import { decide } from "./decision.js";
import { NO_CAPS, capFields, capsIn, capsOf, given, moment, spanFields } from "./limits.js";
import { button, field, heading, node, say, section, table, when, words } from "./made.js";
import { change } from "./record.js";

const WINDOWS = ["all", "day", "week", "month"];
const ID = { required: "", maxlength: 64, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", autocomplete: "off" };

export const title = "Actions";

export async function draw(view) {
  const [{ actions }, { boards }] = await Promise.all([read("v1/admin/actions"), read("v1/admin/boards")]);
  const again = () => draw(view);
  const names = boards.map(({ board }) => board);
  view.replaceChildren(heading("Actions and boards", button("New action", () => setAction(null, names, again), ""), button("New board", () => setBoard(null, again))),
    section("Actions", table("Actions", ["Action", "Points", "Board", "Caps", "Cooldown", "Signature", "Rules", ""], actions.map((each) => [
      each.action_id, words.number(each.points), each.board, capsOf(each), each.cooldown_s ? `${words.number(each.cooldown_s)} s` : "none",
      each.requires_signature ? "required" : "optional", each.shadow ? "in the shadow" : "in force",
      button("Edit", () => setAction(each, names, again)),
    ]), "No action yet: nobody can get points.")),
    section("Boards", table("Boards", ["Board", "Title", "Users", "Windows", "Ties", "Time zone", "Points an hour", "Shown", ""], boards.map((each) => [
      each.board, each.title, words.number(each.total_users), each.windows.map(({ window }) => window).join(", "), each.tie, each.time_zone,
      each.points_per_hour ? `${words.number(each.points_per_hour)}${each.shadow ? " (shadow)" : ""}` : "no cap",
      each.frozen_at ? node("span", {}, "frozen ", when(each.frozen_at)) : "live",
      node("span", { class: "choice" }, button("Edit", () => setBoard(each, again)), button(each.frozen_at ? "Reveal" : "Freeze", () => turnBoard(each, again))),
    ]))));
}

/** What is different from before, line by line. */
function effect(before, after) {
  const changed = change({ before, after });
  return node("p", {}, changed ? `${before ? "Changes" : "Sets"} ${changed}.` : "Changes nothing.");
}

/** What an action's settings would have made of the newest awards. */
async function trial(id, settings) {
  const { postings, since, awards, refused, points_before: was, points_after: is } = await send(at("v1", "admin", "actions", id, "trial"), { ...given(settings), reason: "a trial" });
  if (!awards) return node("p", {}, "No award of it is among the newest postings: nothing to try this on.");
  const rules = refused.map((each) => `${words.number(each.awards)} by ${each.rule}${each.action_id === id ? "" : ` (${each.action_id})`}`);
  return node("div", {}, node("p", {}, `Had it been so for the newest ${words.number(postings)} postings, since ${words.time(since)}, with ${words.number(awards)} awards of it:`),
    node("ul", {}, node("li", {}, rules.length ? `Refused: ${rules.join(", ")}.` : "No award refused."),
      node("li", {}, was === is ? `All points the same, ${words.number(is)}.` : `All points together ${words.number(is)}, not ${words.number(was)}.`)),
    node("p", { class: "muted" }, "The whole ledger, and whose rank would be another: ", node("code", {}, "scoreboard rules simulate"), "."));
}

async function setAction(action, boards, again) {
  const is = action ?? { points: 10, board: "default", cooldown_s: 0, caps: NO_CAPS, requires_signature: false, shadow: false };
  const after = ({ elements: of }) => ({
    points: Number(of.points.value), board: of.board.value, cooldown_s: Number(of.cooldown.value),
    caps: capsIn(of),
    requires_signature: of.signature.checked, active_from: moment(of.from), active_until: moment(of.until), shadow: of.shadow.checked,
  });
  const { action_id: id, ...before } = action ?? {};
  const done = await decide({
    title: action ? `Set ${id}` : "New action", label: action ? `Set ${id}` : "Make the action",
    consequences: ["Counts from now on: awards so far keep their points, and no rank moves.", ...(action ? [] : ["Its name cannot be changed, and it cannot be deleted."])],
    fields: [node("div", { class: "fields" },
      ...(action ? [] : [field("Name", "id", "text", "", ID)]),
      field("Points", "points", "number", is.points, { required: "", min: -1_000_000, max: 1_000_000 }),
      field("Board", "board", "select", is.board, { options: boards }),
      field("Cooldown, s", "cooldown", "number", is.cooldown_s, { required: "", min: 0 }),
      ...capFields(is.caps), ...spanFields(is.active_from, is.active_until, "Awarded from"),
      field("Requires a signature", "signature", "checkbox", is.requires_signature), field("Rules in the shadow: count, refuse nothing", "shadow", "checkbox", is.shadow))],
    preview: async (form) => {
      const settings = after(form);
      const shown = effect(action && before, settings);
      return action && change({ before, after: settings }) ? node("div", {}, shown, await trial(id, settings)) : shown;
    },
    act: (form, reason) => send(at("v1", "admin", "actions", id ?? form.elements.id.value), { ...given(after(form)), reason }, "PUT"),
  });
  if (!done) return;
  say(`${done.action_id} is set.`);
  again();
}

const settingsOf = ({ title, tie, time_zone: zone, windows, points_per_hour: hourly, shadow }) =>
  ({ title, tie, time_zone: zone, windows: windows.map(({ window }) => window), points_per_hour: hourly, shadow });

async function setBoard(board, again) {
  const before = board && settingsOf(board);
  const is = before ?? { title: "", tie: "first-reached", time_zone: "UTC", windows: ["all"], points_per_hour: 0, shadow: false };
  const after = ({ elements }) => ({
    title: elements.title.value, tie: elements.tie.value, time_zone: elements.zone.value,
    windows: WINDOWS.filter((window) => elements[`window-${window}`].checked),
    points_per_hour: Number(elements.hourly.value), shadow: elements.shadow.checked,
  });
  const done = await decide({
    title: board ? `Set ${board.board}` : "New board", label: board ? `Set ${board.board}` : "Make the board",
    consequences: ["Windows can be added, never removed. The time zone stands once a window resets.", "Another rule for ties orders everybody who is tied anew, at once."],
    fields: [node("div", { class: "fields" },
      ...(board ? [] : [field("Name", "id", "text", "", ID)]),
      field("Title", "title", "text", is.title, { maxlength: 100, autocomplete: "off" }), field("Ties", "tie", "select", is.tie, { options: ["first-reached", "shared"] }),
      field("Time zone", "zone", "text", is.time_zone, { required: "", autocomplete: "off" }),
      field("Most points an hour", "hourly", "number", is.points_per_hour, { required: "", min: 0, hint: "of one user; 0 is no cap" }),
      ...WINDOWS.map((window) => field(`Window: ${window}`, `window-${window}`, "checkbox", is.windows.includes(window), is.windows.includes(window) && board ? { disabled: "" } : {})),
      field("Cap in the shadow: count, refuse nothing", "shadow", "checkbox", is.shadow))],
    preview: async (form) => effect(before, after(form)),
    act: (form, reason) => send(at("v1", "admin", "boards", board?.board ?? form.elements.id.value), { ...after(form), reason }, "PUT"),
  });
  if (!done) return;
  say(`${done.board} is set.`);
  again();
}

const FREEZES = [
  "From now on everybody sees the board as it stands at this moment: tops, ranks, pages and every screen.",
  "Awards go on and count; a user is told its own new score.",
  "Tokens with scores:read or scores:admin, and this page, see it live.",
  "Whoever is held, hidden, banned or erased still leaves it.",
];
const REVEALS = [
  "Everybody sees the board as it stands now, at once, on every screen.",
  "What was seen cannot be hidden again: another freeze shows the board of then.",
];

/** Freezes a board, or reveals it: its other settings stay as they are at that moment. */
async function turnBoard({ board, frozen_at: frozen }, again) {
  const title = `${frozen ? "Reveal" : "Freeze"} ${board}`;
  const place = at("v1", "admin", "boards", board);
  const done = await decide({
    title, label: title, consequences: frozen ? REVEALS : FREEZES, ...(frozen && { typed: board }),
    act: async (_, reason) => send(place, { ...settingsOf(await read(place)), frozen: !frozen, reason }, "PUT"),
  });
  if (!done) return;
  say(done.frozen_at ? `${board} is frozen.` : `${board} is live.`);
  again();
}
