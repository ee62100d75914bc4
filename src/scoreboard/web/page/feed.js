/** One board's live connection: keeps the newest board, comes back after a loss, draws nothing. */
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const BYE_LONGEST_MS = 300_000;
const OPENING_MS = 10_000;
const SETTLED_MS = 5_000;
const MISSED_HEARTBEATS = 2.5;
const TOKEN_REFUSED = [4001, 4003, 4101];

export const isNewer = (one, other) =>
  !other || one.epoch > other.epoch || (one.epoch === other.epoch && one.seq > other.seq);

// Full jitter under a ceiling that doubles; never sooner than a `bye` asked.
export function delay(code, failures, asked) {
  const least = Math.min(asked ?? 0, BYE_LONGEST_MS);
  const family = Math.floor(code / 100);
  if (!failures && (asked !== undefined || code === 1012 || family === 42)) return least;
  const doubled = code === 1013 || family === 41 ? LONGEST_MS : FIRST_MS * 2 ** failures;
  return Math.max(least, Math.random() * Math.min(LONGEST_MS, doubled));
}

/** Follows a board from `place` on, once opened; goes on without a token that is refused. */
export function follow({ base, board, period, token }, place, report) {
  const feed = { state: "connecting", reason: "", heardAt: 0, nextAt: 0, open, stop };
  const listening = new AbortController();
  const { signal } = listening;
  let failures = 0;
  let liveAt = 0;
  let heartbeat, socket, timer, asked;

  addEventListener("online", hurry, { signal });
  addEventListener("offline", hurry, { signal });
  document.addEventListener("visibilitychange", () => document.hidden || hurry(), { signal });

  function open() {
    const since = place && { since: `${place.epoch}-${place.seq}` };
    const url = new URL(`ws/scoreboard?${new URLSearchParams({ board, period, ...since })}`, base);
    url.protocol = url.protocol.replace("http", "ws");
    const opened = (socket = new WebSocket(url));
    asked = undefined;
    liveAt = feed.nextAt = 0;
    socket.onopen = () => token && opened.send(JSON.stringify({ type: "hello", token, me: true }));
    socket.onmessage = ({ data }) => opened === socket && hear(JSON.parse(data));
    socket.onclose = ({ code, reason }) => opened === socket && lost(code, reason);
    after(OPENING_MS, abandon);
    tell(heartbeat ? away() : "connecting");
  }

  function stop() {
    listening.abort();
    clearTimeout(timer);
    drop();
  }

  // Nobody waits for a closing handshake.
  function drop() {
    const dead = socket;
    socket = undefined;
    dead?.close();
  }

  function hear(message) {
    feed.heardAt = Date.now();
    const { type } = message;
    const newer = isNewer(message, place);
    if (type === "welcome") heartbeat = message.heartbeat_ms;
    if (type === "top" && newer) report.top((place = message));
    if (type === "top" || message.resumed) tell("live");
    if (type === "me") report.me(message.standing);
    if (type === "tick" && newer) socket.send('{"type":"resync"}');
    if (type === "bye") asked = message.retry_after_ms;
    if (heartbeat && !signal.aborted) after(MISSED_HEARTBEATS * heartbeat, abandon);
  }

  function after(wait, then) {
    clearTimeout(timer);
    timer = setTimeout(then, wait);
  }

  const abandon = () => lost(1006);

  async function lost(code, reason) {
    drop();
    if (token && TOKEN_REFUSED.includes(code)) {
      token = "";
      report.refused();
      if (signal.aborted) return;
    } else if (Math.floor(code / 100) === 40) return end(reason || code);
    failures = liveAt && Date.now() - liveAt > SETTLED_MS ? 0 : failures + 1;
    const wait = delay(code, failures, asked);
    feed.nextAt = Date.now() + wait;
    after(wait, open);
    tell(away());
    if (heartbeat || failures > 1) return;
    // A browser hides why a handshake was refused; a read of the same board tells.
    const path = `v1/boards/${encodeURIComponent(board)}/top?${new URLSearchParams({ period })}`;
    const answer = await fetch(new URL(path, base)).catch(() =>
      console.warn(`No board from ${base}: is it up, and ${origin} in SCOREBOARD_ORIGINS?`));
    if (![400, 403, 404].includes(answer?.status)) return;
    const { title } = await answer.json();
    if (!heartbeat && !signal.aborted) end(title);
  }

  function end(reason) {
    stop();
    feed.reason = reason;
    tell("stopped");
  }

  // The network or the reader came or went: no reason to wait, or to trust what slept.
  function hurry() {
    const silent = Date.now() - feed.heardAt > MISSED_HEARTBEATS * heartbeat;
    if (feed.state === "live") silent && abandon();
    else if (!socket && navigator.onLine) open();
    else if (feed.state !== "connecting") tell(away());
  }

  const away = () => (navigator.onLine ? "reconnecting" : "offline");

  function tell(state) {
    feed.state = state;
    if (state === "live") liveAt ||= Date.now();
    report.state();
  }

  return feed;
}
