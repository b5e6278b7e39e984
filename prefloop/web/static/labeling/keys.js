/* Keys to actions. A key alone acts only where nobody types, and not at all if switched off. */

const LETTERS = new Map(Object.entries({
  b: "all_bad", s: "skip", f: "flag", z: "undo", e: "edit", c: "note", d: "differences", i: "instructions",
  p: "copies",
}));

/** Return what a key press asks for: `{ action }`, with the `number` of a sample where it names one, or null. */
export function actionOf(event) {
  if (event.defaultPrevented || event.repeat || event.isComposing) return null;
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const key = signOf(event);
  if (event.shiftKey && key === "x") return { action: "cord" };
  if (/^[1-8]$/.test(key)) return { action: "sample", number: Number(key) };
  if (key === "0" || key === "=") return { action: "tie" };
  if (key === "backspace") return { action: "back" };
  if (key === "enter") return { action: "send" };
  if (key === "?") return { action: "help" };
  const action = LETTERS.get(key);
  return action === undefined ? null : { action };
}

/** Whether somebody types into what has the focus. */
export function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

/** The sign on the key, on keyboards too that write other letters or need Shift for digits. */
function signOf(event) {
  const key = event.key.toLowerCase();
  if (/^[a-z0-9=?]$/.test(key)) return key;
  const digit = /^Digit([0-8])$/.exec(event.code);
  if (digit && !event.shiftKey) return digit[1];
  const letter = /^Key([A-Z])$/.exec(event.code);
  return letter && /^\P{ASCII}+$/u.test(event.key) ? letter[1].toLowerCase() : key;
}
