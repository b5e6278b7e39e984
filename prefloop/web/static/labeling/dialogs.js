/* The page's dialogs. Each is a native one: it traps the focus, and Escape closes it. */

import { call } from "./api.js";
import { element, open, the } from "./elements.js";
import { instructionsText } from "./instructions_text.js";
import { isTyping } from "./keys.js";
import { ownItems } from "./own_answers.js";
import { readSettings, writeSettings } from "./settings.js";
import { say } from "./strings.js";
import { excerpt } from "./text.js";

/** Make the closing buttons close, and a press beside a dialog too. */
export function wireDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      const isBeside = event.target === dialog && isOutside(dialog, event);
      const mayClose = !dialog.dataset.must;
      if (event.target.closest("[data-close]") || (isBeside && mayClose)) dialog.close();
    });
    dialog.addEventListener("cancel", (event) => { if (dialog.dataset.must) event.preventDefault(); });
  }
}

function isOutside(dialog, { clientX: x, clientY: y }) {
  const box = dialog.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}

/** Whether any dialog is open: then keys belong to it. */
export function isDialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}

/** Ask for the reason of a skip or a flag; null if the person went back to the question. */
export function askReason(name) {
  const dialog = the(`${name}-dialog`);
  const [form, note] = [dialog.querySelector("form"), the(`${name}-note`)];
  const radios = [...form.querySelectorAll("input[type=radio]")];
  form.reset();
  open(dialog);
  const more = new AbortController();
  const { signal } = more;
  const isOther = () => radios.at(-1).checked;
  form.addEventListener("change", () => { note.required = isOther(); }, { signal });
  dialog.addEventListener("keydown", (event) => {
    const radio = isTyping(event.target) || event.repeat ? undefined : radios[Number(event.key) - 1];
    if (!radio) return;
    event.preventDefault();
    radio.click();
    if (isOther()) note.focus();
    else form.requestSubmit();
  }, { signal });
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      const chosen = radios.find((radio) => radio.checked)?.value ?? "";
      closeWith(event, dialog, () => resolve([chosen, note.value.trim()].filter(Boolean).join(": ")));
    }, { signal });
    dialog.addEventListener("close", () => {
      more.abort();
      resolve(null);
    }, { signal });
  });
}

/** Close a dialog and answer at once. Its `close` event comes later: the next key could come before it. */
function closeWith(submit, dialog, answer) {
  submit.preventDefault();
  dialog.close();
  answer();
}

/** Ask for a note; null if nothing is to change. */
export function askNote(text) {
  const dialog = the("note-dialog");
  the("note").value = text;
  open(dialog);
  the("note").focus();
  return new Promise((resolve) => {
    dialog.querySelector("form").onsubmit = (event) => closeWith(event, dialog, () => resolve(the("note").value.trim()));
    the("note").onkeydown = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.querySelector("form").requestSubmit();
    };
    dialog.addEventListener("close", () => resolve(null), { once: true });
  });
}

/** Show the instructions. `why`: they must be read and acknowledged before work goes on. */
export function showInstructions(guidance, why = "") {
  const dialog = the("instructions-dialog");
  the("instructions-why").textContent = why;
  the("instructions-why").hidden = !why;
  the("instructions-question").textContent = guidance.question;
  the("instructions-text").replaceChildren(instructionsText(guidance.html));
  the("instructions-refused").textContent = "";
  the("instructions-read").hidden = !why;
  the("instructions-close").hidden = Boolean(why);
  if (why) dialog.dataset.must = "yes";
  else delete dialog.dataset.must;
  open(dialog);
  the("instructions-title").focus();
  return new Promise((resolve) => {
    the("instructions-read").onclick = async () => {
      try {
        await call("POST", "/api/me/instructions", { version: guidance.version });
        dialog.close();
      } catch (error) {
        the("instructions-refused").textContent = error.message;
      }
    };
    dialog.addEventListener("close", () => resolve(), { once: true });
  });
}

