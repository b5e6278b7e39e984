/* What the page says: the strings that came with it, which prefloop/web/strings.yaml has. */

const TEXTS = JSON.parse(document.querySelector("meta[name=prefloop-strings]")?.content ?? "{}");
const LANGUAGE = document.documentElement.lang || undefined;
const FORMS = new Intl.PluralRules(LANGUAGE);
const NUMBERS = new Intl.NumberFormat(LANGUAGE);

/** Return a string with its placeholders filled in; of one that has forms, the one for the number `n`. */
export function say(key, values = {}) {
  // A word that is not there is no reason to stop: a script may be newer than the page that it is on.
  const found = TEXTS[key] ?? key;
  const text = typeof found === "string" ? found : found[FORMS.select(values.n)] ?? found.other;
  return text.replace(/\{(\w+)\}/gu, (_, name) => written(values[name]));
}

function written(value) {
  return typeof value === "number" ? NUMBERS.format(value) : String(value);
}

/** Return a refusal of the server in the language of the page; in its own words where the page has none. */
export function refusalTold(refusal) {
  const key = `refusals.${refusal?.key}`;
  return Object.hasOwn(TEXTS, key) ? say(key, refusal.values) : refusal?.message;
}

/** Return names as a list in words; `type` is `conjunction` or `disjunction`. */
export function listed(names, type) {
  return new Intl.ListFormat(LANGUAGE, { type }).format(names);
}
