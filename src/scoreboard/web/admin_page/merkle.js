/** Checkpoints of the ledger, and that one grew out of another (RFC 9162, section 2.1.4.2). */
const HASH_BYTES = 32;

/** What a note says: `{origin, size, root, at}`. Raises an Error for anything else. */
export function checkpointIn(note) {
  const [origin, size, root, , at] = note.split("\n");
  if (!/^(0|[1-9]\d{0,15})$/.test(size) || bytes(root).length !== HASH_BYTES) throw new Error("This is no checkpoint.");
  return { origin, size: Number(size), root, at: Number(at?.replace("time ", "")) };
}

const bytes = (base64) => Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
const same = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);
const half = (n) => Math.floor(n / 2);

async function joined(left, right) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.of(1, ...left, ...right)));
}

/**
 * Whether the tree of `now` begins with that of `was`, by these hashes (base64). `tell` hears the
 * share that is done.
 */
export async function grew(was, now, hashes, tell = () => {}) {
  if (was.size > now.size) return false;
  if (was.size === now.size) return hashes.length === 0 && was.root === now.root;
  if (was.size === 0) return true;
  const path = hashes.map(bytes);
  if (path.some((hash) => hash.length !== HASH_BYTES)) return false;
  // A whole tree is not sent: it is the root that is known.
  if (Number.isInteger(Math.log2(was.size))) path.unshift(bytes(was.root));
  if (!path.length) return false;
  let [fn, sn] = [was.size - 1, now.size - 1];
  while (fn % 2) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [path[0], path[0]];
  for (const [index, hash] of path.slice(1).entries()) {
    if (sn === 0) return false;
    if (fn % 2 || fn === sn) {
      [fr, sr] = [await joined(hash, fr), await joined(hash, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = await joined(sr, hash);
    [fn, sn] = [half(fn), half(sn)];
    tell((index + 1) / (path.length - 1));
  }
  return sn === 0 && same(fr, bytes(was.root)) && same(sr, bytes(now.root));
}
