/* On a phone a long prompt and its samples stand below each other: one tap leads from either to the
   other, to where one was in it. Nothing is hidden by that. */

import { the } from "./elements.js";

const GAP_PX = 8;

export class Panes {
  #places = new Map();
  #buttons = [...the("panes").querySelectorAll("button")];

  constructor() {
    for (const button of this.#buttons) button.addEventListener("click", () => this.#go(button.value));
    addEventListener("scroll", () => this.#tell(), { passive: true });
  }

  /** A question begins. `isLong`: its prompt fills a small screen. */
  begin(isLong) {
    this.#places.clear();
    the("panes").hidden = !isLong;
    this.#tell();
  }

  /** The part that is being read: the samples once they fill half of the window, or at the very end. */
  get #current() {
    const isAtEnd = scrollY > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
    const isBelow = the("samples-pane").getBoundingClientRect().top < innerHeight / 2;
    return isAtEnd || isBelow ? "samples-pane" : "prompt-pane";
  }

  #go(id) {
    const from = this.#current;
    if (from !== id) this.#places.set(from, scrollY);
    const place = from === id ? undefined : this.#places.get(id);
    scrollTo({ top: place ?? this.#top(id), behavior: "instant" });
    this.#tell();
  }

  #top(id) {
    return scrollY + the(id).getBoundingClientRect().top - the("panes").offsetHeight - GAP_PX;
  }

  #tell() {
    if (the("panes").hidden) return;
    const current = this.#current;
    for (const button of this.#buttons) button.setAttribute("aria-current", String(button.value === current));
  }
}
