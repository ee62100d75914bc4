/** What a moderator does to a user, each with its consequences in words and a way back. */
import { at, read, send } from "./api.js";
import { decide, movesOf } from "./decision.js";
import { field, say, words } from "./made.js";

const UNSEEN = "Disappears from every board and screen at once, also from periods that are over; everybody below moves up.";
const BACK = "Can be taken back: score and place stay as they are.";
export const DEEDS = {
  hold: { label: "Hold", is: "held", says: [UNSEEN, "Goes on getting points.", "Stands in the review queue until somebody has looked.", BACK] },
  hide: { label: "Hide", is: "hidden", says: [UNSEEN, "Goes on getting points, and is not told.", BACK] },
  ban: { label: "Ban", is: "banned", says: [UNSEEN, "Gets no points any more: awards are answered 403 user-suspended.", BACK] },
  release: { label: "Release", is: "active", says: ["Is shown again everywhere, with score and place unchanged.", "Open findings about the user are closed."] },
  erase: {
    label: "Erase", is: "erased",
    says: ["The name, the salt and every score are deleted. There is no way back.",
      "Postings stay and name nobody; no award of the user can be counted or reversed again.",
      "If the name comes again, it is a new user without scores."],
  },
};
const WAY_BACK = { active: "release", held: "hold", hidden: "hide", banned: "ban" };

const post = (user, deed, body) => send(at("v1", "admin", "users", user, deed), body);

/** Asks and does it; `was` is the status to go back to. Calls `changed` afterwards, also of an undo. */
export async function moderate(user, deed, was, changed) {
  const { label, is, says } = DEEDS[deed];
  const done = await decide({
    title: `${label} ${user}`, consequences: says, label: `${label} ${user}`,
    typed: deed === "erase" ? user : undefined,
    preview: async () => movesOf((await post(user, deed, { reason: "preview", preview: true })).moves),
    act: (_, reason) => post(user, deed, { reason }),
  });
  if (!done) return;
  const back = deed !== "erase" && done.changed && WAY_BACK[was];
  const label_ = back && (back === "release" ? "Release again" : `Undo: ${back}`);
  say(done.changed ? `${user} is now ${is}.` : `${user} was ${is} already: nothing was changed.`, label_,
    back && (async () => {
      try {
        await post(user, back, { reason: `undone: ${deed}` });
        say(`Undone: ${user} is ${was} again.`);
      } catch (error) {
        say(`Not undone. ${error.message}`);
      }
      changed();
    }));
  changed();
}

/** Closes findings, and incidents up to one, about which nothing has to be done. */
export async function dismiss({ findings, incident }, name, changed) {
  const parts = [];
  if (findings.length) parts.push(findings.length === 1 ? "The finding" : `All ${words.number(findings.length)} open findings`);
  if (incident) parts.push("What rules refused so far");
  const many = parts.map((part) => `${part} ${part.startsWith("All") ? "are" : "is"} closed, for ever.`).join(" ");
  const done = await decide({
    title: `Dismiss what was noticed about ${name}`, label: "Dismiss",
    consequences: [`${many} Nothing else changes, and nobody is told.`, "What is irregular on another day, or refused from now on, is looked at anew."],
    act: async (_, reason) => {
      for (const entry of findings) await send(at("v1", "admin", "findings", entry, "dismiss"), { reason });
      if (incident) await send(at("v1", "admin", "incidents", incident, "dismiss"), { reason });
      return parts;
    },
  });
  if (!done) return;
  say(`What was noticed about ${name} is dismissed.`);
  changed();
}

/** Takes awards back, after a look at every rank that would move. */
export async function reverse(what, name, changed) {
  const many = !what.award_id;
  const day = new Date(Date.now() - 86_400_000 - new Date().getTimezoneOffset() * 60_000);
  const since = (form) => (many ? { since: new Date(form.elements.since.value).toISOString() } : {});
  const ask = (form, body) => send("v1/admin/reversals", { ...what, ...since(form), ...body });
  const count = (awards) => `${words.number(awards)} ${awards === 1 ? "award" : "awards"}`;
  const done = await decide({
    title: `Reverse ${name}`, label: "Reverse",
    consequences: ["Each award is taken back by a posting of its own, once, in the periods in which it counted.",
      "A reversal cannot be reversed: points would have to be awarded again."],
    fields: many ? [field("Awards since (your time)", "since", "datetime-local", day.toISOString().slice(0, 16), { required: "", step: 1 })] : [],
    preview: async (form) => {
      const { awards, points, moves } = await ask(form, { reason: "preview", preview: true });
      const shown = movesOf(moves);
      shown.prepend(`${count(awards)}, ${words.points(points)}. `);
      return shown;
    },
    act: async (form, reason, tell) => {
      const sum = { awards: 0, points: 0 };
      for (let part = {}; !part.complete; ) {
        part = await ask(form, { reason });
        sum.awards += part.awards;
        sum.points += part.points;
        tell(`${count(sum.awards)} taken back…`);
      }
      return sum;
    },
  });
  if (!done) return;
  say(`${count(done.awards)} taken back: ${words.points(done.points)}.`);
  changed();
}

export const record = (user) => read(`${at("v1", "admin", "users", user)}?limit=50`);
