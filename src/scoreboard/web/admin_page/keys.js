/** The keys that sign actions: added once, revoked once. */
import { at, read, send } from "./api.js";
import { decide } from "./decision.js";
import { button, field, heading, node, say, table, when } from "./made.js";
import { reverse } from "./moderate.js";

export const title = "Keys";

export async function draw(view) {
  const { keys } = await read("v1/admin/keys");
  const again = () => draw(view);
  view.replaceChildren(heading("Keys that sign actions", button("Add a key", () => add(again), "")),
    table("Keys", ["Key", "Algorithm", "Actions", "Valid", "State", ""], keys.map((key) => [
      key.key, key.algorithm, key.actions.join(", ") || "all", span(key),
      key.revoked_at ? node("span", {}, "revoked ", when(key.revoked_at)) : "in use",
      node("span", { class: "choice" }, ...(key.revoked_at ? [] : [button("Revoke", () => revoke(key.key, again))]),
        button("Reverse", () => reverse({ key: key.key }, `awards signed by ${key.key}`, again))),
    ]), "No key yet: no signed action is believed."));
}

const span = ({ not_before: from, not_after: until }) =>
  from || until ? node("span", {}, when(from), " to ", when(until)) : "always";

async function revoke(key, again) {
  const done = await decide({
    title: `Revoke ${key}`, label: `Revoke ${key}`,
    consequences: ["For ever: a revoked key cannot be brought back, and its name not be used again.",
      "What it signs from now on is refused. What it signed stays counted, until it is reversed."],
    act: (_, reason) => send(at("v1", "admin", "keys", key, "revoke"), { reason }),
  });
  if (!done) return;
  say(`${key} is revoked.`);
  again();
}

async function add(again) {
  const done = await decide({
    title: "Add a key", label: "Add the key",
    consequences: ["Whoever has its private half can award points to anybody, from now on.",
      "A key never changes: to change one, add another and revoke the old one."],
    fields: [
      field("Name", "key", "text", "", { required: "", maxlength: 128, hint: "issuer.id, such as game-eu.k1", autocomplete: "off" }),
      field("Public half (Ed25519)", "public", "text", "", { required: "", minlength: 43, maxlength: 43, pattern: "[A-Za-z0-9_\\-]{43}", hint: "43 characters of base64url; the private half stays with the signer", autocomplete: "off" }),
      field("Only for these actions", "actions", "text", "", { hint: "separated by commas; empty for all", autocomplete: "off" }),
    ],
    act: ({ elements: { key, public: half, actions } }, reason) => send("v1/admin/keys", {
      key: key.value.trim(), public: half.value.trim(), reason,
      actions: actions.value.split(",").map((each) => each.trim()).filter(Boolean),
    }),
  });
  if (!done) return;
  say(`${done.key} is believed from now on.`);
  again();
}
