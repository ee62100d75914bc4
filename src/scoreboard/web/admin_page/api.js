/** The public admin API, asked with the moderator's token. */

/** A refusal: what the service answered, in words. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `The service cannot be reached (${status || "no answer"}).`);
    Object.assign(this, { status, code: problem.code ?? "", pointer: problem.pointer });
    if (this.pointer) this.message += ` (${this.pointer.slice(1)})`;
  }
}

const KEPT = "adminToken";

export const signedIn = () => Boolean(sessionStorage[KEPT]);

/** Keeps the token in this tab, or forgets it. */
export function keep(token) {
  if (token) sessionStorage[KEPT] = token;
  else sessionStorage.removeItem(KEPT);
}

/** What a request answers, as text. Raises `Refused`; a refused token is forgotten. */
export async function text(path, method = "GET", body) {
  const headers = { ...(body && { "content-type": "application/json" }) };
  if (signedIn()) headers.authorization = `Bearer ${sessionStorage[KEPT]}`;
  const sent = body && JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: sent, cache: "no-store" }).catch(() => ({ status: 0 }));
  if (answer.ok) return answer.text();
  const problem = (await answer.json?.().catch(() => ({}))) ?? {};
  if (answer.status === 401) {
    keep("");
    dispatchEvent(new Event("signed-out"));
  }
  throw new Refused(answer.status, problem);
}

export const read = async (path) => JSON.parse(await text(path));
export const send = async (path, body, method = "POST") => JSON.parse(await text(path, method, body));

/** What is there, or `none` where there is no such thing. */
export async function readOr(none, path) {
  try {
    return await read(path);
  } catch (error) {
    if (error.status === 404) return none;
    throw error;
  }
}

/** A path with each part quoted: `at("v1", "users", id)`. */
export const at = (...parts) => parts.map(encodeURIComponent).join("/");
