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
export type Checkpoint = {
    origin: string;
    size: number;
    root: string;
    epoch: number;
    at: number;
};
export type AwardProof = import("./scoreboard.js").AwardProof;
export type Consistency = import("./scoreboard.js").Consistency;
export type Posting = import("./scoreboard.js").Posting;
/** What the service says does not follow from what was signed: keep both, and ask its operator. */
export declare class NotProven extends Error {
    name: string;
}
/**
 * What a note says: how many postings, under which root, signed when. Rejects with `NotProven` when
 * it is no checkpoint, or not signed with this key.
 *
 * @param {string} note @param {string} key the operator's, `origin+hash+key`: from where you trust it, not from the answer
 * @returns {Promise<Checkpoint>}
 */
export declare function verifiedCheckpoint(note: string, key: string): Promise<Checkpoint>;
/**
 * The posting that a proof proves, as the ledger recorded it; without `user_id` when the proof names
 * nobody, because the user was erased. Rejects with `NotProven`.
 *
 * @param {AwardProof} proof @param {string} key as of `verifiedCheckpoint`
 * @param {string} [note] a checkpoint of the same size that came another way, in place of the proof's own
 * @returns {Promise<Posting>}
 */
export declare function verifiedAward(proof: AwardProof, key: string, note?: string): Promise<Posting>;
/**
 * The ledger of one verified checkpoint begins with that of an older one: nothing was changed.
 * Rejects with `NotProven` when it does not.
 *
 * @param {{size: number, root: string}} old @param {{size: number, root: string}} now @param {Consistency} proof
 */
export declare function verifyGrowth(old: {
    size: number;
    root: string;
}, now: {
    size: number;
    root: string;
}, proof: Consistency): Promise<void>;
// made from verify.js d92809f9ee7e343a35a956e65fda79b4f8f712eba7ace051e107571654e1235d
