/** <score-board>, a live top ten on any page; docs/embed.md describes it. */
import { face } from "./face.js";
import { follow } from "./feed.js";
import { speak } from "./words.js";

const SIZE = 10;
const LOOK_MS = 15_000;
const SPREAD_MS = 5_000;
const VIEW_MS = 120_000;
const BASE = new URL("../", import.meta.url).href;
const style = new CSSStyleSheet();

export class ScoreBoard extends HTMLElement {
  static observedAttributes = ["board", "period", "limit", "heading", "src", "user", "locale"];

  // `token` and `words` are no fields: they may have been set before this class was there.
  top; view; standing;
  #face; #feed; #ticking; #viewAt; #lookAt; #where; #who;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    this.#face = face(root);
  }

  get state() {
    return this.#feed?.state ?? "stopped";
  }

  connectedCallback() {
    // The server's page already shows a board: begin with it.
    const { top } = this.dataset;
    if (top) this.top ??= JSON.parse(top);
    for (const child of this.querySelectorAll(":scope > :not([slot])")) child.remove();
    this.#start();
    this.#ticking = setInterval(() => this.#tick(), 1_000);
  }

  disconnectedCallback() {
    clearInterval(this.#ticking);
    this.#feed.stop();
    this.#feed = undefined;
  }

  // Attributes that change together are one change.
  attributeChangedCallback() {
    queueMicrotask(() => this.#feed && this.#draw());
  }

  #attribute(name, otherwise) {
    return this.getAttribute(name) || otherwise;
  }

  get #what() {
    const base = new URL(this.#attribute("src", BASE), document.baseURI).href.replace(/\/?$/, "/");
    return { base, board: this.#attribute("board", "default"), period: this.#attribute("period", "all") };
  }

  get #pinned() {
    return this.token || this.#attribute("user");
  }

  /** The user whose standing is pinned, as far as known. */
  get #own() {
    return this.token ? this.standing?.user_id : this.#pinned;
  }

  #start() {
    const { token } = this;
    const where = JSON.stringify(this.#what);
    if (this.#where && this.#where !== where) this.top = this.view = undefined;
    this.#where = where;
    this.#who = this.#pinned;
    this.standing = undefined;
    this.#lookAt = this.#viewAt = 0;
    this.#feed?.stop();
    this.#feed = follow({ ...this.#what, token }, this.top, {
      top: (top) => this.#show(top),
      me: (standing) => this.#stand(standing),
      state: () => {
        this.#tick();
        this.#tell("state", { state: this.state, reason: this.#feed.reason });
      },
      refused: () => {
        this.token = undefined;
        this.#tell("token");
      },
    });
    this.#draw();
    this.#feed.open();
  }

  #show(top) {
    // A frame without a new row may be a freeze, any frame its end.
    const awarded = top.rows.some((row) => row.updated_at === top.at);
    if (!awarded || this.view?.frozen_at || top.period !== this.top?.period) this.#viewAt = 0;
    this.top = top;
    const own = top.rows.find((row) => row.user_id === this.#own);
    if (own && (own.score !== this.standing?.score || own.rank !== this.standing.rank)) this.standing = own;
    this.#lookAt = Math.min(this.#lookAt, Date.now() + 1_000 + Math.random() * SPREAD_MS);
    this.#draw();
    this.#tell("top", top);
  }

  #stand(standing) {
    this.standing = standing;
    this.#draw();
    this.#tell("standing", standing);
  }

  // What no frame tells: when the board resets, whether it is frozen, where a followed user stands.
  async #look() {
    const feed = this.#feed;
    const user = !this.token && this.#own;
    const { base, board, period } = this.#what;
    const now = Date.now();
    this.#lookAt = now + LOOK_MS + Math.random() * SPREAD_MS;
    const read = async (path) => {
      const answer = await fetch(new URL(`v1/boards/${encodeURIComponent(board)}${path}`, base)).catch(() => ({}));
      if (answer.status === 429) this.#lookAt += VIEW_MS;
      const found = answer.ok ? await answer.json() : answer.status === 404 ? null : undefined;
      if (feed === this.#feed) return found;
    };
    if (now > this.#viewAt) {
      this.#viewAt = now + VIEW_MS;
      const view = await read("");
      if (view) this.#tell("view", (this.view = view));
    }
    const standing = user ? await read(`/users/${encodeURIComponent(user)}?period=${period}`) : undefined;
    if (standing !== undefined) this.#stand(standing);
  }

  #draw() {
    const { board, period } = this.#what;
    const { top, standing } = this;
    const limit = Math.trunc(this.#attribute("limit"));
    this.#face.draw(speak(this.#attribute("locale"), this.words), {
      title: this.#attribute("heading", board),
      limit: limit > 0 && limit < SIZE ? limit : SIZE,
      own: this.#own,
      pinned: this.token ? "you" : this.#own && "they",
      period, top, standing,
    });
    this.#tick();
  }

  #tick() {
    if (this.#where !== JSON.stringify(this.#what) || this.#who !== this.#pinned) return this.#start();
    this.#face.tick(this.#feed, this.view);
    if (Date.now() > this.#lookAt && !document.hidden && this.state === "live") this.#look();
  }

  #tell(event, detail) {
    this.dispatchEvent(new CustomEvent(`score-board-${event}`, { detail }));
  }
}

// Until its style is here, the table from the server is the better board.
style.replaceSync(await (await fetch(new URL("score-board.css", import.meta.url))).text());
customElements.get("score-board") ?? customElements.define("score-board", ScoreBoard);
