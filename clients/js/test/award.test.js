// Awards against a server that fails as asked: what is kept, asked again, settled.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Scoreboard, ScoreboardProblem, fileOutbox, localStorageOutbox } from "../scoreboard.js";

const AWARDED = [200, { "Award-Id": "a", "Idempotency-Replayed": "true" }, { success: true, new_score: 50 }];
const LOST = "lost";
const TOKEN = token({ sub: "ada" });

function token(claims) {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

function problem(status, code, headers = { "Retry-After": "0" }) {
  return [status, headers, { type: "t", title: "t", status, code, detail: "No.", instance: "urn:uuid:0" }];
}

/** Answers one request after the other, and keeps their heads. */
async function serving(t, answers) {
  const heads = [];
  const server = createServer((request, response) => {
    heads.push(request);
    const answer = answers.shift();
    if (answer === LOST) return request.socket.destroy();
    response.writeHead(answer[0], answer[1]).end(typeof answer[2] === "string" ? answer[2] : JSON.stringify(answer[2]));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close() && server.closeAllConnections());
  return { url: `http://127.0.0.1:${server.address().port}`, heads };
}

function memory() {
  const kept = new Map();
  const steps = [];
  return {
    kept, steps,
    keep: (pending) => (steps.push("keep"), kept.set(pending.name, pending)),
    settle: (name) => (steps.push("settle"), kept.delete(name)),
    pending: () => [...kept.values()],
  };
}

test("a temporary failure is asked again with the same key, which is kept first and settled last", async (t) => {
  const { url, heads } = await serving(t, [LOST, problem(503, "outcome-unknown"), problem(429, "rate-limited"), AWARDED]);
  const outbox = memory();
  const receipt = await new Scoreboard(url, { token: TOKEN, outbox }).award("ada", "quiz");
  assert.deepEqual(receipt, { new_score: 50, award_id: "a", replayed: true, idempotency_key: receipt.idempotency_key });
  assert.match(receipt.idempotency_key, /^[0-9a-f]{36}$/);
  assert.deepEqual(heads.map((head) => head.headers["idempotency-key"]), Array(4).fill(receipt.idempotency_key));
  assert.deepEqual(heads.map((head) => head.headers.authorization), Array(4).fill(`Bearer ${TOKEN}`));
  assert.deepEqual(outbox.steps, ["keep", "settle"]);
});

test("what cannot be kept is not sent", async (t) => {
  const { url, heads } = await serving(t, []);
  const outbox = { ...memory(), keep: () => Promise.reject(new RangeError("full")) };
  await assert.rejects(new Scoreboard(url, { outbox }).award("ada", "quiz"), RangeError);
  assert.equal(heads.length, 0);
});

for (const [answers, settled, inDoubt] of [
  [[problem(400, "unknown-action")], true, false],
  [[problem(403, "forbidden-user")], true, false],
  [[problem(401, "invalid-token")], false, false],
  [[[404, {}, "<html>"]], false, false],
  [[LOST, problem(403, "forbidden-user")], false, true],
  [[LOST, problem(403, "user-suspended")], true, true],
  [[problem(503, "overloaded"), problem(403, "forbidden-user")], true, false],
  [[problem(503, "unavailable"), problem(503, "unavailable")], false, false],
  [[LOST, LOST], false, true],
]) {
  test(`${answers.map((each) => each[2]?.code ?? each[0])}: ${settled ? "settles" : "stays"}`, async (t) => {
    const { url, heads } = await serving(t, [...answers]);
    const outbox = memory();
    const error = await new Scoreboard(url, { token: TOKEN, outbox, attempts: 2 }).award("ada", "quiz").catch((caught) => caught);
    assert(error instanceof ScoreboardProblem, error);
    assert.equal(error.inDoubt, inDoubt);
    assert.equal(outbox.kept.size, settled ? 0 : 1);
    assert.equal(heads.length, answers.length);
    assert(settled || outbox.kept.has(error.idempotencyKey));
  });
}

test("what is pending is sent again with its key, and that of others is not", async (t) => {
  const { url, heads } = await serving(t, [LOST, LOST, AWARDED]);
  const outbox = memory();
  const first = new Scoreboard(url, { token: TOKEN, outbox, attempts: 1 });
  await assert.rejects(first.award("ada", "quiz"));
  await assert.rejects(new Scoreboard(url, { token: token({ sub: "ben" }), outbox, attempts: 1 }).award("ben", "quiz"));
  const fresh = new Scoreboard(url, { token: async () => token({ sub: "ada", exp: 2 }), outbox });
  const [resent, ...more] = await fresh.resend();
  assert.equal(more.length, 0);
  assert.equal(resent.receipt.new_score, 50);
  assert.equal(heads[2].headers["idempotency-key"], heads[0].headers["idempotency-key"]);
  assert.deepEqual([...outbox.kept.values()].map((each) => each.user_id), ["ben"]);
});

test("nothing is begun after the deadline", async (t) => {
  const { url, heads } = await serving(t, [problem(503, "unavailable", { "Retry-After": "6" })]);
  await assert.rejects(new Scoreboard(url, { deadline_ms: 5000 }).top(), { code: "unavailable" });
  assert.equal(heads.length, 1);
});

test("a checkpoint is handed on as it is, and nothing else is one", async (t) => {
  const note = "scoreboard/1\n1\nAAECAwQ=\nepoch 1\ntime 2\n\n— s AA\n";
  const { url } = await serving(t, [LOST, [200, {}, note], [200, {}, "<html>"]]);
  const client = new Scoreboard(url);
  assert.equal(await client.checkpoint(), note);
  await assert.rejects(client.checkpoint(), { code: "not-a-scoreboard" });
});

test("a signature is the name", async (t) => {
  const { url, heads } = await serving(t, [AWARDED]);
  const client = new Scoreboard(url, { outbox: memory() });
  await client.award("ada", "quiz", { signature: "key=a.b" });
  assert.equal(heads[0].headers["action-signature"], "key=a.b");
  assert.equal(heads[0].headers["idempotency-key"], undefined);
  await assert.rejects(client.award("ada", "quiz", { signature: "s", idempotencyKey: "k" }), TypeError);
});

test("a fault of the application is not taken for one of the network", async (t) => {
  const { url } = await serving(t, []);
  const broken = new Scoreboard(url, { token: () => undefined.missing });
  await assert.rejects(broken.top(), /missing/);
  assert.throws(() => new Scoreboard("ftp://a"), TypeError);
});

const pending = (name) => ({ name, user_id: "ada", action_id: "quiz", caller: "c", idempotency_key: name, signature: "" });

class Store extends Map {
  get length() { return this.size; }
  key(index) { return [...this.keys()][index] ?? null; }
  getItem(name) { return this.get(name) ?? null; }
  setItem(name, text) { this.set(name, text); }
  removeItem(name) { this.delete(name); }
}

test("the outbox of a browser remembers, and looks at its own alone", () => {
  const storage = new Store([["theme", "dark"]]);
  const outbox = localStorageOutbox("o:", storage);
  outbox.keep(pending("one"));
  outbox.keep(pending("two"));
  outbox.settle("one");
  assert.deepEqual(localStorageOutbox("o:", storage).pending().map((each) => each.name), ["two"]);
  assert.equal(storage.size, 2);
});

test("the outbox in a folder remembers, is its owner's alone, and passes over what a crash left", () => {
  const folder = join(mkdtempSync(join(tmpdir(), "outbox-")), "deep", "outbox");
  const outbox = fileOutbox(folder);
  for (const name of ["one", "two", "key=a.b,sig/../x"]) outbox.keep(pending(name));
  outbox.keep(pending("two"));
  outbox.settle("one");
  outbox.settle("never heard of");
  writeFileSync(join(folder, "half.json.new"), '{"na');
  assert.deepEqual(fileOutbox(folder).pending().map((each) => each.name).sort(), ["key=a.b,sig/../x", "two"]);
  for (const name of ["", ...readdirSync(folder).filter((each) => each.endsWith(".json"))]) {
    assert.equal(statSync(join(folder, name)).mode & 0o077, 0);
  }
});
