/** What the page adds to the board: the code to embed it, and a wall screen that stays awake. */
for (const code of document.querySelectorAll("[data-embed]")) {
  const url = new URL("static/score-board.js", document.baseURI).href;
  code.textContent = (code.textContent ?? "").replace("static/score-board.js", url);
}

const isWall = document.documentElement.classList.contains("kiosk");

async function stayAwake() {
  if (!document.hidden) await navigator.wakeLock?.request("screen").catch(() => undefined);
}

if (isWall) {
  document.addEventListener("visibilitychange", stayAwake);
  await stayAwake();
}
