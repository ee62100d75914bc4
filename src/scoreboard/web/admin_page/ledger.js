/** The ledger: its head, its newest checkpoint, and a check that it has only grown. */
import { read, text } from "./api.js";
import { button, heading, node, section, table, when, words, write } from "./made.js";
import { checkpointIn, grew } from "./merkle.js";

const SEEN = "adminCheckpoint";

export const title = "Ledger";

async function newest() {
  try {
    return checkpointIn(await text("v1/ledger/checkpoint"));
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function seen() {
  try {
    return JSON.parse(localStorage[SEEN]);
  } catch {
    return null;
  }
}

export async function draw(view) {
  const [head, checkpoint] = await Promise.all([read("v1/ledger/head"), newest()]);
  const known = seen();
  const bar = node("progress", { max: "1", value: "0", "aria-label": "Verification" });
  const said = node("p", { class: "verdict", role: "status" });
  const check = button("Verify now", async () => {
    check.disabled = true;
    bar.value = 0;
    const { good, text: told } = await verify((share, step) => {
      bar.value = share;
      write(said, step);
    }).catch((error) => ({ good: null, text: `Not verified: ${error.message}` }));
    bar.value = good === null && !seen() ? 0 : 1;
    said.dataset.good = good;
    write(said, told);
    write(remembered, sizeOf(seen()));
    check.disabled = false;
  }, "");
  const sizeOf = (checkpoint) => (checkpoint ? `${words.number(checkpoint.size)} postings` : "none yet");
  const remembered = node("span", {}, sizeOf(known));
  const row = (name, value) => [name, value];
  view.replaceChildren(heading("Ledger"),
    table("Ledger", ["What", "Value"], [
      row("Postings", words.number(head.seq)), row("Epoch", String(head.epoch)),
      ...(checkpoint ? [row("Under the newest checkpoint", words.number(checkpoint.size)), row("Signed", when(new Date(checkpoint.at).toISOString())),
        row("Root", node("code", {}, checkpoint.root)), row("Log", node("code", {}, checkpoint.origin))] : [row("Newest checkpoint", "none yet")]),
      row("Seen by this browser", remembered),
    ]),
    section("Has it only grown?",
      node("p", {}, "Checks in this browser that the ledger of the newest checkpoint begins with the one that this browser saw last: nothing of it was changed, moved or removed. A first look has nothing to compare with, and is remembered."),
      node("p", { class: "choice" }, check, bar), said,
      node("p", { class: "muted" }, "Signatures, every posting, and every score: ", node("code", {}, "scoreboard ledger verify"), ".")));
}

/** The verdict: `good` is true, false, or null when there was nothing to compare. */
async function verify(tell) {
  if (!crypto.subtle) throw new Error("browsers compute hashes on https and localhost only.");
  tell(0, "Reading the newest checkpoint…");
  const now = await newest();
  if (!now) return { good: null, text: "No checkpoint is signed yet." };
  const was = seen();
  const remember = () => (localStorage[SEEN] = JSON.stringify(now));
  if (!was || was.origin !== now.origin) {
    remember();
    const why = was ? "This is another ledger than this browser saw last (a new epoch, or another service)" : "The first look of this browser";
    return { good: null, text: `${why}: ${words.number(now.size)} postings are remembered.` };
  }
  if (was.size > now.size) return { good: false, text: `The ledger is shorter than before: ${words.number(was.size)} postings were signed, now ${words.number(now.size)}. Keep the database as evidence.` };
  tell(0.2, "Reading the proof…");
  const { hashes } = was.size && was.size < now.size ? await read(`v1/ledger/consistency?from=${was.size}&to=${now.size}`) : { hashes: [] };
  const good = await grew(was, now, hashes, (share) => tell(0.2 + 0.8 * share, `Computing ${hashes.length} hashes…`));
  tell(1, "");
  if (!good) return { good, text: `The ledger does not begin with the ${words.number(was.size)} postings that this browser saw. Keep the database as evidence.` };
  remember();
  const [grown, all] = [now.size - was.size, words.number(was.size)];
  return { good, text: grown ? `It has only grown: the ${all} postings seen before stand, ${words.number(grown)} came.` : `It stands: the same ${all} postings as seen before.` };
}
