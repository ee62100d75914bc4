// Signs an action for Scoreboard, in Node, with nothing but node:crypto.
//
//   import { signAction } from "./sign.mjs";
//   headers["Action-Signature"] = signAction({ key: "game.k1", privateHalf, audience, userId, actionId });
//
// or:  node sign.mjs KEY FILE AUDIENCE USER ACTION
//
// It belongs in your backend, which saw the action. `privateHalf` is what `scoreboard key new` wrote:
// a PEM (Ed25519), or one line of base64url (HMAC). Sent again, a signature is the same award.

import { createHmac, createPrivateKey, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

export function signAction({ key, privateHalf, audience, userId, actionId, ts, nonce }) {
  ts ??= Math.floor(Date.now() / 1000);
  nonce ??= randomBytes(18).toString("base64url");
  const lines = ["SCOREBOARD-ACTION-V1", audience, key, ts, nonce, userId, actionId];
  const message = Buffer.from(lines.map((line) => `${line}\n`).join(""), "utf8");
  const signature = privateHalf.startsWith("-----BEGIN")
    ? sign(null, message, createPrivateKey(privateHalf))
    : createHmac("sha256", Buffer.from(privateHalf.trim(), "base64url")).update(message).digest();
  return `key=${key},ts=${ts},nonce=${nonce},v1=${signature.toString("base64url")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [key, file, audience, userId, actionId] = process.argv.slice(2);
  if (actionId === undefined) {
    console.error("usage: node sign.mjs KEY FILE AUDIENCE USER ACTION");
    process.exit(2);
  }
  const privateHalf = readFileSync(file, "ascii");
  const { TS: ts, NONCE: nonce } = process.env; // for known answers only
  console.log(signAction({ key, privateHalf, audience, userId, actionId, ts, nonce }));
}
