/* What the page says beside the question: saved or not, how far, and what needs attention. */

import { count, duration, the } from "./elements.js";

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
    refused: `${refused} not taken`,
    stuck: `${waiting} waiting${outbox.isOffline ? ", no connection" : ""}`,
    waiting: `${waiting} waiting`,
    saved: "Saved",
  }[state];
  place.dataset.state = state;
  if (the("saved-text").textContent !== text) the("saved-text").textContent = text;
  speak(text);
  banner("refused-banner", refused ? `${count(refused, "answer")} could not be taken.` : "");
  banner("kept-banner", outbox.isDurable ? "" : "This browser keeps nothing. Leave the page open until it says “Saved”.");
  banner("login-banner", outbox.needsLogin ? loginTold(waiting) : "");
  const others = outbox.others;
  banner("others-banner", others.length ? `Answers by ${others.join(" and ")} wait in this browser. They are sent when ${others.join(" or ")} logs in here.` : "");
}

function loginTold(waiting) {
  const kept = waiting ? ` ${count(waiting, "answer waits", "answers wait")} here and will be sent then.` : "";
  return `Your session has ended. Please log in again.${kept}`;
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
  if (problem?.status === 0) return ["No connection", "Your answers are kept here. The page goes on by itself when the server can be reached."];
  if (problem && problem.status !== 401) return ["No question right now", problem.message];
  if (isEmpty) return ["Nothing to answer right now", "Thank you. This page looks for new questions by itself; after ten quiet minutes it does so when you come back."];
  return ["Getting the next question …", ""];
}

/** How far one has come. */
export function showProgress(progress) {
  const { answered, left, today_minutes: minutes, gold } = progress;
  const parts = [`${answered} answered`, left ? `at most ${left} left` : "nothing left", `${duration(minutes)} today`];
  the("figures").replaceChildren(...parts.map(figure), figure(goldTold(gold), "gold"));
  const bar = the("progress");
  bar.max = Math.max(answered + left, 1);
  bar.value = answered;
}

/** One's own agreement with known answers, or that there are too few yet. */
export function goldTold(gold) {
  if (gold.message) return gold.message;
  if (gold.n < ENOUGH_GOLD) return "Agreement with known answers: not enough evidence yet";
  return `Agreement with known answers: ${gold.right} of ${gold.n}`;
}

function figure(text, className = "") {
  const span = document.createElement("span");
  span.textContent = text;
  if (className) span.className = className;
  return span;
}
