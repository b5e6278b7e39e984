// Samples as they come: the newest first, a few of each batch. All of it is text of a model.

import { figure, say } from "./owner.js";

const KEPT = 12;

export class Samples {
  constructor() {
    this.place = document.getElementById("samples");
    this.template = document.getElementById("sample-template");
    this.button = document.getElementById("hold");
    this.waiting = [];
    this.isHeld = false;
    this.button.addEventListener("click", () => this.hold(!this.isHeld));
  }

  hold(isHeld) {
    this.isHeld = isHeld;
    this.button.setAttribute("aria-pressed", String(isHeld));
    const { hold, goOn } = this.button.dataset;
    this.button.textContent = isHeld ? goOn : hold;
    if (!isHeld) this.take([]);
  }

  take(samples) {
    this.waiting = [...this.waiting, ...samples].slice(-KEPT);
    if (this.isHeld || !this.waiting.length) return;
    const cards = this.waiting.reverse().map((sample) => this.card(sample));
    this.place.prepend(...cards);
    cards.forEach(offerWholeText);
    this.waiting = [];
    while (this.place.children.length > KEPT) this.place.lastElementChild.remove();
  }

  card(sample) {
    const card = this.template.content.firstElementChild.cloneNode(true);
    const put = (part, text) => {
      card.querySelector(`.sample-${part}`).textContent = text;
    };
    put("where", say("watch.sample_of", { round: sample.round, update: sample.update }));
    put("prompt", sample.prompt ?? "");
    // Continuations begin with a space, which belongs between the two texts.
    put("response", (sample.response ?? "").replace(/^ /, ""));
    put("score", figure(sample.score));
    put("kl", figure(sample.kl));
    return card;
  }
}

// A text that is cut gets a button that shows all of it.
function offerWholeText(card) {
  const texts = [...card.querySelectorAll(".text")];
  if (!texts.some((text) => text.scrollHeight > text.clientHeight + 2)) return;
  const button = card.querySelector(".sample-whole");
  button.hidden = false;
  button.addEventListener("click", () => {
    const isWhole = card.classList.toggle("is-whole");
    button.textContent = isWhole ? button.dataset.less : button.dataset.whole;
    button.setAttribute("aria-expanded", String(isWhole));
  });
}
