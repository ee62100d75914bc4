// A board that is followed, with a WebSocket that says what it is told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Scoreboard } from "../scoreboard.js";

const top = (seq, epoch = 1) => ({ type: "top", board: "default", period: "all", epoch, seq, at: "", rows: [] });
const WELCOME = { type: "welcome", epoch: 1, seq: 1, heartbeat_ms: 15000, resumed: false };

/** Each connection plays the next script: messages, then a close code. */
function sockets(scripts) {
  const opened = [];
  return class {
    readyState = 1;
    sent = [];

    constructor(url) {
      opened.push(this);
      this.url = url;
      this.opened = opened;
      queueMicrotask(() => this.play(scripts.shift() ?? []));
    }

    static opened = opened;

    play(script) {
      for (const step of script) {
        if (step === "open") this.onopen();
        else if (typeof step === "number") this.onclose({ code: step, reason: "" });
        else this.onmessage({ data: JSON.stringify(step) });
      }
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {}
  };
}

/** The waits that were begun, each over at once. */
function clock(t) {
  const waits = [];
  const real = globalThis.setTimeout;
  t.mock.method(Math, "random", () => 0.5);
  t.mock.method(globalThis, "fetch", async () => new Response("{}"));
  t.mock.method(globalThis, "setTimeout", (act, wait) => {
    waits.push(wait);
    return wait < 10_000 ? real(act, 0) : undefined;
  });
  return { waits, until: async (what) => { while (!what()) await new Promise((resolve) => real(resolve, 1)); } };
}

test("only what is newer is shown, a tick that is ahead asks again, and coming back resumes", async (t) => {
  const { waits, until } = clock(t);
  const WebSocket = sockets([[WELCOME, top(5), top(5), top(4), { type: "fireworks" }, { type: "tick", epoch: 1, seq: 6 }, top(7), { type: "bye", code: 1012, retry_after_ms: 7654 }, 1012], [WELCOME, top(7), top(1, 2)]]);
  const seen = [];
  const watch = new Scoreboard("http://s", { WebSocket }).watch("default", { onsnapshot: ({ epoch, seq }) => seen.push([epoch, seq]) });
  await until(() => seen.length === 3);
  assert.deepEqual(seen, [[1, 5], [1, 7], [2, 1]]);
  const [first, second] = WebSocket.opened;
  assert.deepEqual(first.sent, [{ type: "resync" }]);
  assert.equal(second.url.searchParams.get("since"), "1-7");
  assert(waits.includes(7654), "it stays away as long as bye asks");
  watch.stop();
});

test("a token that cannot be had now is asked for again", async (t) => {
  const { until } = clock(t);
  const WebSocket = sockets([["open", WELCOME], ["open", WELCOME, top(5)]]);
  const tokens = [() => Promise.reject(new TypeError("no network")), () => "a.b.c"];
  const client = new Scoreboard("http://s", { WebSocket, token: () => (tokens.length > 1 ? tokens.shift() : tokens[0])() });
  const watch = client.watch("default", { onme() {} });
  await until(() => WebSocket.opened[1]?.sent.length);
  assert.deepEqual(WebSocket.opened[1].sent, [{ type: "hello", token: "a.b.c", me: true }]);
  assert.equal(watch.state, "live");
  watch.stop();
});

for (const code of [4000, 4001, 4003, 1008, 1009]) {
  test(`${code} is for good`, async (t) => {
    const { until } = clock(t);
    const WebSocket = sockets([[WELCOME, code]]);
    const watch = new Scoreboard("http://s", { WebSocket }).watch();
    await until(() => watch.state === "stopped");
    assert.equal(watch.problem.status, code);
    assert.equal(WebSocket.opened.length, 1);
    await assert.rejects(watch[Symbol.asyncIterator]().next(), { code: "closed" });
  });
}

test("a connection that fails again and again is tried less and less often", async (t) => {
  const { waits, until } = clock(t);
  const WebSocket = sockets([[1006], [1006], [1006], [WELCOME, top(1)]]);
  const watch = new Scoreboard("http://s", { WebSocket }).watch();
  await until(() => watch.snapshot);
  assert.deepEqual(waits.filter((wait) => wait < 10_000), [500, 1000, 2000]);
  watch.stop();
});
