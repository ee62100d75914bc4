// Proofs are verified as the known answers say, which are those of the Python client too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { NotProven, verifiedAward, verifiedCheckpoint, verifyGrowth } from "../verify.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/vectors/proof.json", import.meta.url), "utf8"));
const { key } = vectors;
const notProven = (says) => (error) => error instanceof NotProven && error.message === says;

test("a checkpoint says what was signed", async () => {
  assert.deepEqual(await verifiedCheckpoint(vectors.checkpoint.note, `${key}\n`), vectors.checkpoint.says);
});

test("an award is proven", async () => {
  for (const { proof, posting } of vectors.awards) assert.deepEqual(await verifiedAward(proof, key), posting);
  const { proof } = vectors.awards.at(-1);
  assert.equal((await verifiedAward({ ...proof, checkpoint: "<html>" }, key, vectors.checkpoint.note)).seq, proof.seq);
  const { user_id: _, salt: __, ...nobody } = vectors.proof;
  assert.equal("user_id" in (await verifiedAward(nobody, key)), false);
});

test("what is not true is not proven", async () => {
  for (const { says, change, key: other = key, note } of vectors.refused) {
    await assert.rejects(verifiedAward({ ...vectors.proof, ...change }, other, note), notProven(says), says);
  }
});

test("a ledger that has grown is believed, and no other", async () => {
  for (const { old, new: now, proof } of vectors.grew) await verifyGrowth(old, now, proof);
  for (const { says, old, new: now, proof } of vectors.shrunk) await assert.rejects(verifyGrowth(old, now, proof), notProven(says));
});

test("what is no key is refused", async () => {
  for (const wrong of ["", "a+b", key.slice(0, -4), key.replace("+dd", "+ee"), "o+00+!", `${key}+`, "s+a+b+c"]) {
    await assert.rejects(verifiedCheckpoint(vectors.checkpoint.note, wrong), TypeError, wrong);
  }
});
