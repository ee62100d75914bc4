/**
 * Verifies what a Scoreboard service says of its ledger, with the operator's key and nothing else:
 * checkpoints, awards, and that the ledger has only grown. For browsers and Node; asks nobody.
 *
 *   import { verifiedAward, verifiedCheckpoint, verifyGrowth } from "./verify.js";
 *   const posting = await verifiedAward(await scoreboard.awardProof(id), KEY);
 *   const checkpoint = await verifiedCheckpoint(await scoreboard.checkpoint(), KEY);
 *   await verifyGrowth(kept, checkpoint, await scoreboard.consistency(kept.size, checkpoint.size));
 *
 * @module
 */

/**
 * @typedef {{origin: string, size: number, root: string, epoch: number, at: number}} Checkpoint `root` in Base64, `at` in milliseconds
 * @typedef {import("./scoreboard.js").AwardProof} AwardProof
 * @typedef {import("./scoreboard.js").Consistency} Consistency
 * @typedef {import("./scoreboard.js").Posting} Posting
 */

const NOTE_MAX = 4_096;
const HASH_BYTES = 32;
const KEY_HASH_BYTES = 4;
const SIGNATURE_BYTES = 64;
const ED25519 = 1;
// The leaf of a posting: docs/proof.md has the layout.
const VERSION = 1;
const [HAS_SCORE, HAS_USER, HAS_REVERSES] = [1, 2, 4];
const [USER_AT, TEXTS_AT, TEXTS] = [50, 82, 7];
const ABSENT = 0xffff_ffff;
const LATEST_MS = 8_640_000_000_000_000; // of a Date

/** What the service says does not follow from what was signed: keep both, and ask its operator. */
export class NotProven extends Error {
  name = "NotProven";
}

/**
 * What a note says: how many postings, under which root, signed when. Rejects with `NotProven` when
 * it is no checkpoint, or not signed with this key.
 *
 * @param {string} note @param {string} key the operator's, `origin+hash+key`: from where you trust it, not from the answer
 * @returns {Promise<Checkpoint>}
 */
export async function verifiedCheckpoint(note, key) {
  const { origin, named, bytes } = await keyIn(key);
  const { checkpoint, text } = checkpointIn(note);
  let signed = checkpoint.origin === origin;
  if (signed) {
    const made = note.slice(text.length + 1).split("\n").map((line) => /^— (\S+) (\S+)$/.exec(line))
      .filter((found) => found?.[1] === origin).map((found) => base64(found?.[2] ?? "", "this is no Base64"))
      .find((each) => each.length === KEY_HASH_BYTES + SIGNATURE_BYTES && same(each.subarray(0, KEY_HASH_BYTES), named));
    const imported = await subtle().importKey("raw", bytes, "Ed25519", false, ["verify"]);
    signed = made !== undefined && (await subtle().verify("Ed25519", imported, made.slice(KEY_HASH_BYTES), utf8(text)));
  }
  ensure(signed, "the checkpoint is not signed with this key");
  return checkpoint;
}

/**
 * The posting that a proof proves, as the ledger recorded it; without `user_id` when the proof names
 * nobody, because the user was erased. Rejects with `NotProven`.
 *
 * @param {AwardProof} proof @param {string} key as of `verifiedCheckpoint`
 * @param {string} [note] a checkpoint of the same size that came another way, in place of the proof's own
 * @returns {Promise<Posting>}
 */
export async function verifiedAward(proof, key, note = proof.checkpoint) {
  const checkpoint = await verifiedCheckpoint(note, key);
  const [leaf, salt, ...hashes] = [proof.leaf, proof.salt ?? "", ...proof.hashes].map((each) => base64(each, "a value in the proof is not Base64"));
  const { posting, user } = postingIn(leaf);
  ensure(posting.seq === proof.seq && posting.award_id === proof.award_id, "it is another award");
  const top = await rootOf(await sha256([0], leaf), posting.seq - 1, checkpoint.size, hashes);
  ensure(top && same(top, base64(checkpoint.root, "")), "the award is not under the checkpoint");
  if (proof.user_id === undefined) return posting;
  ensure(user && same(await sha256(salt, utf8(proof.user_id)), user), "the award is somebody else's");
  return { ...posting, user_id: proof.user_id };
}

