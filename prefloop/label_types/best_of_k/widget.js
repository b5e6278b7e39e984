/* Best of k on the labeling page: each sample has a button and a number, and one press answers. */

import { element } from "/static/labeling/elements.js";
import { say } from "/static/labeling/strings.js";

/** What the number of a sample does, for the help. */
export const help = say("best_of_k.help");

/** Whether each sample shows what it has and the other lacks; else all but one, which is the base. */
export const marksBoth = false;

/** The answer within a sentence: `sample 2`. */
export function named({ chosen }, samples) {
  return say("best_of_k.named", { number: indexOf(chosen, samples) + 1 });
}

/** The answer in a list of answers: `Sample 2 of 4`. */
export function summary({ chosen }, samples) {
  return say("best_of_k.summary", { number: indexOf(chosen, samples) + 1, count: samples.length });
}

export class Widget {
  #samples;
  #sections;
  #onAnswer;

  /** Put a button into the section of each sample, and one for each into `row`.

      `onAnswer` gets what an answer says and the event that gave it. */
  constructor({ samples, sections, row, onAnswer }) {
    this.#samples = samples;
    this.#sections = sections;
    this.#onAnswer = onAnswer;
    sections.forEach((section, index) => this.#wire(section.querySelector(".choose"), index));
    row.replaceChildren(...samples.map((_, index) => this.#wire(element("button", "action", String(index + 1)), index)));
  }

  /** Take the key of a sample, from 1. */
  press(number) {
    if (number <= this.#samples.length) this.#answer(number - 1);
  }

  /** Show an answer: an earlier one, or one that waits for how sure it is. null: none. */
  mark(content) {
    this.#sections.forEach((section, i) => section.classList.toggle("is-marked", content?.chosen === this.#samples[i].id));
  }

  #wire(button, index) {
    button.type = "button";
    button.setAttribute("aria-label", say("best_of_k.choose", { number: index + 1 }));
    button.addEventListener("click", (event) => this.#answer(index, event));
    return button;
  }

  #answer(index, event) {
    this.#onAnswer({ answer: "best", chosen: this.#samples[index].id }, event);
  }
}

function indexOf(chosen, samples) {
  return samples.findIndex((sample) => sample.id === chosen);
}
