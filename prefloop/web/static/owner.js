// What every owner's page needs: calls of the API, notices, words for figures, and the way out.

import { refusalTold, say } from "./labeling/strings.js";

export { say } from "./labeling/strings.js";

let csrf = null;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    csrf ??= (await call("GET", "/api/me")).csrf;
    headers["X-CSRF-Token"] = csrf;
    headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
    cache: "no-store",
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const message = await answer.json().then((found) => refusalTold(found.error), () => undefined);
  throw new Refused(answer.status, message ?? say("api.status", { status: answer.status }));
}

export function notice(text, { isProblem = false } = {}) {
  const place = document.getElementById("notices");
  const line = document.createElement("p");
  line.className = "notice";
  line.classList.toggle("problem", isProblem);
  line.textContent = text;
  place.replaceChildren(line);
  setTimeout(() => line.remove(), isProblem ? 12_000 : 5_000);
}

export function put(id, text) {
  const place = typeof id === "string" ? document.getElementById(id) : id;
  if (place && place.textContent !== text) place.textContent = text;
}

// Whether something is as it was when it was last asked for under this name: then it stays as drawn.
const drawn = new Map();
export function isSame(name, value) {
  const text = JSON.stringify(value);
  if (drawn.get(name) === text) return true;
  drawn.set(name, text);
  return false;
}

export function element(tag, { text, className, ...rest } = {}, children = []) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  for (const [name, value] of Object.entries(rest)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// The first cell of a row is its header.
export function row(cells) {
  return element("tr", {}, cells.map((cell, place) =>
    place ? element("td", { text: cell }) : element("th", { text: cell, scope: "row" })));
}

// English as it is written outside of America: days before months, hours up to 24.
export const LANGUAGE = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const whole = new Intl.NumberFormat(LANGUAGE);
export const count = (n) => (n === null || n === undefined ? "–" : whole.format(n));
export const percent = (share, digits = 0) =>
  share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;

// Three digits that count, and never an exponent for everyday figures.
export function figure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.01 || size === 0) return value.toFixed(size < 0.1 ? 3 : 2);
  return value.toPrecision(2);
}

export function duration(seconds) {
  if (seconds < 90) return say("owner.seconds", { n: Math.max(0, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return say("progress.minutes", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return say("progress.hours_minutes", { hours, minutes: minutes % 60 });
  return say("owner.days", { n: Math.round(hours / 24) });
}

export const clock = (seconds) =>
  new Date(1000 * seconds).toLocaleTimeString(LANGUAGE, { hour: "2-digit", minute: "2-digit" });
export const day = (seconds) =>
  new Date(1000 * seconds).toLocaleString(LANGUAGE, {
    day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
  });

for (const button of document.querySelectorAll("[data-leave]")) {
  button.addEventListener("click", async () => {
    await call("DELETE", "/api/session").catch(() => null);
    location.assign("/login");
  });
}
