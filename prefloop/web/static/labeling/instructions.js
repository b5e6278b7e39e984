/* The page of the instructions, to be read at leisure. */

import { the } from "./elements.js";
import { whoIsHere } from "./frame.js";
import { instructionsText } from "./instructions_text.js";

async function start() {
  try {
    const { instructions } = await whoIsHere();
    the("question").textContent = instructions?.question ?? "There are no instructions yet.";
    the("version").textContent = instructions ? `Version ${instructions.version}` : "";
    if (instructions) the("text").replaceChildren(instructionsText(instructions.html));
  } catch (error) {
    the("question").textContent = error.message;
  }
}

start();
