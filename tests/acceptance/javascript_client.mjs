// Awards and watches through whatever happens to the service, and prints what it saw as JSON.
// node javascript_client.mjs URL TOKEN USER COUNT FOLDER

import { Scoreboard, fileOutbox } from "../../clients/js/scoreboard.js";

const [url, token, user, count, folder] = process.argv.slice(2);
const client = new Scoreboard(url, { token, outbox: fileOutbox(folder), attempts: 100 });
const places = [];
let watch;
const shown = new Promise((resolve) => {
  watch = client.watch("default", {
    onsnapshot(snapshot) {
      places.push([snapshot.epoch, snapshot.seq]);
      if (snapshot.rows.find((row) => row.user_id === user)?.score === 10 * count) resolve();
    },
  });
});
const scores = [];
let left = Number(count);
await Promise.all(Array.from({ length: 8 }, async () => {
  while (left-- > 0) {
    scores.push((await client.award(user, "quiz")).new_score);
    console.log(scores.length);
  }
}));
await shown;
watch.stop();
console.log(JSON.stringify({ scores: scores.sort((one, other) => one - other), places }));
