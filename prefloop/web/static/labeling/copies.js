/* Which words of samples stand in their prompt, in runs of five or more, and the marks that show it. */

import { element } from "./elements.js";
import { readable } from "./text.js";
import { wordsOf } from "./words.js";

const RUN = 5;
/* Shorter runs are shared by any two texts about the same thing. */

/** Return the copies between a prompt and its samples: `{ prompt, samples }`, each text as `found` has it. */
export function copiesOf(prompt, samples) {
  const source = split(prompt);
  const texts = samples.map(split);
  const inSource = new Set(source.runs);
  const inSamples = new Set(texts.flatMap(({ runs }) => runs));
  return { prompt: found(source, inSamples), samples: texts.map((text) => found(text, inSource)) };
}

/** Return a fragment that reads like the text, with each copied span in a mark. */
export function withCopies(text, spans) {
  const fragment = document.createDocumentFragment();
  let from = 0;
  for (const { start, end } of spans) {
    const mark = element("mark", "copied");
    mark.append(readable(text.slice(start, end)));
    fragment.append(readable(text.slice(from, start)), mark);
    from = end;
  }
  fragment.append(readable(text.slice(from)));
  return fragment;
}

/** A text's words, and for each that begins a run of `RUN` words, the run. */
function split(text) {
  const words = wordsOf(text);
  const runs = words.slice(RUN - 1).map((_, i) => words.slice(i, i + RUN).map(({ word }) => word).join(" "));
  return { text, words, runs };
}

/** The spans of a text that are made of runs in `known`, how many words lie in them, and of how many.

    Runs that share a word make one span; those that only touch stay two. */
function found({ text, words, runs }, known) {
  const spans = [];
  for (let i = 0; i < runs.length; i += 1) {
    if (!known.has(runs[i])) continue;
    const last = spans.at(-1);
    if (last && i <= last.to) last.to = i + RUN - 1;
    else spans.push({ first: i, to: i + RUN - 1 });
  }
  return {
    spans: spans.map(({ first, to }) => ({ start: words[first].start, end: whole(text, words[to].end) })),
    nCopied: spans.reduce((sum, { first, to }) => sum + to - first + 1, 0),
    nWords: words.length,
  };
}

/** The end of the character at `end`: signs that belong to it are no part of the word, but are drawn with it. */
function whole(text, end) {
  const rest = /[\p{M}\u200c\u200d]*/uy;
  rest.lastIndex = end;
  return end + rest.exec(text)[0].length;
}
