/** The rows of a board: they glide, enter, leave, and say what has changed. */
import { node, write } from "./parts.js";

// Changes this close are one change.
const BURST_MS = 6_000;
const GLIDE = { duration: 500, easing: "cubic-bezier(.2, .8, .2, 1)" };
const GLOW = { duration: 900, easing: "ease-out", pseudoElement: "::after" };
const AWAY = { opacity: 0, transform: "translateY(1.5em) scale(.97)" };
const ACCENT = { color: "var(--accent)" };

const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Some browsers forget the roles of a table whose `display` was changed.
const cell = { role: "cell" };
const template = node("tr.row", { role: "row" }, node("td.rank", cell), node("td.move", cell),
  node("th.user", { role: "rowheader", scope: "row" }), node("td.gain", cell), node("td.score", cell));

/** Makes a function that shows the rows of a `top`. */
export function rowsIn(here) {
  const lines = new Map();

  return (rows, words, own) => {
    const first = lines.size === 0;
    const moving = !first && !document.hidden && !calm.matches;
    for (const user of lines.keys()) if (!rows.some((row) => row.user_id === user)) leave(user, moving);
    const best = Math.max(1, rows[0]?.score ?? 0);
    const scores = rows.map((row) => words.number(row.score));
    here.style.setProperty("--filled", rows.length);
    here.parentNode.style.setProperty("--digits", Math.max(4, ...scores.map((text) => text.length)));
    rows.forEach((row, index) => {
      const of = lines.get(row.user_id) ?? enter(row, first);
      place(of, index, moving);
      of.line.style.setProperty("--share", Math.max(0, row.score / best));
      of.line.classList.toggle("own", row.user_id === own);
      write(of.line.lastChild, scores[index]);
      mark(of, row, words);
    });
  };

  function enter({ user_id: user, rank, score }, first) {
    const line = template.cloneNode(true);
    line.children[2].title = line.children[2].textContent = user;
    const entered = { line, score, rank: first ? rank : Infinity, at: -Infinity };
    lines.set(user, entered);
    return entered;
  }

  function leave(user, moving) {
    const { line } = lines.get(user);
    lines.delete(user);
    if (!moving) return line.remove();
    here.append(line);
    line.ariaHidden = true;
    line.animate([{}, AWAY], GLIDE).onfinish = () => line.remove();
  }

  // `translate` is no layout: nothing shifts. Glides add up.
  function place(of, index, moving) {
    const { line, index: from } = of;
    const there = here.children[index];
    if (there !== line) here.insertBefore(line, there);
    if (from === index) return;
    of.index = index;
    line.style.setProperty("--index", index);
    line.style.zIndex = from > index ? 1 : 0;
    if (!moving) return;
    const start = { transform: `translateY(calc(${from - index} * var(--slot)))` };
    if (from >= 0) line.animate([start, {}], { ...GLIDE, composite: "add" });
    else line.animate([AWAY, {}], GLIDE);
  }
}

function mark(of, { rank, score }, words) {
  const [place, move, , gain] = of.line.children;
  of.line.dataset.rank = rank;
  write(place, words.number(rank));
  if (score === of.score && rank === of.rank) return;
  if (Date.now() - of.at > BURST_MS) of.before = { rank: of.rank, score: of.score };
  Object.assign(of, { at: Date.now(), rank, score });
  const places = of.before.rank - rank;
  const points = score - of.before.score;
  const way = places === Infinity ? "entered" : ["down", "", "up"][Math.sign(places) + 1];
  const count = words.number(Math.abs(places));
  const said = words.say(way, { places: count });
  move.dataset.way = way;
  write(move, way === "entered" ? said : way && count);
  move.ariaLabel = said || null;
  write(gain, points ? words.number(points, { signDisplay: "always" }) : "");
  if (document.hidden || !points) return;
  gain.animate([ACCENT, { ...ACCENT, offset: 0.8 }, {}], BURST_MS);
  of.line.animate([{ opacity: 0.9 }, { opacity: 0 }], GLOW);
}
