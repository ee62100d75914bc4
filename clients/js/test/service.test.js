// Against the real service: SCOREBOARD_URL, with a TOKEN for `ada` and a BACKEND of scope scores:write.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Scoreboard, ScoreboardProblem } from "../scoreboard.js";
import { verifiedAward, verifiedCheckpoint, verifyGrowth } from "../verify.js";

const { SCOREBOARD_URL: url, TOKEN: token, BACKEND: backend } = process.env;
const served = { skip: !url && "no SCOREBOARD_URL" };
const asked = [];
const recording = (target, init = {}) => {
  asked.push({ target: new URL(target), init });
  return fetch(target, init);
};
const player = url && new Scoreboard(url, { token, fetch: recording });

test("an award counts once, and the boards show it", served, async () => {
  const idempotencyKey = `node-${Date.now()}-0001`;
  const first = await player.award("ada", "quiz", { idempotencyKey });
  assert.equal(first.replayed, false);
  assert(first.award_id);
  assert.deepEqual(await player.award("ada", "quiz", { idempotencyKey }), { ...first, replayed: true });
  await new Scoreboard(url, { token: backend }).award("ben", "quiz");
  // A read may trail an award.
  while ((await player.board()).total_users < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  const standing = await player.standing("ada");
  assert.deepEqual([standing.rank, standing.score, standing.total_users, standing.to_next], [1, first.new_score, 2, null]);
  const page = await player.top("default", { limit: 1 });
  assert.deepEqual(page.rows.map((row) => row.user_id), ["ada"]);
  const next = await player.top("default", { limit: 1, cursor: page.next });
  assert.deepEqual(next.rows.map((row) => row.user_id), ["ben"]);
  assert.deepEqual((await player.around("ben", "default", { radius: 1 })).rows.map((row) => row.rank), [1, 2]);
  assert((await player.boards()).boards.some((board) => board.board === "default"));
});

test("an award is told, explained and proven", served, async () => {
  const { postings, next } = await player.postings("ada", { limit: 100 });
  assert.equal(next, null);
  const first = postings.at(-1);
  assert.deepEqual(await player.posting(first.award_id), first);
  assert.deepEqual((await player.postings("ada", { before: first.seq + 1, limit: 1 })).postings, [first]);
  const told = await player.explain("ada");
  assert.deepEqual([told.complete, told.score], [true, told.actions.reduce((sum, { points }) => sum + points, 0)]);
  const proof = await player.awardProof(first.award_id);
  // Only a test takes the key from the answer.
  assert.deepEqual(await verifiedAward(proof, proof.key), first);
  const checkpoint = await verifiedCheckpoint(await player.checkpoint(), proof.key);
  await verifyGrowth(checkpoint, checkpoint, await player.consistency(checkpoint.size, checkpoint.size));
  assert.equal((await player.consistency(1)).from, 1);
  assert((await player.head()).seq >= checkpoint.size);
});

test("a refusal says which", served, async () => {
  await assert.rejects(player.award("ben", "quiz"), { status: 403, code: "forbidden-user" });
  await assert.rejects(player.award("ada", "nothing"), { status: 400, code: "unknown-action" });
  await assert.rejects(player.standing("nobody"), { status: 404, code: "not-found" });
  await assert.rejects(new Scoreboard(url).award("ada", "quiz"), { status: 401, code: "invalid-token" });
});

const ways = [["over HTTP", null], ...(globalThis.WebSocket ? [["over a WebSocket", globalThis.WebSocket]] : [])];

for (const [way, WebSocket] of ways) {
  test(`a board is followed ${way}`, served, async () => {
    const client = new Scoreboard(url, { token, WebSocket });
    const watch = client.watch();
    const seen = [];
    let wanted = Infinity;
    for await (const snapshot of watch) {
      seen.push(snapshot);
      if (seen.length === 1) wanted = (await client.award("ada", "quiz")).new_score;
      if (snapshot.rows.find((row) => row.user_id === "ada")?.score >= wanted) break;
    }
    assert.equal(watch.state, "stopped");
    assert(seen.length >= 2);
    const resumed = await new Promise((resolve) => {
      const again = client.watch("default", { since: seen.at(-1), onsnapshot: (one) => (again.stop(), resolve(one)), onstate: (state) => state === "live" && client.award("ada", "quiz") });
    });
    assert(resumed.seq > seen.at(-1).seq);
  });

  test(`a board that is not there stops it ${way}`, served, async () => {
    const problem = await new Promise((resolve) => new Scoreboard(url, { WebSocket }).watch("nowhere", { onproblem: resolve }));
    assert(problem instanceof ScoreboardProblem);
    assert.equal(problem.status, 404);
  });
}

test("the caller hears of itself, and a bad token stops it", { skip: served.skip || (!globalThis.WebSocket && "no WebSocket") }, async () => {
  const client = new Scoreboard(url, { token });
  const me = await new Promise((resolve) => {
    const watch = client.watch("default", { onme: (heard) => (watch.stop(), resolve(heard)) });
  });
  assert.equal(me.standing.user_id, "ada");
  const problem = await new Promise((resolve) => new Scoreboard(url, { token: "a.b.c" }).watch("default", { onme() {}, onproblem: resolve }));
  assert.equal(problem.status, 4001);
});

test("each request is one of the document, with its members", served, async () => {
  const document = await (await fetch(new URL("/openapi.json", url))).json();
  const found = new Set();
  for (const { target, init } of asked) {
    const path = Object.keys(document.paths).find((each) => new RegExp(`^${each.replace(/\{\w+\}/g, "[^/]+")}$`).test(target.pathname));
    const operation = document.paths[path]?.[(init.method ?? "GET").toLowerCase()];
    assert(operation, target.pathname);
    found.add(operation.operationId);
    const takes = (place) => operation.parameters.filter((each) => each.in === place).map((each) => each.name.toLowerCase());
    for (const name of target.searchParams.keys()) assert(takes("query").includes(name), `${path}?${name}`);
    for (const name of new Headers(init.headers).keys()) {
      assert(["authorization", "content-type", ...takes("header")].includes(name), name);
    }
    if (init.body) {
      const { $ref } = operation.requestBody.content["application/json"].schema;
      assert.deepEqual(Object.keys(JSON.parse(init.body)), document.components.schemas[$ref.split("/").at(-1)].required);
    }
  }
  assert.deepEqual([...found].sort(), [
    "around", "award", "award_proof", "board", "boards", "checkpoint", "consistency", "explain", "head", "posting", "postings", "standing", "top",
  ]);
});

test("each message of the live document is understood, each code of awards known", served, async () => {
  const source = readFileSync(new URL("../scoreboard.js", import.meta.url), "utf8");
  const live = await (await fetch(new URL("/asyncapi.json", url))).json();
  const names = (operation) => live.operations[operation].messages.map(({ $ref }) => $ref.split("/").at(-1));
  for (const name of names("show")) assert(source.includes(`case "${name}":`), name);
  for (const [, name] of source.matchAll(/\{ type: "(\w+)"/g)) assert(names("hear").includes(name), name);
  const http = JSON.stringify((await (await fetch(new URL("/openapi.json", url))).json()).components);
  for (const list of source.matchAll(/^const (?:LEDGER_ASKED|NOTHING_RECORDED) = (\[.*\]);$/gm)) {
    for (const code of JSON.parse(list[1])) assert(http.includes(`urn:scoreboard:problem:${code}`), code);
  }
});
