/* One question on the page: the prompt, the samples in the order given, and what differs. */

import { MOST_SEGMENTED, differing, words } from "./diff.js";
import { copiesOf, withCopies } from "./copies.js";
import { copyOf, element, the } from "./elements.js";
import { widgetOf } from "./label_types.js";
import { Panes } from "./panes.js";
import { showRendered, showsRaw } from "./rendered.js";
import { say } from "./strings.js";
import { hanging, readable, show } from "./text.js";

const LONG_PROMPT = 600;
/* Above so many characters a prompt stands beside its samples, where there is room. */
const PANES = ["prompt-pane", "samples-pane"];
const SCROLLING = ["wheel", "keydown", "pointerdown", "touchstart"];
const LONGEST_SCROLL_MS = 1000;

export class Card {
  #assignment = null;
  #sections = [];
  #widget = null;
  #onAnswer;
  #panes = new Panes();
  #layout;
  #hasSeenLong = false;
  #differsFrom = null;
  #marksCopies;
  #hasMarkedCopies = false;
  #hangs = false;
  #isRaw = false;
  #atTop = new AbortController();

  /** `onAnswer` gets what an answer `best` says, and the event that gave it. `settings`: the person's. */
  constructor(onAnswer, { layout, copies }) {
    this.#onAnswer = onAnswer;
    this.#layout = layout;
    this.#marksCopies = copies;
    the("raw").addEventListener("click", () => this.#toggleRaw());
  }

  /** Whether differences are marked. */
  get isComparing() {
    return this.#differsFrom !== null;
  }

  /** Whether copies are marked: not while differences are. */
  get isMarkingCopies() {
    return this.#marksCopies && !this.isComparing;
  }

  /** Whether copies were marked while the question was on the page. */
  get hasMarkedCopies() {
    return this.#hasMarkedCopies;
  }

  /** Paint a question. `previous`: what an earlier answer says, if there is one. */
  show(assignment, previous = null) {
    this.#assignment = assignment;
    this.#hasMarkedCopies = false;
    this.#differsFrom = null;
    the("prompt-pane").classList.toggle("is-empty", assignment.prompt.trim() === "");
    this.#hangs = assignment.samples.every((sample) => /^ \S/u.test(sample.text));
    this.#sections = assignment.samples.map((_, index) => this.#section(index));
    const { samples } = assignment;
    const { Widget, help } = widgetOf(assignment);
    the("choices").className = "choices";
    this.#widget = new Widget({ samples, sections: this.#sections, row: the("choices"), onAnswer: this.#onAnswer });
    this.#widget.mark(previous);
    the("sample-help").textContent = help;
    this.#paintTexts();
    the("samples").replaceChildren(...this.#sections);
    // Once beside, the prompt stays beside: a layout that jumps from question to question tires.
    const isLong = assignment.prompt.length > LONG_PROMPT;
    this.#hasSeenLong ||= isLong;
    this.#place();
    the("work").hidden = false;
    this.#panes.begin(isLong);
    this.#toTop();
    the("prompt-title").focus({ preventScroll: true });
  }

  /** A question begins at its top. A smooth scroll of the one before goes on, and is undone until it ends. */
  #toTop() {
    this.#atTop.abort();
    const top = new AbortController();
    this.#atTop = top;
    for (const pane of PANES.map(the)) {
      pane.scrollTop = 0;
      pane.addEventListener("scroll", () => { pane.scrollTop = 0; }, { signal: top.signal });
    }
    scrollTo({ top: 0, behavior: "instant" });
    const letGo = () => top.abort();
    for (const kind of SCROLLING) addEventListener(kind, letGo, { signal: top.signal, capture: true, passive: true });
    setTimeout(letGo, LONGEST_SCROLL_MS);
  }

  hide() {
    this.#assignment = null;
    this.#widget = null;
    the("work").hidden = true;
  }

  /** Set where the prompt stands: `auto`, `beside`, `below`. */
  setLayout(layout) {
    this.#layout = layout;
    this.#place();
  }

  /** Pass on the key of a sample, from 1. */
  press(number) {
    this.#widget?.press(number);
  }

  /** Take the last step of an answer back that takes several. */
  back() {
    this.#widget?.back?.();
  }

  /** Send an answer that takes several steps. */
  send() {
    this.#widget?.send?.();
  }

  /** Whether Enter means `send` here: not on a button that does something else. */
  isSentFrom(target) {
    if (!this.#widget?.send) return false;
    const button = target.closest?.("button, a, summary, input");
    return !button || (this.#widget.isComplete && button.closest("#samples .choose, #choices .pick") !== null);
  }

  /** Show an answer and wait, as its strength or reasons are asked; null: none. */
  mark(content) {
    this.#widget?.mark(content);
  }

  /** Show which sample is known to be best. */
  reveal(known) {
    this.#assignment?.samples.forEach((sample, i) => {
      const isKnown = sample.id === known;
      this.#sections[i].classList.toggle("is-known", isKnown);
      this.#sections[i].querySelector(".known").hidden = !isKnown;
    });
  }

  /** No more answers to this question. */
  lock() {
    for (const button of document.querySelectorAll("#samples .choose, #choices button")) button.disabled = true;
  }

  /** Mark what differs from the sample in focus or under the pointer, or from the first; again: no marks. */
  toggleDifferences() {
    const inFocus = this.#sections.findIndex((section) => section.contains(document.activeElement));
    const meant = inFocus >= 0 ? inFocus : this.#sections.findIndex((section) => section.matches(":hover"));
    const base = Math.max(meant, 0);
    const isSame = this.#differsFrom === base || (this.isComparing && meant < 0);
    this.#differsFrom = isSame ? null : base;
    this.#paintTexts();
    return this.#differsFrom;
  }

  /** Mark what stands in prompt and sample, in this question and those that follow; again: no marks. */
  toggleCopies() {
    this.#marksCopies = !this.isMarkingCopies;
    this.#differsFrom = null;
    this.#paintTexts();
    return this.#marksCopies;
  }

  #toggleRaw() {
    this.#isRaw = !this.#isRaw;
    this.#paintTexts();
  }

