/* What a person set for this browser: keys on or off, size and face of the texts, layout, copies marked or not. */

const KEY = "prefloop.settings.section";
const DEFAULTS = { keys: true, size: "m", face: "serif", layout: "auto", copies: false };

/** Return the settings; what is unknown or damaged falls back to its default. */
export function readSettings() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    const known = Object.entries(DEFAULTS).map(([name, value]) =>
      [name, typeof kept[name] === typeof value ? kept[name] : value]);
    return Object.fromEntries(known);
  } catch {
    return { ...DEFAULTS };
  }
}

/** Keep the settings and show them on the page. */
export function writeSettings(settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch { /* a browser that keeps nothing: they hold until the page is left */ }
  applySettings(settings);
}

/** Set the attributes that the style sheet reads. */
export function applySettings(settings) {
  Object.assign(document.documentElement.dataset, {
    keys: settings.keys ? "on" : "off", size: settings.size, face: settings.face,
  });
}
