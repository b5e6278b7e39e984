/* Own answers, and how far one has come. */

import { call } from "./api.js";
import { duration, element, the } from "./elements.js";
import { whoIsHere } from "./frame.js";
import { goldTold } from "./notices.js";
import { ownItems } from "./own_answers.js";

function tile(name, value) {
  const box = element("div", "tile");
  box.append(element("dt", "", name), element("dd", "", value));
  return box;
}

async function start() {
  try {
    const { progress } = await whoIsHere();
    the("tiles").replaceChildren(
      tile("Answered", String(progress.answered)),
      tile("Left for you", progress.left ? `at most ${progress.left}` : "nothing"),
      tile("Today", duration(progress.today_minutes)),
    );
    the("gold").textContent = goldTold(progress.gold);
    const { answers } = await call("GET", "/api/answers?limit=50");
    the("own-text").textContent = answers.length
      ? "The last 50, newest first. Each can be changed until its batch is closed."
      : "You have not answered anything yet.";
    the("owns").replaceChildren(...ownItems(answers, (own) => location.assign(`/label?change=${encodeURIComponent(own.id)}`)));
  } catch (error) {
    the("own-text").textContent = error.message;
  }
}

start();
