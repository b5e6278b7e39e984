/* A ranking on the labeling page: samples are pressed in order of preference, and a last press sends the order. */

import { element } from "/static/labeling/elements.js";
import { say } from "/static/labeling/strings.js";

const PLACES = ["ranking.first", "ranking.second", "ranking.third"];

/** What the number of a sample does, for the help. */
export const help = say("ranking.help");

/** Whether each sample shows what it has and the other lacks; else all but one, which is the base. */
export const marksBoth = false;

/** The answer within a sentence: `ranking 2, 1 = 3`. */
export function named(content, samples) {
  return say("ranking.named", { order: orderOf(content, samples) });
}

/** The answer in a list of answers: `Ranked 2, 1 = 3`. */
export function summary(content, samples) {
  return say("ranking.summary", { order: orderOf(content, samples) });
}

export class Widget {
  #samples;
  #sections;
  #buttons;
  #onAnswer;
  #placed = [];
  #order = element("span", "order");
  #back = element("button", "action quiet-action");
  #send = element("button", "action");

  /** Let the button of each sample, and one for each in `row`, give it the next place.

      `onAnswer` gets what an answer says and the event that gave it. */
  constructor({ samples, sections, row, onAnswer }) {
    this.#samples = samples;
    this.#sections = sections;
    this.#onAnswer = onAnswer;
    const onCards = sections.map((section) => section.querySelector(".choose"));
    const inRow = samples.map((_, index) => element("button", "action pick", String(index + 1)));
    this.#buttons = samples.map((_, index) => [onCards[index], inRow[index]]);
    this.#buttons.forEach((pair, index) => pair.forEach((button) => wire(button, () => this.#press(index))));
    for (const section of sections) {
      section.querySelector(".choose-word").textContent = say("ranking.choose");
      section.querySelector(".choose").append(element("span", "place"));
    }
    this.#order.setAttribute("role", "status");
    this.#back.append(element("kbd", "", "⌫"), ` ${say("ranking.back")}`);
    this.#send.append(element("kbd", "", "Enter"), ` ${say("ranking.send")}`);
    wire(this.#back, () => this.back());
    wire(this.#send, (event) => this.send(event));
    row.classList.add("has-send");
    row.replaceChildren(...inRow, this.#order, this.#back, this.#send);
    this.#paint();
  }

  /** Take the key of a sample, from 1. */
  press(number) {
    if (number <= this.#samples.length) this.#press(number - 1);
  }

  /** Whether an order can be sent as it stands, without a sample left out. */
  get isComplete() {
    return this.#placed.length >= this.#samples.length - 1;
  }

  /** Take the last place back. */
  back() {
    this.#placed.pop();
    this.#paint();
  }

  /** Answer. Samples without a place share the last one. */
  send(event) {
    if (!this.#placed.length) return;
    const places = this.#placed.map((index) => [this.#samples[index].id]);
    const rest = this.#samples.filter((_, index) => !this.#placed.includes(index)).map(({ id }) => id);
    const ranking = rest.length ? [...places, rest] : places;
    this.#onAnswer({ answer: "best", chosen: ranking[0][0], details: { ranking } }, event);
  }

  /** Show an earlier answer. null: none; what is placed stays. */
  mark(content) {
    const ranking = content?.details?.ranking;
    if (!ranking) return;
    // Those that shared the last place had none of their own.
    this.#placed = ranking.filter((place) => place.length === 1).map(([id]) => indexOf(id, this.#samples));
    this.#paint();
  }

  #press(index) {
    if (this.#placed.includes(index)) this.#placed = this.#placed.filter((each) => each !== index);
    else this.#placed.push(index);
    this.#paint();
  }

  #paint() {
    this.#sections.forEach((section, index) => {
      const place = this.#placed.indexOf(index) + 1;
      section.classList.toggle("is-marked", place > 0);
      section.querySelector(".place").textContent = place ? nth(place) : "";
      for (const button of this.#buttons[index]) {
        button.setAttribute("aria-label", place ? say("ranking.placed", { number: index + 1, place }) : say("ranking.rank", { number: index + 1 }));
        button.setAttribute("aria-pressed", String(place > 0));
      }
    });
    this.#order.textContent = this.#placed.map((index) => index + 1).join(", ");
    this.#back.disabled = this.#placed.length === 0;
    this.#send.disabled = this.#placed.length === 0;
  }
}

function wire(button, onPress) {
  button.type = "button";
  button.addEventListener("click", onPress);
}

function nth(place) {
  return say(PLACES[place - 1] ?? "ranking.nth", { place });
}

function orderOf({ details }, samples) {
  return (details?.ranking ?? []).map((place) => place.map((id) => indexOf(id, samples) + 1).join(" = ")).join(", ");
}

function indexOf(id, samples) {
  return samples.findIndex((sample) => sample.id === id);
}
