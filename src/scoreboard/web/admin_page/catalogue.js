/** Actions and boards: listed, and set with a look at what changes. */
import { at, read, send } from "./api.js";
import { decide } from "./decision.js";
import { button, field, heading, node, say, section, table, words } from "./made.js";
import { change } from "./record.js";

const WINDOWS = ["all", "day", "week", "month"];
const CAPS = ["minute", "hour", "day"];
const ID = { required: "", maxlength: 64, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", autocomplete: "off" };
const COUNT = { min: 0, max: 1_000_000, required: "" };

export const title = "Actions";

export async function draw(view) {
  const [{ actions }, { boards }] = await Promise.all([read("v1/admin/actions"), read("v1/admin/boards")]);
  const again = () => draw(view);
  const names = boards.map(({ board }) => board);
  const caps = (each) => CAPS.filter((span) => each.caps[span]).map((span) => `${words.number(each.caps[span])} a ${span}`).join(", ") || "none";
  view.replaceChildren(heading("Actions and boards", button("New action", () => setAction(null, names, again), ""), button("New board", () => setBoard(null, again))),
    section("Actions", table("Actions", ["Action", "Points", "Board", "Caps", "Cooldown", "Signature", "Rules", ""], actions.map((each) => [
      each.action_id, words.number(each.points), each.board, caps(each), each.cooldown_s ? `${words.number(each.cooldown_s)} s` : "none",
      each.requires_signature ? "required" : "optional", each.shadow ? "in the shadow" : "in force",
      button("Edit", () => setAction(each, names, again)),
    ]), "No action yet: nobody can get points.")),
    section("Boards", table("Boards", ["Board", "Title", "Users", "Windows", "Ties", "Time zone", "Points an hour", ""], boards.map((each) => [
      each.board, each.title, words.number(each.total_users), each.windows.map(({ window }) => window).join(", "), each.tie, each.time_zone,
      each.points_per_hour ? `${words.number(each.points_per_hour)}${each.shadow ? " (shadow)" : ""}` : "no cap",
      button("Edit", () => setBoard(each, again)),
    ]))));
}

/** What is different from before, line by line. */
function effect(before, after) {
  const changed = change({ before, after });
  return node("p", {}, changed ? `${before ? "Changes" : "Sets"} ${changed}.` : "Changes nothing.");
}

const moment = (value) => (value ? new Date(value).toISOString() : null);
const local = (at) => at && new Date(Date.parse(at) - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

async function setAction(action, boards, again) {
  const is = action ?? { points: 10, board: "default", cooldown_s: 0, caps: { minute: 0, hour: 0, day: 0 }, requires_signature: false, shadow: false };
  const after = ({ elements: of }) => ({
    points: Number(of.points.value), board: of.board.value, cooldown_s: Number(of.cooldown.value),
    caps: Object.fromEntries(CAPS.map((span) => [span, Number(of[`cap-${span}`].value)])),
    requires_signature: of.signature.checked, active_from: moment(of.from.value), active_until: moment(of.until.value), shadow: of.shadow.checked,
  });
  const { action_id: id, ...before } = action ?? {};
  const done = await decide({
    title: action ? `Set ${id}` : "New action", label: action ? `Set ${id}` : "Make the action",
    consequences: ["Counts from now on; awards of the past keep their points."],
    fields: [node("div", { class: "fields" },
      ...(action ? [] : [field("Name", "id", "text", "", ID)]),
      field("Points", "points", "number", is.points, { required: "", min: -1_000_000, max: 1_000_000 }),
      field("Board", "board", "select", is.board, { options: boards }),
      field("Cooldown, s", "cooldown", "number", is.cooldown_s, { required: "", min: 0 }),
      ...CAPS.map((span) => field(`Most a ${span}`, `cap-${span}`, "number", is.caps[span], { ...COUNT, ...(span === "minute" && { hint: "0 is no cap" }) })),
      field("Awarded from", "from", "datetime-local", local(is.active_from), { step: 1 }), field("until", "until", "datetime-local", local(is.active_until), { step: 1 }),
      field("Requires a signature", "signature", "checkbox", is.requires_signature), field("Rules in the shadow: count, refuse nothing", "shadow", "checkbox", is.shadow))],
    preview: async (form) => effect(action && before, after(form)),
    act: (form, reason) => send(at("v1", "admin", "actions", id ?? form.elements.id.value), { ...given(after(form)), reason }, "PUT"),
  });
  if (!done) return;
  say(`${done.action_id} is set.`);
  again();
}

const given = (settings) => Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));

async function setBoard(board, again) {
  const of = board && { ...board, windows: board.windows.map(({ window }) => window) };
  const is = of ?? { title: "", tie: "first-reached", time_zone: "UTC", windows: ["all"], points_per_hour: 0, shadow: false };
  const NAMES = ["title", "tie", "time_zone", "windows", "points_per_hour", "shadow"];
  const before = of && Object.fromEntries(NAMES.map((name) => [name, of[name]]));
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
