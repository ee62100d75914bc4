/**
 * The client of a Scoreboard service: awards that count once, boards, and the live feed.
 * For browsers and Node 20.16 or later; depends on nothing.
 *
 *   import { Scoreboard, fileOutbox } from "./scoreboard.js";
 *   const scoreboard = new Scoreboard("https://scores.example", { token, outbox: fileOutbox("outbox") });
 *   await scoreboard.resend();
 *   await scoreboard.award("ada", "quiz-finished");
 *   scoreboard.watch("default", { onsnapshot: (snapshot) => draw(snapshot.rows) });
 *
 * @module
 */

/**
 * @typedef {{rank: number, user_id: string, score: number, updated_at: string}} Row
 * @typedef {{epoch: number, seq: number}} Place
 * @typedef {Place & {board: string, period: string, at: string, rows: Row[]}} Snapshot
 * @typedef {Snapshot & {next: string | null}} Top
 * @typedef {{rank: number, user_id: string, score: number, updated_at: string, total_users: number, percentile: number, to_next: {rank: number, points: number} | null}} Standing
 * @typedef {Place & {board: string, period: string, standing: Standing | null}} Me
 * @typedef {{window: string, period: string, next_reset_at: string | null}} CurrentWindow
 * @typedef {{board: string, title: string, tie: string, time_zone: string, windows: CurrentWindow[], total_users: number, frozen_at?: string | null, frozen_checkpoint?: string | null}} Board
 * @typedef {{award_id: string, seq: number, epoch: number, kind: string, board: string, at: string, user_id?: string, action_id?: string, points?: number, score_after?: number, caller?: string, key?: string, reverses?: number}} Posting
 * @typedef {{postings: Posting[], next: number | null}} Postings
 * @typedef {{action_id: string, awards: number, reversed: number, points: number, first_at: string, last_at: string}} ActionSum
 * @typedef {Place & {board: string, period: string, score: number, actions: ActionSum[], complete: boolean, standing: Standing | null, tie: string, tied: Row[]}} Explanation
 * @typedef {{award_id: string, seq: number, size: number, leaf: string, hashes: string[], checkpoint: string, key: string, user_id?: string, salt?: string}} AwardProof
 * @typedef {{from: number, to: number, hashes: string[]}} Consistency
 * @typedef {{new_score: number, award_id: string, idempotency_key: string, replayed: boolean}} Receipt
 *
 * @typedef {object} Pending an award that is not settled
 * @property {string} name its key, or its signature
 * @property {string} user_id
 * @property {string} action_id
 * @property {string} caller stands for issuer and subject of the token that asked for it
 * @property {string} idempotency_key
 * @property {string} signature
 *
 * @typedef {object} Outbox where awards wait until they are settled; each answer may be a promise
 * @property {(pending: Pending) => void | Promise<void>} keep safe from a crash when it is answered; throws when full
 * @property {(name: string) => void | Promise<void>} settle forget it, if it is there
 * @property {() => Pending[] | Promise<Pending[]>} pending what is not settled, oldest first
 *
 * @typedef {{pending: Pending, receipt?: Receipt, problem?: ScoreboardProblem}} Resent
 * @typedef {string | (() => string | Promise<string>)} Token a bearer token, or what answers the current one
 *
 * @typedef {object} Options
 * @property {Token} [token]
 * @property {Outbox} [outbox]
 * @property {number} [attempts] of a request, at most; 8
 * @property {number} [deadline_ms] no attempt begins after it; 60000
 * @property {number} [timeout_ms] of one attempt; 10000
 * @property {typeof globalThis.fetch} [fetch] in place of the global one
 * @property {typeof globalThis.WebSocket | null} [WebSocket] the same; null follows boards over HTTP
 *
 * @typedef {"connecting" | "live" | "reconnecting" | "stopped"} State
 * @typedef {object} Watched
 * @property {string} [period] `all`, `day`, `week`, `month`, or a name; `all`
 * @property {Place} [since] what you have already
 * @property {(snapshot: Snapshot) => void} [onsnapshot] each is newer than the one before
 * @property {(me: Me) => void} [onme] where the caller stands; needs a token and a WebSocket
 * @property {(state: State) => void} [onstate]
 * @property {(problem: ScoreboardProblem) => void} [onproblem] it has stopped for good
 */

