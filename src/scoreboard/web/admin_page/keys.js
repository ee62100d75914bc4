/** The keys that sign actions: added once, revoked once. */
import { at, read, send } from "./api.js";
import { decide } from "./decision.js";
import { NO_CAPS, capFields, capsIn, capsOf, given, moment, spanFields } from "./limits.js";
import { button, field, heading, node, say, table, when } from "./made.js";
import { reverse } from "./moderate.js";

export const title = "Keys";

export async function draw(view) {
  const { keys } = await read("v1/admin/keys");
  const again = () => draw(view);
  view.replaceChildren(heading("Keys that sign actions", button("Add a key", () => add(again), "")),
    table("Keys", ["Key", "Algorithm", "Actions", "Caps", "Valid", "State", ""], keys.map((key) => [
      key.key, key.algorithm, key.actions.join(", ") || "all", `${capsOf(key)}${key.shadow ? " (shadow)" : ""}`, span(key),
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

const BASE64URL = { autocomplete: "off", spellcheck: "false" };
const HALVES = {
  ed25519: { name: "public", label: "Public half", minlength: 43, maxlength: 43, pattern: "[A-Za-z0-9_\\-]{43}", hint: "43 characters of base64url; the private half stays with the signer" },
  "hmac-sha256": { name: "secret", label: "Secret", minlength: 43, maxlength: 171, pattern: "[A-Za-z0-9_\\-]{43,171}", hint: "base64url of 32 to 128 bytes, for the signer too: copy it now, it is never shown again" },
};

function secret() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** One field a kind of key, of which one is asked for. */
function halves() {
  const asked = Object.entries(HALVES).map(([algorithm, { name, label, ...more }]) => [algorithm, field(label, name, "text", "", { ...BASE64URL, ...more, required: "" })]);
  const choice = field("Algorithm", "algorithm", "select", "ed25519", { options: Object.keys(HALVES), hint: "with HMAC whoever checks can sign too" });
  const [kind, made] = [choice.querySelector("select"), asked.at(-1)[1]];
  made.append(button("Make one", () => (made.querySelector("input").value = secret())));
  const show = () => asked.forEach(([algorithm, part]) => {
    part.hidden = part.querySelector("input").disabled = algorithm !== kind.value;
  });
  kind.addEventListener("change", show);
  show();
  return [choice, ...asked.map(([, part]) => part)];
}

async function add(again) {
  const done = await decide({
    title: "Add a key", label: "Add the key",
    consequences: ["Whoever has its private half, or its secret, can award points to anybody while it is valid.",
      "A key never changes: to change one, add another and revoke the old one."],
    fields: [node("div", { class: "fields" },
      field("Name", "key", "text", "", { required: "", maxlength: 128, hint: "issuer.id, such as game-eu.k1", autocomplete: "off" }),
      ...halves(),
      field("Only for these actions", "actions", "text", "", { hint: "separated by commas; empty for all", autocomplete: "off" }),
      ...capFields(NO_CAPS), ...spanFields(null, null, "Signs from"),
      field("Caps in the shadow: count, refuse nothing", "shadow", "checkbox", false))],
    act: ({ elements: of }, reason) => send("v1/admin/keys", given({
      key: of.key.value.trim(), algorithm: of.algorithm.value, reason,
      public: of.public.disabled ? null : of.public.value.trim(), secret: of.secret.disabled ? null : of.secret.value.trim(),
      actions: of.actions.value.split(",").map((each) => each.trim()).filter(Boolean),
      not_before: moment(of.from), not_after: moment(of.until), caps: capsIn(of), shadow: of.shadow.checked,
    })),
  });
  if (!done) return;
  say(`${done.key} is believed from now on.`);
  again();
}
