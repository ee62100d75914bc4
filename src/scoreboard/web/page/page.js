/** What the page adds to the board: the code to embed it, and a wall screen that stays awake. */
const code = document.querySelector("[data-embed]");
const script = "static/score-board.js";
if (code) code.textContent = code.textContent.replace(script, new URL(script, document.baseURI).href);

async function stayAwake() {
  if (!document.hidden) await navigator.wakeLock?.request("screen").catch(() => undefined);
}

if (document.documentElement.classList.contains("kiosk")) {
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
}