const ATTEMPTS = 8;
const DEADLINE_MS = 60_000;
const TIMEOUT_MS = 10_000;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5_000;
const RETRY_AFTER_MAX_S = 60;
const RETRYABLE = [429, 502, 503, 504];
// Temporary, and certain that nothing was recorded.
const NOTHING_RECORDED = ["unavailable", "overloaded", "rate-limited", "too-many-connections"];
// Refusals of an award that the ledger does not hold. Others come before it is asked.
const LEDGER_ASKED = ["award-conflict", "score-limit", "signature-expired", "suspicious-activity", "unknown-action", "user-suspended"];
const PENDING_MAX = 10_000;

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const BYE_LONGEST_MS = 300_000;
const OPENING_MS = 10_000;
const SETTLED_MS = 5_000;
const HEARTBEAT_MS = 15_000;
const MISSED_HEARTBEATS = 2.5;
// Server-sent events do not say how often they break their silence.
const STREAM_SILENCE_MS = 90_000;
const ABNORMAL = 1006;
const STOP_CODES = [1002, 1003, 1007, 1008, 1009, 1010];
const STOP_STATUSES = [400, 401, 403, 404];

/** What a request, or a board that is watched, has met. */
export class ScoreboardProblem extends Error {
  name = "ScoreboardProblem";

  /**
   * @param {number} status of HTTP, or the close code of a live connection, or 0 when nothing answered
   * @param {string} code the service's, or `unreachable`, `not-a-scoreboard`, `closed`
   * @param {string} detail
   */
  constructor(status, code, detail) {
    super(`${detail.replace(/\.$/, "")}${status ? ` (${status} ${code})` : ""}.`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    /** Whether some attempt may have been recorded: ask again with the same key. */
    this.inDoubt = false;
    /** The key of the award, which settles it. */
    this.idempotencyKey = "";
  }

  /** Whether asking again can help. */
  get temporary() {
    return this.code === "unreachable" || RETRYABLE.includes(this.status);
  }

  /** Whether an award is refused for good. A token that has expired settles nothing. */
  get settles() {
    if (LEDGER_ASKED.includes(this.code)) return true;
    const ours = !["not-a-scoreboard", "invalid-token"].includes(this.code);
    return ours && !this.temporary && !this.inDoubt && this.status >= 400 && this.status < 500;
  }
}

/** One service, and at most one caller. */
export class Scoreboard {
  #token; #outbox; #fetch; #patience;

  /** @param {string | URL} url `https://host[:port][/path]` @param {Options} [options] */
  constructor(url, options = {}) {
    /** @readonly */
    this.url = new URL(`${url}`.replace(/\/*$/, "/"));
    if (!/^https?:$/.test(this.url.protocol)) throw new TypeError(`${url} is not the URL of a service; give one like https://scores.example`);
    this.#token = options.token;
    this.#outbox = options.outbox;
    this.#fetch = options.fetch ?? ((/** @type {any} */ ...all) => globalThis.fetch(.../** @type {[any]} */ (all)));
    this.#patience = { attempts: options.attempts ?? ATTEMPTS, deadline_ms: options.deadline_ms ?? DEADLINE_MS, timeout_ms: options.timeout_ms ?? TIMEOUT_MS };
    /** @readonly */
    this.WebSocket = options.WebSocket === undefined ? globalThis.WebSocket : options.WebSocket;
  }

