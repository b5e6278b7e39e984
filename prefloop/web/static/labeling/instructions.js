/* The page of the instructions, to be read at leisure. */

import { the } from "./elements.js";
import { whoIsHere } from "./frame.js";
import { instructionsText } from "./instructions_text.js";
import { say } from "./strings.js";

async function start() {
  try {
    const { instructions } = await whoIsHere();
    the("question").textContent = instructions?.question ?? say("instructions.none");
    the("version").textContent = instructions ? say("instructions.version", { version: instructions.version }) : "";
    if (instructions) the("text").replaceChildren(instructionsText(instructions.html));
  } catch (error) {
    the("question").textContent = error.message;
  }
}

start();
