/**
 * <score-board>: a live top ten on any page.
 *
 *     <script type="module" src="https://scores.example/static/score-board.js"></script>
 *     <score-board board="default" period="all"></score-board>
 *
 * The service must name the page's origin in SCOREBOARD_ORIGINS. Every attribute may change at any time:
 *
 *     board      the board; "default"
 *     period     all, day, week, month, or a name such as 2026-W48; "all"
 *     limit      how many rows, 1 to 10; 10
 *     heading    the title; the board's name. A child with slot="heading" takes its place
 *     src        the service's address; where this script came from
 *
 * A <table> inside it stays until the element takes over, and is its first board when there are data-epoch and
 * data-seq. Properties: `state` (connecting, live, reconnecting, offline, stopped) and `top`, the newest board.
 * Events: `score-board-state`, `score-board-top`.
 *
 * Looks: `font-size` scales everything, `color-scheme` picks light or dark, and --score-board-font, -ink, -muted,
 * -surface, -bar (behind a row, as long as its score), -lead (the same at rank 1), -accent, -live, -warn,
 * -row-height, -gap, -radius; ::part() head, heading, period, status, table, columns, row, rank, user, score,
 * gain, empty.
 */
import { Feed, isNewer } from "./feed.js";
import { Rows, number } from "./rows.js";

/** @typedef {import("./feed.js").Top} Top */
const SIZE = 10;
const ANNOUNCE_MS = 5_000;
const LABELS = { all: "All time", day: "Today", week: "This week", month: "This month" };
const BASE = new URL("../", import.meta.url).href;

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const style = new CSSStyleSheet();
const template = document.createElement("template");
template.innerHTML = `<div class="board"><div class="head" part="head"><div class="title">
<slot name="heading"><span class="heading" part="heading"></span></slot> <span class="period" part="period"></span></div>
<p class="status" part="status"></p></div><p class="empty" part="empty" hidden>
Nobody has scored yet. The first points show up here at once.</p>
<table part="table" role="table"><caption class="unseen"></caption><thead role="rowgroup"><tr part="columns" role="row">
<th scope="col" role="columnheader">Rank</th><th scope="col" role="columnheader">User</th>
<th scope="col" role="columnheader">Score</th></tr></thead><tbody class="rows" role="rowgroup"></tbody></table>
<div class="gone" aria-hidden="true"></div><p class="unseen" role="status"></p></div>`;

export class ScoreBoard extends HTMLElement {
  static observedAttributes = ["board", "period", "limit", "heading", "src"];

  /** @type {Top | undefined} */ top;
  /** @type {Feed | undefined} */ #feed;
  /** @type {number | undefined} */ #counting;
  /** @type {number | undefined} */ #speaking;
  #said = "";
  #leader = "";
  #root = this.attachShadow({ mode: "open" });
  #rows;

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [style];
    this.#root.append(template.content.cloneNode(true));
    this.#rows = new Rows(this.#part(".rows"), this.#part(".gone"));
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
    clearTimeout(this.#speaking);
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    const feed = this.#feed;
    if (!feed) return;
    if (name === "limit" || name === "heading") return this.#draw();
    feed.stop();
    // Attributes that change together mean one new board.
    queueMicrotask(() => {
      if (feed !== this.#feed) return;
      this.top = undefined;
      this.#leader = "";
      this.#start();
    });
  }

  get #board() {
    return this.getAttribute("board") || "default";
  }

  get #period() {
    return this.getAttribute("period") || "all";
  }

  #start() {
    const base = new URL(this.getAttribute("src") || BASE, document.baseURI).href.replace(/\/?$/, "/");
    this.#feed = new Feed(
      { base, board: this.#board, period: this.#period, place: this.top },
      { top: (top) => this.#show(top), state: () => this.#tell() },
    );
    this.#draw();
    this.#feed.start();
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
    for (const child of this.querySelectorAll(":scope > :not([slot])")) child.remove();
  }

  /** @param {Top} top */
  #show(top) {
    if (!isNewer(top, this.top)) return;
    this.top = top;
    this.#draw();
    this.#speaking ??= setTimeout(() => this.#announceLeader(), ANNOUNCE_MS);
    this.dispatchEvent(new CustomEvent("score-board-top", { detail: top }));
  }

  #draw() {
    const { top } = this;
    const limit = Math.min(SIZE, Math.max(1, Math.trunc(Number(this.getAttribute("limit"))) || SIZE));
    const name = this.getAttribute("heading") || this.#board;
    const label = LABELS[/** @type {keyof LABELS} */ (this.#period)];
    const period = [label, top?.period ?? this.#period].filter((word) => word && word !== "all").join(", ");
    this.#write(".heading", name);
    this.#write(".period", period);
    this.#write("caption", `${name}: top ${limit}, ${period}`);
    this.#part(".rows").style.setProperty("--places", String(limit));
    this.#part(".empty").hidden = !top || top.rows.length > 0;
    this.#rows.show(top?.rows.slice(0, limit) ?? []);
  }

  #tell() {
    clearInterval(this.#counting);
    const { state, reason, nextAt } = /** @type {Feed} */ (this.#feed);
    if (nextAt) this.#counting = setInterval(() => this.#writeStatus(), 1_000);
    this.#writeStatus();
    const words = { live: "Live", stopped: `Stopped: ${reason}`, connecting: "" }[state] ?? "Connection lost";
    if (words && words !== this.#said) this.#write("[role=status]", (this.#said = words));
    this.dispatchEvent(new CustomEvent("score-board-state", { detail: { state, reason } }));
  }

  #writeStatus() {
    const { state, reason, nextAt, heardAt } = /** @type {Feed} */ (this.#feed);
    const left = Math.ceil((nextAt - Date.now()) / 1_000);
    const words = {
      connecting: "Connecting",
      live: "Live",
      reconnecting: left > 0 ? `Reconnecting in ${left} s` : "Reconnecting",
      offline: "Offline",
      stopped: `Stopped: ${reason}`,
    }[state];
    const stale = this.top && state !== "live" && state !== "connecting";
    const since = clock.format(heardAt || performance.timeOrigin);
    this.#write(".status", stale ? `${words}, board as of ${since}` : words);
    const board = this.#part(".board");
    board.dataset.state = state;
    board.toggleAttribute("data-stale", stale);
  }

  #announceLeader() {
    this.#speaking = undefined;
    const first = this.top?.rows[0];
    if (!first || first.user_id === this.#leader) return;
    this.#leader = first.user_id;
    this.#write("[role=status]", `${first.user_id} leads with ${number.format(first.score)} points`);
  }

  /** @param {string} selector @param {string} words */
  #write(selector, words) {
    this.#part(selector).textContent = words;
  }

  /** @param {string} selector */
  #part(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }
}

// Until its style is here, the table from the server is the better board.
style.replaceSync(await (await fetch(new URL("score-board.css", import.meta.url))).text());
customElements.get("score-board") ?? customElements.define("score-board", ScoreBoard);
