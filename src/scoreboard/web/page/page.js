/** What the page adds to its board: countdowns, a token, a user's card, a wall that stays awake. */
import { node, write } from "./parts.js";
import { speak } from "./words.js";

const CARD_MS = 2_000;
const HISTORY = 200;
const words = speak();
const find = (selector) => document.querySelector(selector);
const [board, card, form, code] = ["score-board", "[data-user]", "[data-token]", "[data-embed]"].map(find);

if (code) code.textContent = code.textContent.replace("static", new URL("static", document.baseURI));

setInterval(() => {
  for (const { window, next_reset_at: at } of board.view?.windows ?? []) {
    const time = find(`[data-reset=${window}]`);
    if (time) write(time, words.span(Date.parse(at) - Date.now()));
  }
}, 1_000);

// The token stays in this tab.

let asked = false;
const keep = (token, refused) => {
  if (form) find("[data-refused]").hidden = !refused;
  return (board.token = sessionStorage.token = token);
};

board.token = sessionStorage.token;
board.addEventListener("score-board-token", () => keep("", true));
if (form) {
  form.parentNode.hidden = false;
  form.onreset = () => keep("");
  form.onsubmit = (event) => {
    event.preventDefault();
    asked = keep(form.elements.token.value.trim());
  };
}

async function read(path) {
  const headers = board.token ? { authorization: `Bearer ${board.token}` } : {};
  const answer = await fetch(path, { headers }).catch(() => ({}));
  return answer.ok ? answer.json() : {};
}

function drawNeighbours(rows, user) {
  find(".followed tbody").replaceChildren(...rows.map(({ rank, user_id: name, score }) =>
    node("tr", name === user && { "aria-current": "true" }, node("td", {}, words.number(rank)),
      node("th", { scope: "row", title: name }, name), node("td", {}, words.number(score)))));
}

function drawHistory(postings) {
  const mine = postings.filter((each) => each.board === board.getAttribute("board") && each.score_after != null);
  if (mine.length < 2) return;
  const scores = mine.map((each) => each.score_after);
  const times = mine.map((each) => Date.parse(each.at));
  const [first, high] = [times.at(-1), Math.max(...scores)];
  const svg = find("figure svg");
  svg.setAttribute("viewBox", `0 0 ${times[0] - first || 1} ${high - Math.min(...scores) || 1}`);
  svg.firstElementChild.setAttribute("points", times.map((at, index) => [at - first, high - scores[index]]).join(" "));
  write(find("figcaption"), `${words.points(scores[0] - scores.at(-1))} since ${words.time(first)}`);
  find("figure").hidden = false;
}

async function drawCard() {
  const { user, around } = card.dataset;
  const { rows } = await read(around);
  if (rows) drawNeighbours(rows, user);
  const { postings } = board.token ? await read(`v1/users/${encodeURIComponent(user)}/awards?limit=${HISTORY}`) : {};
  if (postings) drawHistory(postings);
  due = 0;
}

let due = 0;
board.addEventListener("score-board-standing", ({ detail }) => {
  if (card) due ||= setTimeout(drawCard, CARD_MS);
  else if (asked && detail) {
    find("#user").value = detail.user_id;
    find(".search").submit();
  }
});

const wake = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => {});
if (find(".kiosk")) wake(document.addEventListener("visibilitychange", wake));
