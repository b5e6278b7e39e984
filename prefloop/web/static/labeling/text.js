/* Texts of strangers, as text nodes. What would hide or reorder characters is shown instead of obeyed.

   A model's output may hold control characters, characters without width, or ones that turn the
   reading direction. Each becomes a small labeled chip. Joiners inside emoji and inside scripts that
   are written with them stay what they are. */

import { say } from "./strings.js";

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
  [0x00ad, ["SHY", "character.shy"]], [0x034f, ["CGJ", "character.cgj"]], [0x061c, ["ALM", "character.alm"]],
  [0x180e, ["MVS", "character.mvs"]], [0x200b, ["ZWSP", "character.zwsp"]], [0x200c, ["ZWNJ", "character.zwnj"]],
  [0x200d, ["ZWJ", "character.zwj"]], [0x200e, ["LRM", "character.lrm"]], [0x200f, ["RLM", "character.rlm"]],
  [0x2028, ["LS", "character.ls"]], [0x2029, ["PS", "character.ps"]], [0x202a, ["LRE", "character.lre"]],
  [0x202b, ["RLE", "character.rle"]], [0x202c, ["PDF", "character.pdf"]], [0x202d, ["LRO", "character.lro"]],
  [0x202e, ["RLO", "character.rlo"]], [0x2060, ["WJ", "character.wj"]], [0x2066, ["LRI", "character.lri"]],
  [0x2067, ["RLI", "character.rli"]], [0x2068, ["FSI", "character.fsi"]], [0x2069, ["PDI", "character.pdi"]],
  [0x3164, ["HF", "character.hf"]], [0xfeff, ["BOM", "character.bom"]],
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
    empty.textContent = text === "" ? say("text.empty") : say("text.white_space");
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
  span.textContent = say("text.accents", { n: count });
  span.title = say("text.accents_hint", { n: count });
  return span;
}

function chip(run) {
  const signs = [...run];
  const first = signs[0].codePointAt(0);
  const code = `U+${first.toString(16).toUpperCase().padStart(4, "0")}`;
  const [short, long] = NAMES.get(first) ?? [code, "text.unseen"];
  const isSame = signs.every((sign) => sign === signs[0]);
  const span = document.createElement("span");
  span.className = "hidden-character";
  if (isSame) {
    span.textContent = signs.length > 1 ? `${short} ×${signs.length}` : short;
    span.title = `${code}: ${say(long)}`;
  } else {
    span.textContent = say("text.hidden", { n: signs.length });
    span.title = say("text.hidden_hint", { n: signs.length, code });
  }
  return span;
}