/**
 * The ledger of one verified checkpoint begins with that of an older one: nothing was changed.
 * Rejects with `NotProven` when it does not.
 *
 * @param {{size: number, root: string}} old @param {{size: number, root: string}} now @param {Consistency} proof
 */
export async function verifyGrowth(old, now, proof) {
  ensure(proof.from === old.size && proof.to === now.size, "the proof is of other sizes");
  const hashes = proof.hashes.map((each) => base64(each, "a value in the proof is not Base64"));
  ensure(await grew(old, now, hashes), "the newer ledger does not begin with the older one");
}

/** The root that a leaf comes to (RFC 9162, 2.1.3.2). @param {Uint8Array} leaf @param {number} index @param {number} size @param {Uint8Array[]} hashes */
async function rootOf(leaf, index, size, hashes) {
  if (index < 0 || index >= size) return undefined;
  let [place, last, found] = [index, size - 1, leaf];
  for (const beside of hashes) {
    if (last === 0) return undefined;
    if (place % 2 || place === last) {
      found = await sha256([1], beside, found);
      while (place && place % 2 === 0) [place, last] = [half(place), half(last)];
    } else found = await sha256([1], found, beside);
    [place, last] = [half(place), half(last)];
  }
  return last === 0 ? found : undefined;
}

/** RFC 9162, 2.1.4.2. @param {{size: number, root: string}} old @param {{size: number, root: string}} now @param {Uint8Array[]} hashes */
async function grew(old, now, hashes) {
  const [before, after] = [old, now].map(({ root }) => base64(root, "a root is not Base64"));
  if (old.size > now.size) return false;
  if (old.size === now.size) return hashes.length === 0 && same(before, after);
  if (old.size === 0) return hashes.length === 0 && same(before, await sha256());
  // A whole tree is not sent: it is the root that is known.
  const [first, ...path] = Number.isInteger(Math.log2(old.size)) ? [before, ...hashes] : hashes;
  if (!first) return false;
  let [place, last] = [old.size - 1, now.size - 1];
  while (place % 2) [place, last] = [half(place), half(last)];
  let [was, is] = [first, first];
  for (const beside of path) {
    if (last === 0) return false;
    if (place % 2 || place === last) {
      [was, is] = [await sha256([1], beside, was), await sha256([1], beside, is)];
      while (place && place % 2 === 0) [place, last] = [half(place), half(last)];
    } else is = await sha256([1], is, beside);
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && same(was, before) && same(is, after);
}

/** The checkpoint in a note, whoever signed it, and what is signed. @param {string} note @returns {{checkpoint: Checkpoint, text: string}} */
function checkpointIn(note) {
  const found = /^(.+)\n(0|[1-9]\d{0,15})\n(.+)\nepoch (0|[1-9]\d{0,15})\ntime (0|[1-9]\d{0,15})\n\n/.exec(note);
  ensure(found && note.length <= NOTE_MAX, "this is no checkpoint");
  const [text, origin, size, root, epoch, at] = /** @type {string[]} */ (found && [...found]);
  ensure(base64(root, "this is no Base64").length === HASH_BYTES, "this is no checkpoint");
  return { checkpoint: { origin, size: Number(size), root, epoch: Number(epoch), at: Number(at) }, text: text.slice(0, -1) };
}

/** The posting in a leaf, and the commitment to its user. @param {Uint8Array} leaf @returns {{posting: Posting, user?: Uint8Array}} */
function postingIn(leaf) {
  const otherwise = "the leaf is not the bytes of a posting";
  ensure(leaf.length > TEXTS_AT && leaf[0] === VERSION && leaf[1] <= (HAS_SCORE | HAS_USER | HAS_REVERSES), otherwise);
  const view = new DataView(leaf.buffer, leaf.byteOffset, leaf.length);
  const [seq, epoch, at, points, score, reverses] = [2, 10, 18, 26, 34, 42].map((place) => Number(view.getBigInt64(place)));
  const commitment = leaf.subarray(USER_AT, TEXTS_AT);
  const has = (/** @type {number} */ flag) => (leaf[1] & flag) !== 0;
  const absent = [[HAS_SCORE, score === 0], [HAS_REVERSES, reverses === 0], [HAS_USER, commitment.every((byte) => byte === 0)]];
  ensure(absent.every(([flag, zero]) => has(Number(flag)) || zero), otherwise);
  const [award_id, kind, board, action_id, key, caller] = textsIn(leaf, view, otherwise);
  ensure(award_id && kind && board && at >= 0 && at <= LATEST_MS, otherwise);
  const posting = {
    award_id, seq, epoch, kind, board, at: new Date(at).toISOString(),
    action_id, points: points || undefined, score_after: has(HAS_SCORE) ? score : undefined, caller, key,
    reverses: has(HAS_REVERSES) ? reverses : undefined,
  };
  const told = Object.fromEntries(Object.entries(posting).filter(([, value]) => value !== undefined));
  return { posting: /** @type {any} */ (told), user: has(HAS_USER) ? commitment : undefined };
}

/** @param {Uint8Array} leaf @param {DataView} view @param {string} otherwise */
function textsIn(leaf, view, otherwise) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** @type {(string | undefined)[]} */
  const found = [];
  let place = TEXTS_AT;
  try {
    while (found.length < TEXTS) {
      const length = view.getUint32(place);
      const end = (place += 4) + length;
      if (length !== ABSENT && end > leaf.length) throw new RangeError(otherwise);
      found.push(length === ABSENT ? undefined : decoder.decode(leaf.subarray(place, end)));
      if (length !== ABSENT) place = end;
    }
  } catch {
    throw new NotProven(otherwise);
  }
  ensure(place === leaf.length, otherwise);
  return found;
}

