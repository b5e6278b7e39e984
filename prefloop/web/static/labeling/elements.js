/* Short ways to the page's own elements. */

import { say } from "./strings.js";

/** Return the element with this id; a missing one is a fault of the page. */
export function the(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found;
}

/** Return an element with a class and a text. */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Return a copy of a template's first element. */
export function copyOf(templateId) {
  return the(templateId).content.firstElementChild.cloneNode(true);
}

/** Open a dialog; opening it twice does nothing. Leaves its scroll position at the top. */
export function open(dialog) {
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

/** Minutes as a person says them. */
export function duration(minutes) {
  const whole = Math.round(minutes);
  if (whole < 60) return say("progress.minutes", { n: whole });
  const rest = whole % 60;
  const hours = Math.floor(whole / 60);
  return rest ? say("progress.hours_minutes", { hours, minutes: rest }) : say("progress.hours", { n: hours });
}
