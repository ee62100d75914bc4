/**
 * One board's live connection: opens it, keeps the newest board, comes back after a loss.
 * Knows the protocol and no DOM.
 *
 * @typedef {{rank: number, user_id: string, score: number, updated_at?: string}} Row
 * @typedef {{epoch: number, seq: number}} Place
 * @typedef {Place & {board: string, period: string, at: string, rows: Row[]}} Top
 * @typedef {"connecting" | "live" | "reconnecting" | "offline" | "stopped"} State
 * @typedef {{top: (top: Top) => void, state: (feed: Feed) => void}} Report
 */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const BYE_LONGEST_MS = 300_000;
const OPENING_MS = 10_000;
const SETTLED_MS = 5_000;
const MISSED_HEARTBEATS = 2.5;

/** @param {Place} one @param {Place} [other] */
export const isNewer = (one, other) =>
  !other || one.epoch > other.epoch || (one.epoch === other.epoch && one.seq > other.seq);

/**
 * How long to wait before the next attempt: full jitter under a doubling ceiling, and never
 * sooner than the server asked.
 *
 * @param {number} code the close code
 * @param {number} failures attempts since the connection was last settled
 * @param {number} [asked] `retry_after_ms` of a `bye`
 */
export function delay(code, failures, asked) {
  const later = code === 1013 || (code >= 4100 && code < 4200);
  const now = code === 1012 || (code >= 4200 && code < 4300);
  if (failures === 0 && (now || asked !== undefined)) return Math.min(asked ?? 0, BYE_LONGEST_MS);
  const ceiling = later ? LONGEST_MS : Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return Math.max(Math.min(asked ?? 0, BYE_LONGEST_MS), Math.random() * ceiling);
}

export class Feed {
  /** @type {State} */
  state = "connecting";
  /** Why it stopped. */
  reason = "";
  /** When the server was last heard, and when the next attempt begins; 0 when there is none. */
  heardAt = 0;
  nextAt = 0;

  #what; #report; #place;
  /** @type {WebSocket | undefined} */ #socket;
  /** @type {number | undefined} */ #timer;
  /** @type {number | undefined} */ #asked;
  #heartbeat = 15_000;
  #failures = 0;
  #welcomed = false;
  #liveAt = 0;
  #listening = new AbortController();

  /** @param {{base: string, board: string, period: string, place?: Place}} what @param {Report} report */
  constructor(what, report) {
    this.#what = what;
    this.#place = what.place;
    this.#report = report;
  }

  start() {
    const { signal } = this.#listening;
    addEventListener("online", () => this.#hurry(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry(), { signal });
    this.#open();
  }

  stop() {
    this.#listening.abort();
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #open() {
    clearTimeout(this.#timer);
    const { base, board, period } = this.#what;
    const url = new URL(`ws/scoreboard?${new URLSearchParams({ board, period })}`, base);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.#place) url.searchParams.set("since", `${this.#place.epoch}-${this.#place.seq}`);
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#asked = undefined;
    this.#liveAt = this.nextAt = 0;
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(JSON.parse(data));
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#lost(code, reason);
    this.#expect(OPENING_MS);
    this.#tell(this.#welcomed ? "reconnecting" : "connecting");
  }

  /** @param {any} message */
  #hear(message) {
    this.heardAt = Date.now();
    switch (message.type) {
      case "welcome":
        this.#welcomed = true;
        this.#heartbeat = message.heartbeat_ms;
        if (message.resumed) this.#live();
        break;
      case "top":
        if (isNewer(message, this.#place)) {
          this.#place = message;
          this.#report.top(message);
        }
        this.#live();
        break;
      case "tick":
        if (isNewer(message, this.#place)) this.#socket?.send('{"type":"resync"}');
        break;
      case "bye":
        this.#asked = message.retry_after_ms;
    }
    this.#expect(MISSED_HEARTBEATS * this.#heartbeat);
  }

  #live() {
    this.#liveAt ||= Date.now();
    this.#tell("live");
  }

  /** @param {number} silence_ms how long the server may say nothing */
  #expect(silence_ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abandon(), silence_ms);
  }

  // Nobody waits for the closing handshake of a dead connection.
  #abandon() {
    const socket = this.#socket;
    this.#lost(1006, "");
    socket?.close();
  }

  /** @param {number} code @param {string} reason */
  async #lost(code, reason) {
    clearTimeout(this.#timer);
    this.#socket = undefined;
    if (code >= 4000 && code < 4100) return this.#end(reason || `closed with ${code}`);
    const settled = this.#liveAt > 0 && Date.now() - this.#liveAt > SETTLED_MS;
    this.#failures = settled ? 0 : this.#failures + 1;
    const wait = delay(code, this.#failures, this.#asked);
    this.nextAt = Date.now() + wait;
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#tell(navigator.onLine ? "reconnecting" : "offline");
    if (!this.#welcomed && this.#failures === 1) await this.#ask();
  }

  // A browser hides why a handshake was refused; a read of the same board tells.
  async #ask() {
    try {
      const { base, board, period } = this.#what;
      const path = `v1/boards/${encodeURIComponent(board)}/top?${new URLSearchParams({ period })}`;
      const answer = await fetch(new URL(path, base));
      if (![400, 403, 404].includes(answer.status)) return;
      const { title } = await answer.json();
      if (!this.#welcomed && !this.#listening.signal.aborted) this.#end(title);
    } catch {
      // Not reachable, or not for this origin: go on trying.
    }
  }

  /** @param {string} reason */
  #end(reason) {
    this.stop();
    this.reason = reason;
    this.#tell("stopped");
  }

  // The network or the reader is back: no reason to wait, or to trust what slept meanwhile.
  #hurry() {
    const silent = Date.now() - this.heardAt > MISSED_HEARTBEATS * this.#heartbeat;
    if (!this.#socket) this.#open();
    else if (this.state === "live" && silent) this.#abandon();
  }

  /** @param {State} state */
  #tell(state) {
    this.state = state;
    this.#report.state(this);
  }
}
