/* Texts of strangers, as text nodes. What would hide or reorder characters is shown instead of obeyed.

   A model's output may hold control characters, characters without width, or ones that turn the
   reading direction. Each becomes a small labeled chip. Joiners inside emoji and inside scripts that
   are written with them stay what they are. */

const HIDDEN =
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5" +
  "\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0" +
  "\\ufff0-\\ufffb\\ud800-\\udfff\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]";
const PERSON = "\\p{Extended_Pictographic}(?:\\ufe0f|\\p{Emoji_Modifier})*";
const WHOLE = [
  "\\u{1f3f4}[\\u{e0020}-\\u{e007e}]{2,8}\\u{e007f}", // flags of parts of a country
  `${PERSON}(?:\\u200d${PERSON})*`,
  "[0-9#*]\\ufe0f?\\u20e3",
].join("|");
/** So many accents on one letter are shown; more would cover the lines around. No language has as many. */
const MOST_MARKS = 8;
const PIECES = new RegExp(`(?:${WHOLE})|(?<hidden>(?:${HIDDEN})+)|(?<stacked>\\p{M}{${MOST_MARKS + 1},})`, "gu");
const JOINS = /[\p{L}\p{M}]/u;
const LATIN = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}]/u;

const NAMES = new Map([
  [0x00ad, ["SHY", "soft hyphen"]], [0x034f, ["CGJ", "grapheme joiner"]], [0x061c, ["ALM", "Arabic letter mark"]],
  [0x180e, ["MVS", "Mongolian vowel separator"]], [0x200b, ["ZWSP", "space without width"]],
  [0x200c, ["ZWNJ", "non-joiner without width"]], [0x200d, ["ZWJ", "joiner without width"]],
  [0x200e, ["LRM", "left-to-right mark"]], [0x200f, ["RLM", "right-to-left mark"]],
  [0x2028, ["LS", "line separator"]], [0x2029, ["PS", "paragraph separator"]],
  [0x202a, ["LRE", "left-to-right embedding"]], [0x202b, ["RLE", "right-to-left embedding"]],
  [0x202c, ["PDF", "end of a reading direction"]], [0x202d, ["LRO", "left-to-right override"]],
  [0x202e, ["RLO", "right-to-left override"]], [0x2060, ["WJ", "word joiner"]],
  [0x2066, ["LRI", "left-to-right isolate"]], [0x2067, ["RLI", "right-to-left isolate"]],
  [0x2068, ["FSI", "first strong isolate"]], [0x2069, ["PDI", "end of an isolate"]],
  [0x3164, ["HF", "Hangul filler"]], [0xfeff, ["BOM", "byte order mark"]],
]);

/** More chips than this in one text help nobody and would slow the page: then a plain sign stands in. */
const MOST_CHIPS = 400;

/** Return a fragment that reads like the text and does nothing else. */
export function readable(text) {
  const fragment = document.createDocumentFragment();
  const plain = text.replaceAll("\r\n", "\n");
  let written = "";
  let from = 0;
  let chips = 0;
  for (const found of plain.matchAll(PIECES)) {
    const { hidden, stacked } = found.groups;
    if (hidden === undefined && stacked === undefined) continue;
    if (hidden !== undefined && isPartOfWriting(plain, found.index, hidden)) continue;
    const kept = stacked === undefined ? "" : [...stacked].slice(0, MOST_MARKS).join("");
    written += plain.slice(from, found.index) + kept;
    from = found.index + found[0].length;
    if (chips >= MOST_CHIPS) {
      written += "\ufffd";
      continue;
    }
    chips += 1;
    if (written) fragment.append(written);
    written = "";
    fragment.append(hidden === undefined ? marksChip([...stacked].length - MOST_MARKS) : chip(hidden));
  }
  written += plain.slice(from);
  if (written) fragment.append(written);
  return fragment;
}

/** Put a text into a place, or say that there is none. */
export function show(place, text, paint = readable) {
  if (text.trim() === "") {
    const empty = document.createElement("span");
    empty.className = "hidden-character";
    empty.textContent = text === "" ? "empty" : "only white space";
    place.replaceChildren(empty);
  } else {
    place.replaceChildren(paint(text));
  }
}

/** The space before a continuation, outside the column, so that all first lines begin alike. */
export function hanging() {
  const span = document.createElement("span");
  span.className = "hanging";
  span.textContent = " ";
  return span;
}

/** One line that starts like the text, for lists. */
export function excerpt(text, length = 140) {
  const line = text.slice(0, length * 3).replace(/\s+/gu, " ").trim();
  const cut = line.length > length ? line.slice(0, length).replace(/\s\S*$/u, "") + " …" : line;
  return readable(cut);
}

function isPartOfWriting(text, at, hidden) {
  if (hidden.length > 1) return false;
  const previous = [...text.slice(Math.max(at - 2, 0), at)].at(-1) ?? "";
  if (/[\ufe00-\ufe0f]/u.test(hidden)) return previous !== "" && !/\s/u.test(previous);
  if (!/[\u200c\u200d]/u.test(hidden)) return false;
  return JOINS.test(previous) && !LATIN.test(previous);
}

function marksChip(count) {
  const span = document.createElement("span");
  span.className = "hidden-character";
  span.textContent = `+${count} accents`;
  span.title = `${count} more accents on the letter before`;
  return span;
}

function chip(run) {
  const signs = [...run];
  const first = signs[0].codePointAt(0);
  const code = `U+${first.toString(16).toUpperCase().padStart(4, "0")}`;
  const [short, long] = NAMES.get(first) ?? [code, "a character that cannot be seen"];
  const isSame = signs.every((sign) => sign === signs[0]);
  const span = document.createElement("span");
  span.className = "hidden-character";
  if (isSame) {
    span.textContent = signs.length > 1 ? `${short} ×${signs.length}` : short;
    span.title = `${code}: ${long}`;
  } else {
    span.textContent = `${signs.length} hidden`;
    span.title = `${signs.length} characters that cannot be seen, beginning with ${code}`;
  }
  return span;
}