/** The parts of a key as verifiers of notes take it. @param {string} key */
async function keyIn(key) {
  const [, origin, hash, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([^+]\S*)$/.exec(key.trim()) ?? [];
  try {
    const typed = base64(encoded ?? "", "");
    const named = (await sha256(utf8(`${origin}\n`), typed)).subarray(0, KEY_HASH_BYTES);
    const hex = Array.from(named, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (typed.length === 1 + HASH_BYTES && typed[0] === ED25519 && hex === hash) return { origin, named, bytes: typed.slice(1) };
  } catch (error) {
    if (!(error instanceof NotProven)) throw error;
  }
  throw new TypeError(`${key} is not the key of checkpoints: origin+hash+key`);
}

/** @param {unknown} holds @param {string} otherwise @returns {asserts holds} */
function ensure(holds, otherwise) {
  if (!holds) throw new NotProven(otherwise);
}

/** @param {string} text @param {string} otherwise @returns {Uint8Array<ArrayBuffer>} */
function base64(text, otherwise) {
  ensure(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text), otherwise);
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** @param {(Uint8Array | number[])[]} parts @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function sha256(...parts) {
  return new Uint8Array(await subtle().digest("SHA-256", Uint8Array.from(parts.flatMap((part) => [...part]))));
}

function subtle() {
  const found = globalThis.crypto?.subtle;
  if (!found) throw new TypeError("browsers compute hashes on https and localhost only");
  return found;
}

const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);
const half = (/** @type {number} */ n) => Math.floor(n / 2);
/** @param {Uint8Array} one @param {Uint8Array} other */
const same = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);
