// The rule of coming back gives the known answers: here, on the page, and in the Python client.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as client from "../scoreboard.js";
import * as page from "../../../src/scoreboard/web/page/feed.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/vectors/live_client.json", import.meta.url), "utf8"));
const place = (pair) => pair && { epoch: pair[0], seq: pair[1] };

for (const [name, { isNewer, delay }] of Object.entries({ client, page })) {
  test(`${name}: what is newer`, () => {
    for (const { one, other, newer } of vectors.newer) assert.equal(isNewer(place(one), place(other) ?? undefined), newer);
  });

  test(`${name}: how long to stay away`, (t) => {
    let chance = 0;
    t.mock.method(Math, "random", () => chance);
    for (const each of vectors.delay) {
      chance = each.chance;
      assert.equal(delay(each.code, each.failures, each.asked_ms ?? undefined), each.wait_ms, JSON.stringify(each));
    }
  });
}
