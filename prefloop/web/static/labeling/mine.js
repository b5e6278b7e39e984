/* Own answers, and how far one has come. */

import { call } from "./api.js";
import { duration, element, the } from "./elements.js";
import { whoIsHere } from "./frame.js";
import { goldTold } from "./notices.js";
import { ownItems } from "./own_answers.js";
import { say } from "./strings.js";

function tile(name, value) {
  const box = element("div", "tile");
  box.append(element("dt", "", name), element("dd", "", value));
  return box;
}

async function start() {
  try {
    const { progress } = await whoIsHere();
    the("tiles").replaceChildren(
      tile(say("mine.answered"), String(progress.answered)),
      tile(say("mine.left"), progress.left ? say("mine.left_most", { n: progress.left }) : say("mine.left_none")),
      tile(say("mine.today"), duration(progress.today_minutes)),
    );
    the("gold").textContent = goldTold(progress.gold);
    const { answers } = await call("GET", "/api/answers?limit=50");
    the("own-text").textContent = answers.length
      ? say("mine.latest")
      : say("mine.none");
    the("owns").replaceChildren(...ownItems(answers, (own) => location.assign(`/label?change=${encodeURIComponent(own.id)}`)));
  } catch (error) {
    the("own-text").textContent = error.message;
  }
}

start();
