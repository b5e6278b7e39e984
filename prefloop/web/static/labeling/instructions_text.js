/* The instructions, from the server's HTML, with nothing in them but text in its order. */

const KEPT = new Set([
  "P", "UL", "OL", "LI", "STRONG", "EM", "CODE", "PRE", "BLOCKQUOTE", "HR", "BR",
  "TABLE", "THEAD", "TBODY", "TR", "TH", "TD",
]);
const HEADINGS = new Map([["H1", "h3"], ["H2", "h3"], ["H3", "h4"], ["H4", "h5"], ["H5", "h6"], ["H6", "h6"]]);

/** Return a fragment with the kept elements, without any attribute, and the text of all others. */
export function instructionsText(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  copy(parsed.body, fragment);
  return fragment;
}

function copy(from, into) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE || ["SCRIPT", "STYLE", "TEMPLATE"].includes(node.tagName)) continue;
    const name = KEPT.has(node.tagName) ? node.tagName.toLowerCase() : HEADINGS.get(node.tagName);
    if (!name) {
      copy(node, into);
      continue;
    }
    const made = document.createElement(name);
    copy(node, made);
    into.append(made);
  }
}
