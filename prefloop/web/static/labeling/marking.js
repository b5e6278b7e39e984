/* The two switches for marks on the texts: differences between samples, and copies from the prompt. */

import { speak, toast } from "./notices.js";
import { say } from "./strings.js";

/** Mark what differs from a sample, or end that. */
export function markDifferences(card) {
  const base = card.toggleDifferences();
  showMarking(card);
  tell(base === null ? say("marking.differences_hidden") : say("marking.differences", { number: base + 1 }));
}

/** Mark what samples copied from the prompt, or end that; returns whether it is marked now. */
export function markCopies(card) {
  const isOn = card.toggleCopies();
  showMarking(card);
  tell(isOn ? say("marking.copies") : say("marking.copies_hidden"));
  return isOn;
}

/** Let the buttons say what is marked. */
export function showMarking(card) {
  pressed("differences", card.isComparing);
  pressed("copies", card.isMarkingCopies);
}

function tell(text) {
  toast(text);
  speak(text);
}

function pressed(action, isOn) {
  for (const button of document.querySelectorAll(`.actions [data-action=${action}]`)) button.setAttribute("aria-pressed", String(isOn));
}
