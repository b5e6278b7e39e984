/* Texts as the server rendered them from Markdown: inert HTML, see services/rendered_text.py. */

import { readable } from "./text.js";

/** Put rendered HTML into a place; characters that cannot be seen are shown as in raw texts. */
export function showRendered(place, html) {
  place.innerHTML = html;
  const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) found.push(texts.currentNode);
  for (const text of found) text.replaceWith(readable(text.data));
  place.classList.add("rendered");
}

/** Empty a place for a raw text. */
export function showsRaw(place) {
  place.classList.remove("rendered");
  return place;
}
