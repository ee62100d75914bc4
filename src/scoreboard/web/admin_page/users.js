/** One user: standing on every board, postings, how the score came about, and what may be done. */
import { at, read, readOr } from "./api.js";
import { button, field, heading, link, node, pages, section, status, table, userLink, when, words } from "./made.js";
import { DEEDS, moderate, record, reverse } from "./moderate.js";
import { spark } from "./spark.js";

const PAGE = 50;
const WINDOWS = ["all", "day", "week", "month"];

export const title = "Users";

export async function draw(view, user) {
  if (!user) return list(view);
  const found = await record(user).catch((error) => {
    if (error.status === 404 || error.status === 400) return null;
    throw error;
  });
  const again = () => draw(view, user);
  if (!found) return view.replaceChildren(heading(user), node("p", { class: "card nothing" }, "The ledger knows nobody of this id."));
  const deeds = Object.keys(DEEDS).filter((deed) => DEEDS[deed].is !== found.status);
  view.replaceChildren(
    heading(user, status(found.status)),
    node("p", { class: "choice" },
      ...deeds.map((deed) => button(DEEDS[deed].label, () => moderate(user, deed, found.status, again), deed === "erase" ? "quiet grave" : "quiet")),
      button("Reverse awards", () => reverse({ user_id: user }, `awards of ${user}`, again))),
    await standings(user, found.status), await postings(user, again),
    section("What moderators did", table("What moderators did", ["When", "What", "Who", "Why"],
      found.entries.map((each) => [when(each.at), each.operation, each.caller, each.reason]), "Nothing yet.")));
}

async function list(view) {
  const rows = node("div");
  const load = (after) => read(`v1/admin/users?limit=${PAGE}${after ? `&after=${encodeURIComponent(after)}` : ""}`);
  const shown = [];
  const more = button("Show more", () => next(shown.at(-1).user_id));
  async function next(after) {
    const { users, next: following } = await load(after);
    shown.push(...users);
    rows.replaceChildren(table("Users who are not shown", ["User", "Status"], shown.map((each) => [userLink(each.user_id), status(each.status)]), "Everybody is shown."), ...(following ? [more] : []));
  }
  view.replaceChildren(heading("Users"), node("p", { class: "muted" }, "Open any user by id with the field above."), section("Who is not shown", rows));
  await next();
}

async function standings(user, is) {
  const { boards } = await read("v1/boards");
  if (is !== "active") {
    return section("Standing", node("p", {}, `Is ${is}, and stands on no board. A look at “Release” shows every rank that the user would come back to.`));
  }
  const [rows, explained] = [node("div"), node("div")];
  const has = (window) => ({ windows }) => windows.some((each) => each.window === window);
  const windows = WINDOWS.filter((window) => boards.some(has(window)));
  const choice = field("Window", "window", "select", "all", { options: windows.map((window) => [window, words.say(window)]) });
  const chosen = choice.querySelector("select");

  async function show() {
    const period = chosen.value;
    const found = await Promise.all(boards.filter(has(period)).map(async ({ board, title: name }) =>
      [board, name, await readOr(null, `${at("v1", "boards", board, "users", user)}?period=${period}`)]));
    if (period !== chosen.value) return;
    explained.replaceChildren();
    rows.replaceChildren(table(`Standing on every board, ${words.say(period)}`, ["Board", "Rank", "Score", "Last changed", ""],
      found.filter(([, , standing]) => standing).map(([board, name, { rank, score, total_users: all, updated_at: since }]) =>
        [name || board, `${words.number(rank)} of ${words.number(all)}`, words.number(score), when(since),
          button("Explain", () => explain(user, { board, period }, explained))]),
      "Stands on no board."));
  }
  chosen.addEventListener("change", () => show().catch((error) => rows.replaceChildren(node("p", { class: "refused", role: "alert" }, error.message))));
  await show();
  return section("Standing", ...(windows.length > 1 ? [choice] : []), rows, explained);
}

async function explain(user, { board, period }, where) {
  try {
    const { actions, complete, score, tied } = await read(`${at("v1", "users", user, "explain")}?${new URLSearchParams({ board, period })}`);
    where.replaceChildren(node("h3", {}, `How ${words.points(score)} on ${board} came about, ${words.say(period).toLowerCase()}`),
      table(`Score by action on ${board}`, ["Action", "Awards", "Taken back", "Points", "Last"],
        actions.map((each) => [each.action_id, words.number(each.awards), words.number(each.reversed), words.number(each.points), when(each.last_at)])),
      ...(tied.length > 1 ? [node("p", {}, "Tied, in this order: ", tied.map((row) => row.user_id).join(", "))] : []),
      ...(complete ? [] : [node("p", {}, "Only the newest postings are added up here.")]));
  } catch (error) {
    where.replaceChildren(node("p", { class: "refused" }, needsRead(error)));
  }
}

const needsRead = (error) => (error.code === "insufficient-scope"
  ? "The token lacks the scope scores:read: make one with --scope scores:admin --scope scores:read." : error.message);

async function postings(user, changed) {
  const made = section("Postings");
  const rows = [];
  const holder = node("div");
  made.append(holder);
  try {
    await pages(made, (before) => read(`${at("v1", "users", user, "awards")}?limit=${PAGE}${before}`), (page) => {
      rows.push(...page.postings);
      const reversed = new Set(rows.map((each) => each.reverses));
      const scores = rows.filter((each) => each.score_after !== undefined && each.board === rows[0].board);
      holder.replaceChildren(...spark(scores.map((each) => each.score_after).reverse(), `Score on ${rows[0]?.board}`),
        table("Postings, newest first", ["When", "What", "Board", "Points", "Score after", "By", ""],
          rows.map((each) => line(each, reversed, changed)), "No postings."));
      return [];
    });
  } catch (error) {
    made.append(node("p", { class: "refused" }, needsRead(error)));
  }
  return made;
}

function line(posting, reversed, changed) {
  const { award_id: award, kind, board, points, score_after: after, caller, key, action_id: action } = posting;
  const taken = reversed.has(posting.seq);
  const last = kind !== "award" ? "" : taken ? "taken back" : button("Reverse", () => reverse({ award_id: award }, `one award of ${action}`, changed));
  const what = node("span", { title: award }, action && kind !== "award" ? `${kind}: ${action}` : action ?? kind);
  return [when(posting.at), what, action ? board : "", action ? words.number(points, { signDisplay: "always" }) : "",
    after === undefined ? "" : words.number(after), key ? link("#keys", key) : caller ?? "", last];
}
