/**
 * <score-board>: a live top ten on any page.
 *
 *     <script type="module" src="https://scores.example/static/score-board.js"></script>
 *     <score-board board="default" period="all"></score-board>
 *
 * The service must name the page's origin in SCOREBOARD_ORIGINS. All attributes may change at any time:
 *
 *     board      the board; "default"
 *     period     all, day, week, month, or a name such as 2026-W48; "all"
 *     limit      how many rows to show, 1 to 10; 10
 *     heading    the title; the board's name. A child with slot="heading" takes its place
 *     src        the service's address; where this script came from
 *
 * A <table> inside it is shown until the element takes over, and read as its first board when the
 * element carries data-epoch and data-seq. Properties: `state` (connecting, live, reconnecting, offline,
 * stopped) and `top` (the newest board). Events: `score-board-state` and `score-board-top`.
 *
 * To change its looks, set `font-size` (everything follows it), `color-scheme`, or one of
 * --score-board-font, -ink, -muted, -surface, -bar (behind a row, as long as its score), -lead (the same for
 * rank 1), -accent, -live, -warn, -row-height, -gap, -radius; or style ::part(head), (heading), (period),
 * (status), (table), (columns), (row), (rank), (user), (score), (gain), (empty).
 */
import { Feed, isNewer } from "./feed.js";
import { style } from "./style.js";

/** @typedef {import("./feed.js").Top} Top */
/** @typedef {{line: HTMLElement, rank: Element, user: Element, score: Element, gain: Element, shown: number,
 *             index: number, gained: number, fading?: Animation, gliding?: Animation}} Line */

const BASE = new URL("../", import.meta.url).href;
const SIZE = 10;
const GLIDE = { duration: 500, easing: "cubic-bezier(.2, .8, .2, 1)" };
const ANNOUNCE_MS = 5_000;
const LABELS = { all: "All time", day: "Today", week: "This week", month: "This month" };