  #paintTexts() {
    const { prompt, prompt_html: promptHtml, samples } = this.#assignment;
    const texts = this.#assignment.samples.map((sample) => (this.#hangs ? sample.text.slice(1) : sample.text));
    const isSegmented = texts.every((text) => text.length <= MOST_SEGMENTED);
    const copies = this.isMarkingCopies ? copiesOf(prompt, texts) : null;
    this.#hasMarkedCopies ||= copies !== null;
    // Marks are in the raw text: there every word of it stands.
    const isRendered = !this.#isRaw && !this.isComparing && !copies;
    the("raw").hidden = !promptHtml && !samples.some((sample) => sample.html);
    the("raw").setAttribute("aria-pressed", String(this.#isRaw));
    if (promptHtml && isRendered) showRendered(the("prompt"), promptHtml);
    else show(showsRaw(the("prompt")), prompt, copies ? () => withCopies(prompt, copies.prompt.spans) : readable);
    const split = this.isComparing ? texts.map((text) => words(text, isSegmented)) : [];
    texts.forEach((text, i) => {
      const place = this.#sections[i].querySelector(".text");
      const isBase = i === this.#differsFrom && !widgetOf(this.#assignment).marksBoth;
      this.#sections[i].classList.toggle("is-base", isBase);
      this.#tellCopied(this.#sections[i], copies?.samples[i]);
      const { html } = samples[i];
      if (html && isRendered) return showRendered(place, html);
      showsRaw(place);
      if (copies) show(place, text, () => withCopies(text, copies.samples[i].spans));
      else if (!this.isComparing || isBase) show(place, text);
      else show(place, text, () => marked(split[i], split[i === this.#differsFrom ? 1 - i : this.#differsFrom]));
      if (this.#hangs) place.prepend(hanging());
    });
  }

  #tellCopied(section, copied) {
    const line = section.querySelector(".copied-words");
    line.hidden = !copied;
    line.textContent = copied ? say("card.copied", { copied: copied.nCopied, n: copied.nWords }) : "";
  }

  #section(index) {
    const section = copyOf("sample-template");
    const heading = section.querySelector("h3");
    heading.id = `sample-${index + 1}`;
    heading.textContent = say("card.sample", { number: index + 1 });
    section.setAttribute("aria-labelledby", heading.id);
    section.querySelector(".number").textContent = String(index + 1);
    return section;
  }

  #place() {
    const isBeside = this.#layout === "beside" || (this.#layout === "auto" && this.#hasSeenLong);
    document.body.dataset.layout = isBeside ? "beside" : "below";
  }
}

function marked(own, base) {
  const isNew = differing(own, base);
  const fragment = document.createDocumentFragment();
  for (let i = 0; i < own.length;) {
    let end = i + 1;
    while (end < own.length && isNew[end] === isNew[i]) end += 1;
    const piece = readable(own.slice(i, end).join(""));
    if (isNew[i]) {
      const mark = element("mark");
      mark.append(piece);
      fragment.append(mark);
    } else {
      fragment.append(piece);
    }
    i = end;
  }
  return fragment;
}
