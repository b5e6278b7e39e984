/* How clearly and why somebody prefers a sample: asked between choosing and answering, where the owner wants it. */

import { element, the } from "./elements.js";
import { say } from "./strings.js";

const STRENGTHS = { slightly: "why.slightly", clearly: "why.clearly" };

export class Why {
  #content = null;
  #strengths = [];
  #chips = [];
  #onAnswer;
  #onCancel;

  /** `onAnswer` gets what the answer says, with `strength` and `reasons` in its details; `onCancel` nothing. */
  constructor(onAnswer, onCancel) {
    this.#onAnswer = onAnswer;
    this.#onCancel = onCancel;
    the("why-send").addEventListener("click", () => this.#answer(null));
    the("why-cancel").addEventListener("click", () => this.cancel());
  }

  /** Set what is asked: `strength`, whether slightly or clearly; `reasons`, the chips of the run. */
  use({ strength, reasons }) {
    const wanted = JSON.stringify([strength, reasons]);
    if (this.isAsking || wanted === the("why").dataset.asks) return;
    the("why").dataset.asks = wanted;
    the("why-title").textContent = titleOf(strength, reasons.length > 0);
    this.#strengths = (strength ? Object.keys(STRENGTHS) : []).map((word) => this.#button(word, say(STRENGTHS[word]), () => this.#answer(word)));
    this.#chips = reasons.map((reason) => this.#button(reason, reason, (button) => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      the("why-send").focus();
    }));
    for (const chip of this.#chips) chip.setAttribute("aria-pressed", "false");
    const all = [...this.#strengths, ...this.#chips];
    all.forEach((button, index) => button.prepend(element("kbd", "", String(index + 1)), " "));
    the("why-buttons").replaceChildren(...all);
  }

  /** Whether there is anything to ask. */
  get isWanted() {
    return this.#strengths.length + this.#chips.length > 0;
  }

  get isAsking() {
    return this.#content !== null;
  }

  /** Ask about an answer; `before` are the reasons that an earlier answer to the question had. */
  ask(content, before = []) {
    this.#content = content;
    for (const chip of this.#chips) chip.setAttribute("aria-pressed", String(before.includes(chip.value)));
    the("row").hidden = true;
    the("why").hidden = false;
    the("why-send").focus();
  }

  /** Another question is on the page. */
  stop() {
    this.#content = null;
    the("why").hidden = true;
    the("row").hidden = false;
  }

  cancel() {
    this.stop();
    this.#onCancel();
  }

  /** A key while it is asked: the number of a button, or Enter to send. */
  press(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = [...this.#strengths, ...this.#chips][Number(event.key) - 1];
    const isSent = event.key === "Enter" && !event.target.closest("#why");
    if (!button && !isSent) return;
    event.preventDefault();
    if (button) button.click();
    else this.#answer(null);
  }

  #button(value, word, onPress) {
    const button = element("button", "action", word);
    button.type = "button";
    button.value = value;
    button.addEventListener("click", () => onPress(button));
    return button;
  }

  #answer(strength) {
    if (this.#content === null) return;
    const reasons = this.#chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.value);
    const details = { ...this.#content.details };
    if (strength) details.strength = strength;
    if (reasons.length) details.reasons = reasons;
    const content = { ...this.#content, details };
    // After the last question no other comes that would end it.
    this.stop();
    this.#onAnswer(content);
  }
}

function titleOf(asksStrength, asksReasons) {
  if (asksStrength && asksReasons) return say("why.both");
  return asksStrength ? say("why.strength") : say("why.reasons");
}
