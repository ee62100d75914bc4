/**
 * The client of a Scoreboard service: awards that count once, boards, and the live feed.
 * For browsers and Node 20.16 or later; depends on nothing.
 *
 *   import { Scoreboard, fileOutbox } from "./scoreboard.js";
 *   const scoreboard = new Scoreboard("https://scores.example", { token, outbox: fileOutbox("outbox") });
 *   await scoreboard.resend();
 *   await scoreboard.award("ada", "quiz-finished");
 *   scoreboard.watch("default", { onsnapshot: (snapshot) => draw(snapshot.rows) });
 *
 * @module
 */
export type Row = {
    rank: number;
    user_id: string;
    score: number;
    updated_at: string;
};
export type Place = {
    epoch: number;
    seq: number;
};
export type Snapshot = Place & {
    board: string;
    period: string;
    at: string;
    rows: Row[];
};
export type Top = Snapshot & {
    next: string | null;
};
export type Standing = {
    rank: number;
    user_id: string;
    score: number;
    updated_at: string;
    total_users: number;
    percentile: number;
    to_next: {
        rank: number;
        points: number;
    } | null;
};
export type Me = Place & {
    board: string;
    period: string;
    standing: Standing | null;
};
export type CurrentWindow = {
    window: string;
    period: string;
    next_reset_at: string | null;
};
export type Board = {
    board: string;
    title: string;
    tie: string;
    time_zone: string;
    windows: CurrentWindow[];
    total_users: number;
    frozen_at?: string | null;
    frozen_checkpoint?: string | null;
};
export type Posting = {
    award_id: string;
    seq: number;
    epoch: number;
    kind: string;
    board: string;
    at: string;
    user_id?: string;
    action_id?: string;
    points?: number;
    score_after?: number;
    caller?: string;
    key?: string;
    reverses?: number;
};
export type Postings = {
    postings: Posting[];
    next: number | null;
};
export type ActionSum = {
    action_id: string;
    awards: number;
    reversed: number;
    points: number;
    first_at: string;
    last_at: string;
};
export type Explanation = Place & {
    board: string;
    period: string;
    score: number;
    actions: ActionSum[];
    complete: boolean;
    standing: Standing | null;
    tie: string;
    tied: Row[];
};
export type AwardProof = {
    award_id: string;
    seq: number;
    size: number;
    leaf: string;
    hashes: string[];
    checkpoint: string;
    key: string;
    user_id?: string;
    salt?: string;
};
export type Consistency = {
    from: number;
    to: number;
    hashes: string[];
};
export type Receipt = {
    new_score: number;
    award_id: string;
    idempotency_key: string;
    replayed: boolean;
};
export type Pending = {
    /**
     * its key, or its signature
     */
    name: string;
    user_id: string;
    action_id: string;
    /**
     * stands for issuer and subject of the token that asked for it
     */
    caller: string;
    idempotency_key: string;
    signature: string;
};
export type Outbox = {
    /**
     * safe from a crash when it is answered; throws when full
     */
    keep: (pending: Pending) => void | Promise<void>;
    /**
     * forget it, if it is there
     */
    settle: (name: string) => void | Promise<void>;
    /**
     * what is not settled, oldest first
     */
    pending: () => Pending[] | Promise<Pending[]>;
};
export type Resent = {
    pending: Pending;
    receipt?: Receipt;
    problem?: ScoreboardProblem;
};
export type Token = string | (() => string | Promise<string>);
export type Options = {
    token?: Token;
    outbox?: Outbox;
    /**
     * of a request, at most; 8
     */
    attempts?: number;
    /**
     * no attempt begins after it; 60000
     */
    deadline_ms?: number;
    /**
     * of one attempt; 10000
     */
    timeout_ms?: number;
    /**
     * in place of the global one
     */
    fetch?: typeof globalThis.fetch;
    /**
     * the same; null follows boards over HTTP
     */
    WebSocket?: typeof globalThis.WebSocket | null;
};
export type State = "connecting" | "live" | "reconnecting" | "stopped";
export type Watched = {
    /**
     * `all`, `day`, `week`, `month`, or a name; `all`
     */
    period?: string;
    /**
     * what you have already
     */
    since?: Place;
    /**
     * each is newer than the one before
     */
    onsnapshot?: (snapshot: Snapshot) => void;
    /**
     * where the caller stands; needs a token and a WebSocket
     */
    onme?: (me: Me) => void;
    onstate?: (state: State) => void;
    /**
     * it has stopped for good
     */
    onproblem?: (problem: ScoreboardProblem) => void;
};
/** What a request, or a board that is watched, has met. */
export declare class ScoreboardProblem extends Error {
    status: number;
    code: string;
    detail: string;
    /** Whether some attempt may have been recorded: ask again with the same key. */
    inDoubt: boolean;
    /** The key of the award, which settles it. */
    idempotencyKey: string;
    name: string;
    /**
     * @param {number} status of HTTP, or the close code of a live connection, or 0 when nothing answered
     * @param {string} code the service's, or `unreachable`, `not-a-scoreboard`, `closed`
     * @param {string} detail
     */
    constructor(status: number, code: string, detail: string);
    /** Whether asking again can help. */
    get temporary(): boolean;
    /** Whether an award is refused for good. A token that has expired settles nothing. */
    get settles(): boolean;
}
/** One service, and at most one caller. */
export declare class Scoreboard {
    #private;
    /** @readonly */
    url: URL;
    /** @readonly */
    WebSocket: {
        new (url: string | URL, protocols?: string | string[]): WebSocket;
        prototype: WebSocket;
        readonly CONNECTING: 0;
        readonly OPEN: 1;
        readonly CLOSING: 2;
        readonly CLOSED: 3;
    } | null;
    /** @param {string | URL} url `https://host[:port][/path]` @param {Options} [options] */
    constructor(url: string | URL, options?: Options);
    /**
     * A user finished an action: counted once, however often it is sent. With an outbox it is kept
     * before it is sent, until it is settled. Rejects with a ScoreboardProblem.
     *
     * @param {string} userId @param {string} actionId
     * @param {{idempotencyKey?: string, signature?: string}} [named] a key of your own, made of what was finished; or what your backend signed
     * @returns {Promise<Receipt>}
     */
    award(userId: string, actionId: string, { idempotencyKey, signature }?: {
        idempotencyKey?: string;
        signature?: string;
    }): Promise<Receipt>;
    /**
     * Sends again what the outbox holds of this caller, oldest first, and says what came of each. Call
     * it at the start, and now and then. It ends at the first temporary problem.
     *
     * @returns {Promise<Resent[]>}
     */
    resend(): Promise<Resent[]>;
    /** The first users of a board, or those after a cursor, which is the `next` of the page before.
     * @param {string} [board] @param {{period?: string, limit?: number, cursor?: string}} [page] @returns {Promise<Top>} */
    top(board?: string, { period, limit, cursor }?: {
        period?: string;
        limit?: number;
        cursor?: string;
    }): Promise<Top>;
    /** Where a user stands. @param {string} userId @param {string} [board] @param {string} [period] @returns {Promise<Standing>} */
    standing(userId: string, board?: string, period?: string): Promise<Standing>;
    /** A user between its neighbours.
     * @param {string} userId @param {string} [board] @param {{period?: string, radius?: number}} [where] @returns {Promise<{rows: Row[]}>} */
    around(userId: string, board?: string, { period, radius }?: {
        period?: string;
        radius?: number;
    }): Promise<{
        rows: Row[];
    }>;
    /** All boards, with their current periods. @returns {Promise<{boards: Board[]}>} */
    boards(): Promise<{
        boards: Board[];
    }>;
    /** One board. @param {string} [board] @returns {Promise<Board>} */
    board(board?: string): Promise<Board>;
    /** What the ledger recorded for an award: for its user, or `scores:read`. @param {string} awardId @returns {Promise<Posting>} */
    posting(awardId: string): Promise<Posting>;
    /** A user's postings, newest first; `before` is the `next` of the page before.
     * @param {string} userId @param {{before?: number, limit?: number}} [page] @returns {Promise<Postings>} */
    postings(userId: string, { before, limit }?: {
        before?: number;
        limit?: number;
    }): Promise<Postings>;
    /** Why a user's score is what it is. @param {string} userId @param {string} [board] @param {string} [period] @returns {Promise<Explanation>} */
    explain(userId: string, board?: string, period?: string): Promise<Explanation>;
    /** How far the ledger has come. @returns {Promise<Place>} */
    head(): Promise<Place>;
    /** That an award is under the newest checkpoint, ten seconds later at most; `verify.js` verifies it. @param {string} awardId @returns {Promise<AwardProof>} */
    awardProof(awardId: string): Promise<AwardProof>;
    /** The newest signed checkpoint: a note, to be verified, and kept elsewhere as it is. @returns {Promise<string>} */
    checkpoint(): Promise<string>;
    /** That the ledger of `to` postings (of the newest checkpoint) begins with `from` ones. @param {number} from @param {number} [to] @returns {Promise<Consistency>} */
    consistency(from: number, to?: number): Promise<Consistency>;
    /** Follows the top ten of a board until it is stopped. @param {string} [board] @param {Watched} [watched] */
    watch(board?: string, watched?: Watched): Watch;
    /** One request without retries, as this caller. @param {string | URL} path @param {RequestInit} [init] */
    send(path: string | URL, init?: RequestInit): Promise<Response>;
    /** The token to use now. */
    token(): Promise<string>;
}
/** A board that is followed. Also an async iterable: `for await (const snapshot of watch)`, newest wins. */
export declare class Watch {
    #private;
    /** @type {State} */ state: State;
    /** The newest snapshot. @type {Snapshot | undefined} */ snapshot: Snapshot | undefined;
    /** Why it stopped. @type {ScoreboardProblem | undefined} */ problem: ScoreboardProblem | undefined;
    /** @param {Scoreboard} client @param {string} board @param {Watched} watched */
    constructor(client: Scoreboard, board: string, watched: Watched);
    /** Leaves the board. */
    stop(): void;
    /** @returns {AsyncGenerator<Snapshot, void, void>} ends when it is stopped; rejects when the service stops it */
    [Symbol.asyncIterator](): AsyncGenerator<Snapshot, void, void>;
}
/** @param {Place} one @param {Place} [other] */
export declare const isNewer: (one: Place, other?: Place) => boolean;
/**
 * How long to stay away: full jitter under a doubling ceiling, never less than the server asked.
 *
 * @param {number} code the close code
 * @param {number} failures attempts since a connection last stood for five seconds
 * @param {number} [asked] `retry_after_ms` of a `bye`
 */
export declare function delay(code: number, failures: number, asked?: number): number;
/**
 * An outbox in the browser's local storage: outlives the page, and the browser as well as it flushes.
 *
 * @param {string} [prefix] @param {Storage} [storage] @returns {Outbox}
 */
export declare function localStorageOutbox(prefix?: string, storage?: Storage): Outbox;
/**
 * An outbox in a folder of its own, for Node: a file an award, flushed to disk, for its owner alone.
 *
 * @param {string} folder @returns {Outbox}
 */
export declare function fileOutbox(folder: string): Outbox;
// made from scoreboard.js e95fb84a13c8450e83d60c4ba7edddbd71ad5e1b99902e959f17549ae5918b7b