  /**
   * A user finished an action: counted once, however often it is sent. With an outbox it is kept
   * before it is sent, until it is settled. Rejects with a ScoreboardProblem.
   *
   * @param {string} userId @param {string} actionId
   * @param {{idempotencyKey?: string, signature?: string}} [named] a key of your own, made of what was finished; or what your backend signed
   * @returns {Promise<Receipt>}
   */
  async award(userId, actionId, { idempotencyKey = "", signature = "" } = {}) {
    if (idempotencyKey && signature) throw new TypeError("a signature names the award already: give no idempotencyKey");
    const key = signature ? "" : idempotencyKey || newKey();
    const pending = { name: key || signature, user_id: userId, action_id: actionId, caller: await this.#caller(), idempotency_key: key, signature };
    await this.#outbox?.keep(pending);
    return this.#deliver(pending, false);
  }

  /**
   * Sends again what the outbox holds of this caller, oldest first, and says what came of each. Call
   * it at the start, and now and then. It ends at the first temporary problem.
   *
   * @returns {Promise<Resent[]>}
   */
  async resend() {
    const caller = await this.#caller();
    /** @type {Resent[]} */
    const done = [];
    for (const pending of (await this.#outbox?.pending()) ?? []) {
      // To another caller's token the same key would be a new award.
      if (pending.caller !== caller) continue;
      try {
        done.push({ pending, receipt: await this.#deliver(pending, true) });
      } catch (error) {
        if (!(error instanceof ScoreboardProblem)) throw error;
        done.push({ pending, problem: error });
        if (error.temporary) break;
      }
    }
    return done;
  }

  /** The first users of a board, or those after a cursor, which is the `next` of the page before.
   * @param {string} [board] @param {{period?: string, limit?: number, cursor?: string}} [page] @returns {Promise<Top>} */
  async top(board = "default", { period = "all", limit = 10, cursor } = {}) {
    return this.#read(["boards", board, "top"], { period, limit, cursor });
  }

  /** Where a user stands. @param {string} userId @param {string} [board] @param {string} [period] @returns {Promise<Standing>} */
  async standing(userId, board = "default", period = "all") {
    return this.#read(["boards", board, "users", userId], { period });
  }

  /** A user between its neighbours.
   * @param {string} userId @param {string} [board] @param {{period?: string, radius?: number}} [where] @returns {Promise<{rows: Row[]}>} */
  async around(userId, board = "default", { period = "all", radius = 5 } = {}) {
    return this.#read(["boards", board, "users", userId, "around"], { period, radius });
  }

  /** All boards, with their current periods. @returns {Promise<{boards: Board[]}>} */
  async boards() {
    return this.#read(["boards"]);
  }

  /** One board. @param {string} [board] @returns {Promise<Board>} */
  async board(board = "default") {
    return this.#read(["boards", board]);
  }

  /** What the ledger recorded for an award: for its user, or `scores:read`. @param {string} awardId @returns {Promise<Posting>} */
  async posting(awardId) {
    return this.#read(["awards", awardId]);
  }

  /** A user's postings, newest first; `before` is the `next` of the page before.
   * @param {string} userId @param {{before?: number, limit?: number}} [page] @returns {Promise<Postings>} */
  async postings(userId, { before, limit = 50 } = {}) {
    return this.#read(["users", userId, "awards"], { before, limit });
  }

  /** Why a user's score is what it is. @param {string} userId @param {string} [board] @param {string} [period] @returns {Promise<Explanation>} */
  async explain(userId, board = "default", period = "all") {
    return this.#read(["users", userId, "explain"], { board, period });
  }

  /** How far the ledger has come. @returns {Promise<Place>} */
  async head() {
    return this.#read(["ledger", "head"]);
  }

  /** That an award is under the newest checkpoint, ten seconds later at most; `verify.js` verifies it. @param {string} awardId @returns {Promise<AwardProof>} */
  async awardProof(awardId) {
    return this.#read(["awards", awardId, "proof"]);
  }

  /** The newest signed checkpoint: a note, to be verified, and kept elsewhere as it is. @returns {Promise<string>} */
  async checkpoint() {
    return (await this.#ask("v1/ledger/checkpoint", {}, { read: noteIn }))[1];
  }

  /** That the ledger of `to` postings (of the newest checkpoint) begins with `from` ones. @param {number} from @param {number} [to] @returns {Promise<Consistency>} */
  async consistency(from, to) {
    return this.#read(["ledger", "consistency"], { from, to });
  }

  /** Follows the top ten of a board until it is stopped. @param {string} [board] @param {Watched} [watched] */
  watch(board = "default", watched = {}) {
    return new Watch(this, board, watched);
  }

  /** One request without retries, as this caller. @param {string | URL} path @param {RequestInit} [init] */
  async send(path, init = {}) {
    return this.#fetch(new URL(path, this.url), await this.#authorized(init));
  }

  /** The token to use now. */
  async token() {
    return (typeof this.#token === "function" ? await this.#token() : this.#token) ?? "";
  }

  /** @param {RequestInit} init @returns {Promise<RequestInit>} */
  async #authorized(init) {
    const headers = new Headers(init.headers);
    const token = await this.token();
    if (token) headers.set("Authorization", `Bearer ${token}`);
    return { ...init, headers };
  }

  async #caller() {
    return callerOf(await this.token());
  }

  /** @param {Pending} pending @param {boolean} inDoubt @returns {Promise<Receipt>} */
  async #deliver(pending, inDoubt) {
    /** @type {Record<string, string>} */
    const headers = pending.signature ? { "Action-Signature": pending.signature } : { "Idempotency-Key": pending.idempotency_key };
    const body = JSON.stringify({ user_id: pending.user_id, action_id: pending.action_id });
    try {
      const [answer, told] = await this.#ask("v1/scores", { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body }, { inDoubt });
      await this.#outbox?.settle(pending.name);
      return {
        new_score: told.new_score,
        award_id: answer.headers.get("Award-Id") ?? "",
        idempotency_key: pending.idempotency_key,
        replayed: answer.headers.get("Idempotency-Replayed") === "true",
      };
    } catch (error) {
      if (error instanceof ScoreboardProblem) {
        error.idempotencyKey = pending.idempotency_key;
        if (error.settles) await this.#outbox?.settle(pending.name);
      }
      throw error;
    }
  }

  /** @param {string[]} parts @param {Record<string, string | number | undefined>} [query] */
  async #read(parts, query = {}) {
    const given = Object.entries(query).flatMap(([name, value]) => (value == null ? [] : [[name, `${value}`]]));
    const path = `v1/${parts.map(encodeURIComponent).join("/")}?${new URLSearchParams(given)}`;
    return (await this.#ask(path.replace(/\?$/, ""), {}))[1];
  }

  /** @param {string} path @param {RequestInit} init @param {{inDoubt?: boolean, read?: (text: string) => any}} [how] @returns {Promise<[Response, any]>} */
  async #ask(path, init, { inDoubt = false, read = parsed } = {}) {
    const { attempts, deadline_ms, timeout_ms } = this.#patience;
    const end = Date.now() + deadline_ms;
    for (let attempt = 1; ; attempt++) {
      const { answer, told, problem } = await this.#attempt(path, read, { ...init, signal: AbortSignal.timeout(Math.max(50, Math.min(timeout_ms, end - Date.now()))) });
      if (answer && !problem) return [answer, told];
      if (!problem) throw new Error("an attempt ends with an answer or a problem");
      inDoubt ||= problem.temporary && !NOTHING_RECORDED.includes(problem.code);
      problem.inDoubt = inDoubt;
      const wait = retryAfter_ms(answer?.headers) + Math.random() * Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** (attempt - 1));
      if (!problem.temporary || attempt >= attempts || Date.now() + wait >= end) throw problem;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /** @param {string} path @param {(text: string) => any} read @param {RequestInit} init @returns {Promise<{answer?: Response, told?: any, problem?: ScoreboardProblem}>} */
  async #attempt(path, read, init) {
    let answer;
    let text;
    const authorized = await this.#authorized(init);
    try {
      answer = await this.#fetch(new URL(path, this.url), authorized);
      text = await answer.text();
    } catch (error) {
      // What fetch rejects with, and nothing of ours.
      if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
      return { problem: new ScoreboardProblem(0, "unreachable", `No scoreboard service answers at ${this.url}`) };
    }
    const told = answer.ok && read(text);
    return told ? { answer, told } : { answer, problem: problemOf(answer.status, parsed(text)) };
  }
}

/** A board that is followed. Also an async iterable: `for await (const snapshot of watch)`, newest wins. */
export class Watch {
  /** @type {State} */ state = "connecting";
  /** The newest snapshot. @type {Snapshot | undefined} */ snapshot;
  /** Why it stopped. @type {ScoreboardProblem | undefined} */ problem;

  #client; #board; #watched;
  /** @type {Place | undefined} */ #place;
  /** Ends the present connection. @type {(() => void) | undefined} */ #leave;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {number | undefined} */ #asked;
  #heartbeat = HEARTBEAT_MS;
  #failures = 0;
  #welcomed = false;
  #liveAt = 0;
  /** @type {Set<() => void>} */ #waiting = new Set();
  #listening = new AbortController();

  /** @param {Scoreboard} client @param {string} board @param {Watched} watched */
  constructor(client, board, watched) {
    if (watched.onme && !client.WebSocket) throw new TypeError("onme needs a WebSocket: Node 22 has one, or give one to Scoreboard");
    this.#client = client;
    this.#board = board;
    this.#watched = watched;
    this.#place = watched.since;
    const { signal } = this.#listening;
    globalThis.addEventListener?.("online", () => this.#hurry(), { signal });
    this.#open();
  }

  /** Leaves the board. */
  stop() {
    this.#listening.abort();
    clearTimeout(this.#timer);
    this.#drop();
    this.#tell("stopped");
    this.#wake();
  }

  /** @returns {AsyncGenerator<Snapshot, void, void>} ends when it is stopped; rejects when the service stops it */
  async *[Symbol.asyncIterator]() {
    /** @type {Snapshot | undefined} */
    let shown;
    try {
      while (this.state !== "stopped" || this.snapshot !== shown) {
        if (this.snapshot && this.snapshot !== shown) yield (shown = this.snapshot);
        else await new Promise((resolve) => this.#waiting.add(() => resolve(undefined)));
      }
    } finally {
      if (this.state !== "stopped") this.stop();
    }
    if (this.problem) throw this.problem;
  }

  #open() {
    this.#asked = undefined;
    this.#liveAt = 0;
    this.#expect(OPENING_MS);
    if (this.#client.WebSocket) this.#socket(this.#client.WebSocket);
    else this.#stream();
  }

  /** @param {typeof globalThis.WebSocket} Socket */
  #socket(Socket) {
    const url = this.#at("ws/scoreboard", { board: this.#board });
    url.protocol = url.protocol.replace("http", "ws");
    if (this.#place) url.searchParams.set("since", `${this.#place.epoch}-${this.#place.seq}`);
    const socket = new Socket(url, ["scoreboard.v1"]);
    const leave = () => socket.close();
    this.#leave = leave;
    const say = (/** @type {object} */ message) => socket.readyState === 1 && socket.send(JSON.stringify(message));
    socket.onopen = async () => {
      try {
        if (this.#watched.onme) say({ type: "hello", token: await this.#client.token(), me: true });
      } catch {
        // There is no token now: come back, as over HTTP.
        if (this.#leave === leave) this.#lost(ABNORMAL, "");
      }
    };
    socket.onmessage = ({ data }) => this.#leave === leave && this.#hear(parsed(data), say);
    // Node 20 says no more than this of a handshake that was refused.
    socket.onerror = () => this.#leave === leave && !this.#liveAt && this.#lost(ABNORMAL, "");
    socket.onclose = ({ code, reason }) => this.#leave === leave && this.#lost(code, reason);
  }

  // Where there is no WebSocket: the same tops as server-sent events.
  async #stream() {
    const abort = new AbortController();
    const leave = () => abort.abort();
    this.#leave = leave;
    try {
      /** @type {Record<string, string>} */
      const headers = this.#place ? { "Last-Event-ID": `${this.#place.epoch}-${this.#place.seq}` } : {};
      const answer = await this.#client.send(this.#at(`v1/boards/${encodeURIComponent(this.#board)}/stream`), { headers, signal: abort.signal });
      if (!answer.ok || !answer.body) {
        if (STOP_STATUSES.includes(answer.status)) return this.#end(problemOf(answer.status, parsed(await answer.text())));
        this.#asked = retryAfter_ms(answer.headers) || undefined;
      } else {
        this.#live();
        this.#expect(STREAM_SILENCE_MS);
        let first = true;
        for await (const event of events(answer.body)) {
          if (this.#leave !== leave) return;
          if (event.data) this.#hear({ ...parsed(event.data), type: "top" }, () => {});
          // The first is the usual wait; another one is a farewell.
          else if (event.retry && !first) this.#asked = Number(event.retry);
          first = false;
          this.#expect(STREAM_SILENCE_MS);
        }
      }
    } catch {
      // Lost, like any other connection.
    }
    if (this.#leave === leave) this.#lost(ABNORMAL, "");
  }

  /** @param {any} message @param {(message: object) => void} say */
  #hear(message, say) {
    switch (message?.type) {
      case "welcome":
        this.#heartbeat = message.heartbeat_ms;
        this.#live();
        break;
      case "top":
        if (isNewer(message, this.#place)) {
          this.#place = this.snapshot = message;
          this.#watched.onsnapshot?.(message);
          this.#wake();
        }
        break;
      case "me":
        this.#watched.onme?.(message);
        break;
      case "tick":
        if (isNewer(message, this.#place)) say({ type: "resync" });
        break;
      case "bye":
        this.#asked = message.retry_after_ms;
    }
    this.#expect(MISSED_HEARTBEATS * this.#heartbeat);
  }

  #live() {
    this.#welcomed = true;
    this.#liveAt = Date.now();
    this.#tell("live");
  }

  /** @param {number} silence_ms how long the service may say nothing */
  #expect(silence_ms) {
    this.#next(() => this.#lost(ABNORMAL, ""), silence_ms);
  }

  /** @param {number} code @param {string} reason */
  async #lost(code, reason) {
    this.#drop();
    if (STOP_CODES.includes(code) || (code >= 4000 && code < 4100)) {
      return this.#end(new ScoreboardProblem(code, "closed", reason || "The service closed the live connection for good"));
    }
    const settled = this.#liveAt > 0 && Date.now() - this.#liveAt > SETTLED_MS;
    this.#failures = settled ? 0 : this.#failures + 1;
    this.#next(() => this.#open(), delay(code, this.#failures, this.#asked));
    this.#tell(this.#welcomed ? "reconnecting" : "connecting");
    if (!this.#liveAt && this.#client.WebSocket) await this.#examine();
  }

  // A WebSocket hides why its handshake was refused; a read of the same board tells.
  async #examine() {
    try {
      const answer = await this.#client.send(this.#at(`v1/boards/${encodeURIComponent(this.#board)}/top`));
      const told = parsed(await answer.text());
      if (STOP_STATUSES.includes(answer.status) && this.state !== "stopped") this.#end(problemOf(answer.status, told));
    } catch {
      // Not reachable: go on trying.
    }
  }

  /** @param {ScoreboardProblem} problem */
  #end(problem) {
    this.problem = problem;
    this.stop();
    this.#watched.onproblem?.(problem);
  }

  // The network is back: no reason to wait.
  #hurry() {
    if (!this.#leave) this.#next(() => this.#open(), 0);
  }

  /** Whatever is due next, unless something else comes first. @param {() => void} act @param {number} wait_ms */
  #next(act, wait_ms) {
    clearTimeout(this.#timer);
    if (this.state !== "stopped") this.#timer = setTimeout(act, wait_ms);
  }

  #drop() {
    const leave = this.#leave;
    this.#leave = undefined;
    leave?.();
  }

  /** @param {string} path @param {Record<string, string>} [query] */
  #at(path, query = {}) {
    return new URL(`${path}?${new URLSearchParams({ ...query, period: this.#watched.period ?? "all" })}`, this.#client.url);
  }

  // Those who iterate.
  #wake() {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** @param {State} state */
  #tell(state) {
    if (this.state === state) return;
    this.state = state;
    this.#watched.onstate?.(state);
  }
}

/** @param {Place} one @param {Place} [other] */
export const isNewer = (one, other) => !other || one.epoch > other.epoch || (one.epoch === other.epoch && one.seq > other.seq);

/**
 * How long to stay away: full jitter under a doubling ceiling, never less than the server asked.
 *
 * @param {number} code the close code
 * @param {number} failures attempts since a connection last stood for five seconds
 * @param {number} [asked] `retry_after_ms` of a `bye`
 */
export function delay(code, failures, asked) {
  const floor = Math.min(asked ?? 0, BYE_LONGEST_MS);
  const now = code === 1012 || (code >= 4200 && code < 4300);
  if (failures === 0 && (now || asked !== undefined)) return floor;
  const later = code === 1013 || (code >= 4100 && code < 4200);
  const ceiling = later ? LONGEST_MS : Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return Math.max(floor, Math.random() * ceiling);
}

/**
 * An outbox in the browser's local storage: outlives the page, and the browser as well as it flushes.
 *
 * @param {string} [prefix] @param {Storage} [storage] @returns {Outbox}
 */
export function localStorageOutbox(prefix = "scoreboard:outbox:", storage = globalThis.localStorage) {
  const names = () => Array.from(storage, (_, index) => storage.key(index) ?? "").filter((name) => name.startsWith(prefix));
  return {
    keep(pending) {
      ensureRoom(names().length);
      storage.setItem(prefix + pending.name, JSON.stringify({ ...pending, kept_at: Date.now() }));
    },
    settle: (name) => storage.removeItem(prefix + name),
    pending: () => oldestFirst(names().map((name) => storage.getItem(name) ?? "")),
  };
}

/**
 * An outbox in a folder of its own, for Node: a file an award, flushed to disk, for its owner alone.
 *
 * @param {string} folder @returns {Outbox}
 */
export function fileOutbox(folder) {
  // Not an import: a bundler for browsers must not look for it.
  const builtin = /** @type {any} */ (globalThis).process?.getBuiltinModule;
  if (!builtin) throw new TypeError("fileOutbox needs Node 20.16 or later; browsers have localStorageOutbox");
  const fs = builtin("node:fs");
  const { createHash } = builtin("node:crypto");
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const place = (/** @type {string} */ name) => `${folder}/${createHash("sha256").update(name).digest("hex").slice(0, 40)}.json`;
  const files = () => fs.readdirSync(folder).filter((/** @type {string} */ name) => name.endsWith(".json"));
  const flush = (/** @type {string} */ path, /** @type {string} */ flag, /** @type {string} */ text) => {
    const file = fs.openSync(path, flag, 0o600);
    try {
      if (text) fs.writeSync(file, text);
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
  };
  return {
    keep(pending) {
      const path = place(pending.name);
      if (fs.existsSync(path)) return;
      ensureRoom(files().length);
      flush(`${path}.new`, "w", JSON.stringify({ ...pending, kept_at: Date.now() }));
      fs.renameSync(`${path}.new`, path);
      flush(folder, "r", "");
    },
    settle: (name) => fs.rmSync(place(name), { force: true }),
    pending: () => oldestFirst(files().map((/** @type {string} */ name) => fs.readFileSync(`${folder}/${name}`, "utf8"))),
  };
}

/** @param {number} count */
function ensureRoom(count) {
  if (count >= PENDING_MAX) throw new RangeError(`the outbox holds ${PENDING_MAX} awards: resend() them before you ask for more`);
}

/** @param {string[]} texts @returns {Pending[]} */
function oldestFirst(texts) {
  return texts.flatMap((text) => parsed(text) ?? []).sort((one, other) => one.kept_at - other.kept_at);
}

/** The fields of server-sent events. @param {ReadableStream<Uint8Array>} body @returns {AsyncGenerator<Record<string, string>, void, void>} */
async function* events(body) {
  const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      yield Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trimStart()]));
    }
  }
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The note that a text is, if it looks like one. @param {string} text */
const noteIn = (text) => (/^.+\n\d+\n.+\n[^]*\n\n— /.test(text) ? text : undefined);

/** @param {number} status @param {any} told */
function problemOf(status, told) {
  return typeof told?.code === "string" && typeof told.detail === "string"
    ? new ScoreboardProblem(status, told.code, told.detail)
    : new ScoreboardProblem(status, "not-a-scoreboard", "The answer is not one of a scoreboard service");
}

/** @param {Headers} [headers] */
function retryAfter_ms(headers) {
  const seconds = headers?.get("Retry-After") ?? "";
  return /^\d+$/.test(seconds) ? Math.min(Number(seconds), RETRY_AFTER_MAX_S) * 1000 : 0;
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(18)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Issuer and subject of a token, which name an award together with its key. @param {string} token */
function callerOf(token) {
  try {
    const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    const { iss = "", sub = "" } = JSON.parse(new TextDecoder().decode(bytes));
    return JSON.stringify([iss, sub]);
  } catch {
    return ""; // no token that the service would take
  }
}
