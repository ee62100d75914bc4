/** The rows of a board: they glide to their new place, enter, leave, and show what was gained. */

/** @typedef {import("./feed.js").Row} Row */
/** @typedef {{line: HTMLElement, shown: number, index: number, gained: number, fading?: Animation,
 *             gliding?: Animation}} Line */

const MOST_LEAVING = 10;
const GLIDE = { duration: 500, easing: "cubic-bezier(.2, .8, .2, 1)" };
const GLOW = { duration: 900, easing: "ease-out", pseudoElement: "::after" };
const AWAY = { opacity: 0, transform: "translateY(1.5em) scale(.97)" };

const signed = new Intl.NumberFormat(undefined, { signDisplay: "always" });
const calm = matchMedia("(prefers-reduced-motion: reduce)");
export const number = new Intl.NumberFormat();

const template = document.createElement("template");
// Roles are spelt out: some browsers forget those of a table whose `display` was changed.
template.innerHTML =
  '<tr class="row" part="row" role="row"><td class="rank" part="rank" role="cell"></td>' +
  '<th class="user" part="user" role="rowheader" scope="row"></th>' +
  '<td class="score" part="score" role="cell"><span class="gain" part="gain" aria-hidden="true"></span><b></b></td></tr>';

export class Rows {
  /** @type {Map<string, Line>} */ #lines = new Map();
  #here;
  #leaving;

  /** @param {HTMLElement} here @param {HTMLElement} leaving where rows fade that are no longer on the board */
  constructor(here, leaving) {
    this.#here = here;
    this.#leaving = leaving;
  }

  /** Measure, place, then send each row from its old place to the new. @param {Row[]} rows */
  show(rows) {
    const moving = this.#lines.size > 0 && !document.hidden && !calm.matches;
    const before = moving ? this.#heights() : new Map();
    this.#here.style.setProperty("--filled", String(rows.length));
    const staying = new Set(rows.map((row) => row.user_id));
    for (const [user, line] of this.#lines) if (!staying.has(user)) this.#leave(user, line, before.get(line));
    const best = Math.max(1, rows[0]?.score ?? 0);
    const moved = rows.map((row, index) => this.#place(row, index, best));
    const after = moving && this.#heights();
    for (const line of moved) if (after && line) this.#glide(line, before.get(line), after.get(line));
  }

  #heights() {
    const origin = this.#leaving.getBoundingClientRect().top;
    return new Map([...this.#lines.values()].map((of) => [of, of.line.getBoundingClientRect().top - origin]));
  }

  /** @param {Row} row @param {number} index @param {number} best @returns {false | Line} what has moved */
  #place(row, index, best) {
    const of = this.#lines.get(row.user_id) ?? this.#enter(row.user_id);
    const { line } = of;
    const moved = of.index !== index && of;
    if (moved) of.gliding?.cancel();
    const there = this.#here.children[index];
    if (there !== line) this.#here.insertBefore(line, there);
    const [rank, , score] = line.children;
    line.dataset.rank = rank.textContent = String(row.rank);
    line.style.setProperty("--share", String(Math.max(0, row.score / best)));
    line.style.zIndex = index < of.index ? "1" : "0";
    of.index = index;
    if (row.score === of.shown) return moved;
    /** @type {Element} */ (score.lastChild).textContent = number.format(row.score);
    if (!Number.isNaN(of.shown)) this.#flash(of, row.score - of.shown);
    of.shown = row.score;
    return moved;
  }

  /** @param {string} user @returns {Line} */
  #enter(user) {
    const line = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
    const name = /** @type {HTMLElement} */ (line.children[1]);
    name.title = name.textContent = user;
    const entered = { line, shown: NaN, index: Infinity, gained: 0 };
    this.#lines.set(user, entered);
    return entered;
  }

  /** @param {string} user @param {Line} of @param {number} [from] */
  #leave(user, { line }, from) {
    this.#lines.delete(user);
    line.remove();
    if (from === undefined) return;
    line.style.top = `${from}px`;
    this.#leaving.append(line);
    if (this.#leaving.children.length > MOST_LEAVING) this.#leaving.firstChild?.remove();
    line.animate([{}, AWAY], GLIDE).onfinish = () => line.remove();
  }

  /** @param {Line} of @param {number | undefined} from @param {number} to */
  #glide(of, from, to) {
    const first = from === undefined ? AWAY : { transform: `translateY(${from - to}px)` };
    of.gliding = of.line.animate([first, {}], GLIDE);
  }

  /** @param {Line} of @param {number} points */
  #flash(of, points) {
    if (document.hidden) return;
    const gain = /** @type {Element} */ (of.line.querySelector(".gain"));
    of.gained = points + (of.fading?.playState === "running" ? of.gained : 0);
    gain.textContent = signed.format(of.gained);
    of.fading?.cancel();
    of.fading = gain.animate([{ opacity: 1 }, { opacity: 1, offset: 0.7 }, { opacity: 0 }], 2_200);
    of.line.animate([{ opacity: 0.22 }, { opacity: 0 }], GLOW);
  }
}
