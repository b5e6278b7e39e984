// The cord: who stopped the line and why, and the owner's word that lets it go on.

import { call, count, day, element, isSame, notice, put, row, say } from "./owner.js";

export class Cord {
  constructor(changed) {
    this.changed = changed;
    this.place = document.getElementById("cord");
    this.form = document.getElementById("cord-form");
    this.shown = null;
    this.form?.addEventListener("submit", (event) => this.release(event));
    this.prepareStopping();
  }

  show(found, trainer) {
    const active = found.active;
    this.place.hidden = !active;
    document.body.classList.toggle("is-stopped", Boolean(active));
    document.getElementById("stop-line")?.toggleAttribute("hidden", Boolean(active));
    if (active) this.showActive(active, trainer);
    this.id = active?.id;
    if (isSame("stops", found.earlier)) return;
    const stops = found.earlier.map((stop) => row(
      [day(stop.pulled_at), stop.pulled_by, stop.reason, stop.checked, stop.action_text]));
    const nothing = element("tr", {}, [element("td", { text: say("watch.never_stopped"), colspan: "5", className: "nothing" })]);
    document.getElementById("stop-rows").replaceChildren(...(stops.length ? stops : [nothing]));
  }

  showActive(active, trainer) {
    put("cord-who", active.message);
    put("cord-reason", active.reason);
    put("cord-stopped", active.stopped_text);
    const state = JSON.stringify([active.id, active.samples, trainer?.checkpoints]);
    if (state === this.shown) return;
    this.shown = state;
    // What was on one page answers one prompt, which need not be repeated.
    const prompts = new Set(active.samples.map((sample) => sample.prompt));
    const isOne = prompts.size === 1;
    put("cord-prompt", isOne ? [...prompts][0] : "");
    const cards = active.samples.map((sample) => element("article", { className: "sample" }, [
      element("p", { className: "sample-where", text: sample.model_text }),
      ...(isOne ? [] : [element("p", { className: "text sample-prompt", text: sample.prompt })]),
      element("p", { className: "text sample-response is-all", text: sample.text.replace(/^ /, "") }),
    ]));
    document.getElementById("cord-samples").replaceChildren(...cards);
    this.offer(trainer?.checkpoints ?? []);
  }

  offer(checkpoints) {
    if (!this.form) return;
    const select = this.form.elements.roll_back_to;
    const options = [...checkpoints].reverse().map((update) =>
      element("option", { text: count(update), value: String(update) }));
    select.replaceChildren(...options);
    this.form.querySelector("[value=roll_back]").disabled = !options.length;
    select.disabled = !options.length;
    select.onchange = () => {
      this.form.querySelector("[value=roll_back]").checked = true;
    };
  }

  async release(event) {
    event.preventDefault();
    const { checked, action, roll_back_to: target } = this.form.elements;
    const isBack = action.value === "roll_back";
    try {
      await call("POST", `/api/cord/${encodeURIComponent(this.id)}/release`, {
        checked: checked.value.trim(),
        action: action.value,
        roll_back_to: isBack ? Number(target.value) : null,
      });
      this.form.reset();
      put("cord-refused", "");
      notice(isBack ? say("watch.goes_back") : say("watch.goes_on"));
      this.changed();
    } catch (problem) {
      put("cord-refused", problem.message);
    }
  }

  prepareStopping() {
    const dialog = document.getElementById("stop-dialog");
    const form = document.getElementById("stop-form");
    document.getElementById("stop-line")?.addEventListener("click", () => dialog.showModal());
    document.getElementById("stop-cancel").addEventListener("click", () => dialog.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await call("POST", "/api/cord", { reason: form.elements.reason.value.trim() });
        form.reset();
        dialog.close();
        this.changed();
      } catch (problem) {
        put("stop-refused", problem.message);
      }
    });
  }
}
