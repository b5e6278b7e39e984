/* Short ways to the page's own elements. */

/** Return the element with this id; a missing one is a fault of the page. */
export function the(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found;
}

/** Return an element with a class and a text. */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Return a copy of a template's first element. */
export function copyOf(templateId) {
  return the(templateId).content.firstElementChild.cloneNode(true);
}

/** Open a dialog; opening it twice does nothing. Leaves its scroll position at the top. */
export function open(dialog) {
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

/** Say how many of something: `1 answer`, `2 answers`. */
export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

/** Minutes as a person says them. */
export function duration(minutes) {
  const whole = Math.round(minutes);
  if (whole < 60) return `${whole} min`;
  const rest = whole % 60;
  return rest ? `${Math.floor(whole / 60)} h ${rest} min` : `${whole / 60} h`;
}
