/* Which words of one text are not in another, for the highlighting of differences.

   A longest common subsequence of words, as long as that is cheap; beyond that, plain membership. */

const MOST_CELLS = 4_000_000;

/** Up to so many characters words are found as their language has them; beyond, that takes seconds. */
export const MOST_SEGMENTED = 20_000;

/** Split a text into words, spaces and signs; joined together they are the text again. */
export function words(text, isSegmented = text.length <= MOST_SEGMENTED) {
  if (isSegmented && globalThis.Intl?.Segmenter) {
    const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
    return Array.from(segmenter.segment(text), (part) => part.segment);
  }
  return text.match(/\s+|[\p{L}\p{N}\p{M}'’]+|[^\s\p{L}\p{N}\p{M}'’]+/gu) ?? [];
}

/** Return for each word of `own` whether it is missing in `base`; spaces between two such count. */
export function differing(own, base) {
  const [mine, theirs] = [own.map(folded), base.map(folded)];
  const places = mine.flatMap((word, i) => (word === "" ? [] : [i]));
  const kept = common(places.map((i) => mine[i]), theirs.filter((word) => word !== ""));
  const isNew = own.map(() => false);
  places.forEach((place, i) => { isNew[place] = !kept[i]; });
  for (let i = 1; i < own.length - 1; i += 1) {
    if (mine[i] === "" && isNew[i - 1] && isNew[i + 1]) isNew[i] = true;
  }
  return isNew;
}

function folded(word) {
  return /[\p{L}\p{N}]/u.test(word) ? word.toLocaleLowerCase() : word.trim();
}

/** For each word of `a`: whether it is in a longest common subsequence with `b`. */
function common(a, b) {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [m, n] = [a.length - start - end, b.length - start - end];
  const kept = a.map((_, i) => i < start || i >= a.length - end);
  if (m * n > MOST_CELLS) {
    const there = new Set(b);
    return a.map((word, i) => kept[i] || there.has(word));
  }
  const lengths = new Uint32Array((m + 1) * (n + 1));
  const at = (i, j) => i * (n + 1) + j;
  for (let i = m - 1; i >= 0; i -= 1) {
    for (let j = n - 1; j >= 0; j -= 1) {
      lengths[at(i, j)] = a[start + i] === b[start + j]
        ? lengths[at(i + 1, j + 1)] + 1
        : Math.max(lengths[at(i + 1, j)], lengths[at(i, j + 1)]);
    }
  }
  for (let i = 0, j = 0; i < m && j < n;) {
    if (a[start + i] === b[start + j]) { kept[start + i] = true; i += 1; j += 1; }
    else if (lengths[at(i + 1, j)] >= lengths[at(i, j + 1)]) i += 1;
    else j += 1;
  }
  return kept;
}
