/** Caps and spans of time, as forms ask for them and tables tell them. */
import { field, words } from "./made.js";

const SPANS = { minute: "a minute", hour: "an hour", day: "a day" };
const COUNT = { min: 0, max: 1_000_000, required: "" };

export const NO_CAPS = { minute: 0, hour: 0, day: 0 };

/** The fields of caps, and what is written in them. */
export const capFields = (caps) => Object.entries(SPANS).map(([span, named]) =>
  field(`Most ${named}`, `cap-${span}`, "number", caps[span], { ...COUNT, ...(span === "minute" && { hint: "0 is no cap" }) }));
export const capsIn = (elements) => Object.fromEntries(Object.keys(SPANS).map((span) => [span, Number(elements[`cap-${span}`].value)]));
export const capsOf = ({ caps }) => Object.entries(SPANS).filter(([span]) => caps[span]).map(([span, named]) => `${words.number(caps[span])} ${named}`).join(", ") || "none";

/** A span of time, in the reader's own; either end may be open. */
export const spanFields = (from, until, label) => [
  moments(label, "from", from), moments("Until (your time)", "until", until),
];
const moments = (label, name, at) => field(label, name, "datetime-local", local(at), { step: 1, "data-at": at ?? "" });
const local = (at) => at && new Date(Date.parse(at) - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
/** The moment in a field; as long as it is not rewritten the very one, which a field cannot show. */
export const moment = ({ value, dataset: { at } }) => {
  if (!value) return null;
  const written = new Date(value).toISOString();
  return at && local(written) === local(at) ? at : written;
};

/** Settings without those that are not given. */
export const given = (settings) => Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
