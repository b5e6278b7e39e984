/* How sure somebody is of a choice: asked between choosing and answering, where the owner wants it. */

import { the } from "./elements.js";

export class Sure {
  #content = null;
  #onAnswer;
  #onCancel;

  /** `onAnswer` gets what the answer says and how sure, or null; `onCancel` nothing. */
  constructor(onAnswer, onCancel) {
    this.#onAnswer = onAnswer;
    this.#onCancel = onCancel;
    the("sure").addEventListener("click", (event) => {
      const button = event.target.closest("[data-sure]");
      if (button) this.#answer(button.dataset.sure === "" ? null : Number(button.dataset.sure));
    });
    the("sure-cancel").addEventListener("click", () => this.cancel());
  }

  get isAsking() {
    return this.#content !== null;
  }

  ask(content) {
    this.#content = content;
    the("row").hidden = true;
    the("sure").hidden = false;
    the("sure-any").focus();
  }

  /** Another question is on the page. */
  stop() {
    this.#content = null;
    the("sure").hidden = true;
    the("row").hidden = false;
  }

  cancel() {
    this.stop();
    this.#onCancel();
  }

  /** A key while it is asked: 1 to 3, or Enter for no matter. */
  press(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = the("sure").querySelectorAll("[data-sure]")[Number(event.key) - 1];
    const isAny = event.key === "Enter" && !event.target.closest("#sure");
    if (!button && !isAny) return;
    event.preventDefault();
    if (button) button.click();
    else this.#answer(null);
  }

  #answer(confidence) {
    if (this.#content !== null) this.#onAnswer(this.#content, confidence);
  }
}
