/* What the page says beside the question: saved or not, how far, and what needs attention. */

import { duration, the } from "./elements.js";
import { listed, say } from "./strings.js";

const SPOKEN_AFTER_MS = 600;
const TOAST_MS = 4_000;
const ENOUGH_GOLD = 30;

let spokenTimer = 0;
let toastTimer = 0;

/** Say something to screen readers, after it has settled. */
export function speak(text) {
  clearTimeout(spokenTimer);
  spokenTimer = setTimeout(() => { the("spoken").textContent = text; }, SPOKEN_AFTER_MS);
}

/** A short word above the buttons; goes by itself. */
export function toast(text) {
  the("toast").textContent = text;
  the("toast").classList.add("is-shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => the("toast").classList.remove("is-shown"), TOAST_MS);
}

/** Show a banner with a sentence, or hide it if there is none. */
export function banner(id, text) {
  const place = the(id);
  const line = place.querySelector("p");
  if (text && line.textContent !== text) line.textContent = text;
  place.hidden = !text;
}

/** Saved, waiting or refused: only the server's word counts. */
export function showOutbox(outbox) {
  const [waiting, refused] = [outbox.waiting.length, outbox.refused.length];
  const place = the("saved");
  const state = refused ? "refused" : waiting ? (outbox.problem ? "stuck" : "waiting") : "saved";
  const text = {
    refused: say("status.refused", { n: refused }),
    stuck: outbox.isOffline ? say("status.offline", { n: waiting }) : say("status.waiting", { n: waiting }),
    waiting: say("status.waiting", { n: waiting }),
    saved: say("status.saved"),
  }[state];
  place.dataset.state = state;
  if (the("saved-text").textContent !== text) the("saved-text").textContent = text;
  speak(text);
  banner("refused-banner", refused ? say("status.refused_banner", { n: refused }) : "");
  banner("kept-banner", outbox.isDurable ? "" : say("status.not_kept"));
  banner("login-banner", outbox.needsLogin ? loginTold(waiting) : "");
  const others = outbox.others;
  banner("others-banner", others.length ? othersTold(others) : "");
}

function othersTold(others) {
  return say("status.others", { names: listed(others, "conjunction"), either: listed(others, "disjunction") });
}

function loginTold(waiting) {
  return waiting ? say("status.ended_waiting", { n: waiting }) : say("status.ended");
}

/** There is no question on the page: say why. `problem` is the ApiError of the last attempt, if any. */
export function showResting(problem, isEmpty) {
  document.body.dataset.state = problem || isEmpty ? "resting" : "fetching";
  the("resting").hidden = false;
  const [title, text] = whyResting(problem, isEmpty);
  the("resting-title").textContent = title;
  the("resting-text").textContent = text;
}

function whyResting(problem, isEmpty) {
  if (problem?.status === 0) return [say("resting.offline"), say("resting.offline_hint")];
  if (problem && problem.status !== 401) return [say("resting.problem"), problem.message];
  if (isEmpty) return [say("resting.empty"), say("resting.empty_hint")];
  return [say("resting.fetching"), ""];
}

/** How far one has come. */
export function showProgress(progress) {
  const { answered, left, today_minutes: minutes, gold } = progress;
  const parts = [
    say("progress.answered", { n: answered }),
    left ? say("progress.left", { n: left }) : say("progress.nothing_left"),
    say("progress.today", { time: duration(minutes) }),
  ];
  the("figures").replaceChildren(...parts.map(figure), figure(goldTold(gold), "gold"));
  const bar = the("progress");
  bar.max = Math.max(answered + left, 1);
  bar.value = answered;
}

/** One's own agreement with known answers, or that there are too few yet. */
export function goldTold(gold) {
  const { right, n } = gold;
  if (n === 0) return say("progress.gold_none");
  if (n < ENOUGH_GOLD) return say("progress.gold_few", { right, n, enough: ENOUGH_GOLD });
  return say("progress.gold", { right, n });
}

function figure(text, className = "") {
  const span = document.createElement("span");
  span.textContent = text;
  if (className) span.className = className;
  return span;
}