const number = new Intl.NumberFormat();
const signed = new Intl.NumberFormat(undefined, { signDisplay: "always" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An element that is styled inside by its class and outside by its part. @param {string} tag @param {string} name */
const part = (tag, name, attributes = {}) => make(tag, { class: name, part: name, ...attributes });

export class ScoreBoard extends HTMLElement {
  static observedAttributes = ["board", "period", "limit", "heading", "src"];

  /** @type {Top | undefined} */ top;
  /** @type {Map<string, Line>} */ #lines = new Map();
  /** @type {Feed | undefined} */ #feed;
  /** @type {number | undefined} */ #counting;
  /** @type {number | undefined} */ #speaking;
  #loadedAt = performance.timeOrigin;
  #said = "";
  #leader = "";
  #planned = false;

  #heading = part("span", "heading");
  #period = part("span", "period");
  #status = part("p", "status");
  #caption = make("caption", { class: "unseen" });
  #rows = make("tbody", { class: "rows", role: "rowgroup" });
  #gone = make("tbody", { class: "gone", "aria-hidden": "true" });
  #empty = part("p", "empty", { hidden: "" });
  #voice = make("p", { class: "unseen", role: "status" });
  #frame = make("div", { class: "board" });

  constructor() {
    super();
    const title = make("div", { class: "title" }, make("slot", { name: "heading" }, this.#heading), " ", this.#period);
    const head = part("div", "head");
    head.append(title, this.#status);
    // Roles are spelt out because some browsers forget a table's once its `display` is changed.
    const columns = ["Rank", "User", "Score"].map((name) => make("th", { scope: "col", role: "columnheader" }, name));
    const columnHeads = part("tr", "columns", { role: "row" });
    columnHeads.append(...columns);
    const table = part("table", "table", { role: "table" });
    table.append(this.#caption, make("thead", { role: "rowgroup" }, columnHeads), this.#rows, this.#gone);
    this.#frame.append(head, this.#empty, table, this.#voice);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(this.#frame);
  }

  get state() {
    return this.#feed?.state ?? "stopped";
  }

  connectedCallback() {
    this.#adopt();
    this.#start();
  }

  disconnectedCallback() {
    this.#feed?.stop();
    this.#feed = undefined;
    clearInterval(this.#counting);
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (!this.#feed || before === after) return;
    if (name === "limit" || name === "heading") return this.#draw();
    if (this.#planned) return;
    this.#planned = true;
    // Attributes that change together mean one new board.
    queueMicrotask(() => {
      this.#planned = false;
      if (!this.#feed) return;
      this.#feed.stop();
      this.top = undefined;
      this.#start();
    });
  }

  #start() {
    const base = new URL(this.getAttribute("src") || BASE, document.baseURI).href.replace(/\/?$/, "/");
    const what = { base, board: this.#board, period: this.#window, place: this.top };
    const report = { top: (/** @type {Top} */ top) => this.#show(top), state: () => this.#tell() };
    this.#feed = new Feed(what, report);
    this.#draw();
    this.#feed.start();
  }

  get #board() {
    return this.getAttribute("board") || "default";
  }

  get #window() {
    return this.getAttribute("period") || "all";
  }

  // The page that came from the server already shows a board: begin with it.
  #adopt() {
    const table = this.querySelector("table");
    const { epoch, seq, period = "", at = "" } = this.dataset;
    if (table && epoch && seq && !this.top) {
      const rows = [...table.tBodies[0].rows].map(({ cells: [rank, user, score] }) => ({
        rank: Number(rank.textContent),
        user_id: user.textContent ?? "",
        score: Number(score.dataset.score),
      }));
      this.top = { board: this.#board, period, epoch: Number(epoch), seq: Number(seq), at, rows };
      this.#leader = rows[0]?.user_id ?? "";
    }
    this.querySelectorAll(":scope > :not([slot])").forEach((child) => child.remove());
  }

  /** @param {Top} top */
  #show(top) {
    if (!isNewer(top, this.top)) return;
    this.top = top;
    this.#draw();
    this.#announceLeader();
    this.dispatchEvent(new CustomEvent("score-board-top", { detail: top }));
  }

  #draw() {
    const { top } = this;
    const limit = Math.min(SIZE, Math.max(1, Math.trunc(Number(this.getAttribute("limit"))) || SIZE));
    const name = this.getAttribute("heading") || this.#board;
    this.#heading.textContent = name;
    this.#period.textContent = this.#periodLabel();
    this.#caption.textContent = `${name}: top ${limit}, ${this.#periodLabel()}`;
    this.#frame.style.setProperty("--places", String(limit));
    this.#arrange(top?.rows.slice(0, limit) ?? []);
    this.#empty.hidden = !top || top.rows.length > 0;
    this.#empty.textContent = "Nobody has scored yet. The first points show up here at once.";
  }

  #periodLabel() {
    const label = LABELS[/** @type {keyof LABELS} */ (this.#window)];
    const period = this.top?.period;
    if (!label) return this.#window;
    return period && period !== this.#window ? `${label} (${period})` : label;
  }

  /** Every line first measured, then placed, then sent from the old place to the new. @param {Top["rows"]} rows */
  #arrange(rows) {
    const moving = this.#lines.size > 0 && !document.hidden && !calm.matches;
    const before = moving ? this.#places() : new Map();
    const staying = new Set(rows.map((row) => row.user_id));
    for (const [user, line] of this.#lines) if (!staying.has(user)) this.#leave(user, line, before.get(user));
    const best = Math.max(1, rows[0]?.score ?? 0);
    const moved = rows.filter((row, index) => this.#place(row, index, best));
    if (!moving) return;
    const after = this.#places();
    for (const { user_id } of moved) this.#glide(this.#lines.get(user_id), before.get(user_id), after.get(user_id));
  }

  #places() {
    const origin = this.#rows.getBoundingClientRect().top;
    return new Map([...this.#lines].map(([user, { line }]) => [user, line.getBoundingClientRect().top - origin]));
  }

  /** @param {Top["rows"][number]} row @param {number} index @param {number} best @returns {boolean} has it moved? */
  #place(row, index, best) {
    const line = this.#lines.get(row.user_id) ?? this.#enter(row.user_id);
    const moved = line.index !== index;
    if (moved) line.gliding?.cancel();
    if (line.line !== this.#rows.children[index]) this.#rows.insertBefore(line.line, this.#rows.children[index]);
    line.line.dataset.rank = line.rank.textContent = String(row.rank);
    line.line.style.setProperty("--share", String(Math.max(0, row.score / best)));
    if (row.score !== line.shown) {
      line.score.lastChild?.replaceWith(number.format(row.score));
      if (!Number.isNaN(line.shown)) this.#flash(line, row.score - line.shown);
    }
    line.line.style.zIndex = index < line.index ? "1" : "0";
    line.shown = row.score;
    line.index = index;
    return moved;
  }

  /** @param {string} user @returns {Line} */
  #enter(user) {
    const line = part("tr", "row", { role: "row" });
    const rank = part("td", "rank", { role: "cell" });
    const name = part("th", "user", { scope: "row", role: "rowheader", title: user });
    const score = part("td", "score", { role: "cell" });
    const gain = part("span", "gain", { "aria-hidden": "true" });
    name.textContent = user;
    score.append(gain, "");
    line.append(rank, name, score);
    const entered = { line, rank, user: name, score, gain, shown: NaN, index: SIZE, gained: 0 };
    this.#lines.set(user, entered);
    return entered;
  }

  /** @param {string} user @param {Line} line @param {number | undefined} from */
  #leave(user, { line }, from) {
    this.#lines.delete(user);
    line.remove();
    if (from === undefined) return;
    const top = this.#rows.offsetTop + from;
    line.style.top = `${top}px`;
    this.#gone.append(line);
    while (this.#gone.children.length > SIZE) this.#gone.firstChild?.remove();
    const away = [{ opacity: 1 }, { opacity: 0, transform: "translateY(1.5em) scale(.97)" }];
    line.animate(away, GLIDE).onfinish = () => line.remove();
  }

  /** @param {Line | undefined} line @param {number | undefined} from @param {number | undefined} to */
  #glide(line, from, to) {
    if (!line || to === undefined) return;
    const frames =
      from === undefined
        ? [{ opacity: 0, transform: "translateY(1.5em) scale(.97)" }, {}]
        : [{ transform: `translateY(${from - to}px)` }, {}];
    line.gliding = line.line.animate(frames, GLIDE);
  }

  /** @param {Line} line @param {number} points */
  #flash(line, points) {
    if (document.hidden) return;
    line.gained = points + (line.fading?.playState === "running" ? line.gained : 0);
    line.gain.textContent = signed.format(line.gained);
    line.fading?.cancel();
    line.fading = line.gain.animate([{ opacity: 1 }, { opacity: 1, offset: 0.7 }, { opacity: 0 }], 2_200);
    const glow = { duration: 900, easing: "ease-out", pseudoElement: "::after" };
    line.line.animate([{ opacity: 0.22 }, { opacity: 0 }], glow);
  }

  #tell() {
    clearInterval(this.#counting);
    if (this.#feed?.nextAt) this.#counting = setInterval(() => this.#write(), 1_000);
    this.#write();
    const { state, reason } = this.#feed ?? {};
    const words = state === "live" ? "Live" : state === "stopped" ? `Stopped: ${reason}` : "Connection lost";
    if (state !== "connecting" && words !== this.#said) this.#say((this.#said = words));
    this.dispatchEvent(new CustomEvent("score-board-state", { detail: { state, reason } }));
  }

  #write() {
    if (!this.#feed) return;
    const { state, reason, nextAt, heardAt } = this.#feed;
    const left = Math.ceil((nextAt - Date.now()) / 1_000);
    const words = {
      connecting: "Connecting",
      live: "Live",
      reconnecting: left > 0 ? `Reconnecting in ${left} s` : "Reconnecting",
      offline: "Offline",
      stopped: `Stopped: ${reason}`,
    }[state];
    const stale = state !== "live" && this.top !== undefined;
    const since = clock.format(heardAt || this.#loadedAt);
    const text = stale && state !== "connecting" ? `${words}, board as of ${since}` : words;
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#frame.dataset.state = state;
    this.#frame.toggleAttribute("data-stale", stale && state !== "connecting");
  }

  #announceLeader() {
    this.#speaking ??= setTimeout(() => {
      this.#speaking = undefined;
      const first = this.top?.rows[0];
      if (!first || first.user_id === this.#leader) return;
      this.#leader = first.user_id;
      this.#say(`${first.user_id} leads with ${number.format(first.score)} points`);
    }, ANNOUNCE_MS);
  }

  /** @param {string} words */
  #say(words) {
    this.#voice.textContent = words;
  }
}

customElements.define("score-board", ScoreBoard);