/** Show help and settings; `onChange` gets the settings each time one is changed. */
export function wireSettings(onChange) {
  const form = the("settings");
  const settings = readSettings();
  form.elements.keys.checked = settings.keys;
  for (const name of ["size", "face", "layout"]) form.elements[name].value = settings[name];
  form.addEventListener("change", () => {
    const chosen = { ...readSettings(), keys: form.elements.keys.checked };
    for (const name of ["size", "face", "layout"]) chosen[name] = form.elements[name].value;
    writeSettings(chosen);
    onChange(chosen);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
}

/** Show one's own last answers; resolves with the one to change, or null. */
export async function chooseOwn(outbox) {
  const dialog = the("own-dialog");
  the("owns").replaceChildren();
  the("own-text").textContent = say("own.waiting");
  open(dialog);
  the("own-title").focus();
  let chosen = null;
  const closed = new Promise((resolve) => { dialog.addEventListener("close", () => resolve(), { once: true }); });
  try {
    const { answers } = await call("GET", "/api/answers?limit=50");
    const replaced = new Set(outbox.waiting.map((entry) => entry.target ?? entry.body.replaces));
    const shown = answers.filter((own) => !replaced.has(own.id));
    the("own-text").textContent = shown.length ? say("own.can_change") : say("own.none");
    the("owns").replaceChildren(...ownItems(shown, (own) => {
      chosen = own;
      dialog.close();
    }));
  } catch (error) {
    the("own-text").textContent = error.message;
  }
  await closed;
  return chosen;
}

const CORD = { stopping: "cord.stopping", stopped: "cord.stopped", yours: "cord.yours" };

/** Ask whether to stop the run, and why; resolves with what to say of it, or null. */
export function pullCord(assignmentId) {
  const dialog = the("cord-dialog");
  const form = the("cord-form");
  the("cord-refused").textContent = "";
  form.reset();
  open(dialog);
  the("cord-reason").focus();
  return new Promise((resolve) => {
    let message = null;
    form.onsubmit = async (event) => {
      event.preventDefault();
      const reason = the("cord-reason").value.trim();
      if (!reason) return;
      try {
        const { outcome } = await call("POST", "/api/cord", { reason, assignment_id: assignmentId });
        message = say(CORD[outcome]);
        dialog.close();
      } catch (error) {
        the("cord-refused").textContent = error.message;
      }
    };
    dialog.addEventListener("close", () => resolve(message), { once: true });
  });
}

/** Fill the list of what is on its way, and of what the server did not take. */
export function fillOutbox(outbox) {
  const [waiting, refused] = [outbox.waiting, outbox.refused];
  the("outbox-text").textContent = waiting.length
    ? say("outbox.kept", { n: waiting.length, problem: outbox.problem })
    : refused.length ? say("outbox.rest_saved") : say("outbox.all_saved");
  the("outbox-now").hidden = waiting.length === 0;
  the("outbox-list").replaceChildren(...[...refused, ...waiting].map((entry) => item(entry, outbox)));
}

function item(entry, outbox) {
  const line = element("li", "own");
  line.append(element("p", "own-answer", entry.kind === "undo" ? say("outbox.undo") : say("outbox.answer")));
  const prompt = element("p", "own-prompt text");
  prompt.append(excerpt(entry.assignment?.prompt ?? ""));
  line.append(prompt);
  if (entry.state !== "refused") return line;
  const chosen = entry.assignment?.samples.find((sample) => sample.id === entry.body?.chosen);
  if (chosen) {
    const text = element("p", "own-chosen text");
    text.append(say("outbox.chosen"), " ", excerpt(chosen.text));
    line.append(text);
  }
  if (entry.body?.note) line.append(element("p", "own-chosen text", say("outbox.note", { note: entry.body.note })));
  line.append(element("p", "refused", entry.message));
  const button = element("button", "plain-button", say("outbox.read"));
  button.type = "button";
  button.addEventListener("click", () => outbox.dismiss(entry.id));
  line.append(button);
  return line;
}
