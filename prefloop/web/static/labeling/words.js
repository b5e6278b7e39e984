/* The words of a text as the measures of copying have them: the rules of prefloop/text/words.py.

   Words are runs of letters, digits and the marks on them. In scripts that put no space between words
   each character counts as one. Two words are the same if they are in lower case and form NFC. */

const UNSPACED = "(?=[\\p{L}\\p{Nl}])[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}\\u30fc\\uff70]";
const MARK = "(?![\\ufe00-\\ufe0f\\u20d0-\\u20ff])[\\p{M}\\u200c\\u200d]";
const LETTER = `(?!${UNSPACED})[\\p{L}\\p{N}]`;
const LETTERS = `${LETTER}(?:${LETTER}|${MARK})*`;
const WORD = new RegExp(`${UNSPACED}(?:${MARK})*|${LETTERS}(?:['’]${LETTERS})*`, "gu");

const ASCII = /^\p{ASCII}*$/u;
const ASCII_WORD = /[a-z0-9]+(?:'[a-z0-9]+)*/gi;
/* The same rules for what is ASCII: several times as fast. */

/** Return the words in order, each `{ word, start, end }` with its place in the text, in UTF-16 units. */
export function wordsOf(text) {
  const isAscii = ASCII.test(text);
  const pattern = isAscii ? ASCII_WORD : WORD;
  // As a whole: how a Greek sigma is written in lower case depends on what stands around it.
  const folded = (isAscii ? text : text.normalize("NFC")).toLowerCase().match(pattern) ?? [];
  // Neither form nor case makes a word of what is none: the words pair up.
  return Array.from(text.matchAll(pattern), ({ 0: own, index }, i) => ({ word: folded[i], start: index, end: index + own.length }));
}
