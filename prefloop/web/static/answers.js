// The owner's page of answers: a verdict or gold with one key, on the question that has the focus.
// Keys act only there, and not while somebody types.

import { call, day, notice, say } from "./owner.js";

const WORDS = { 0: "tie", b: "all_bad", s: "skip" };
const questionOf = (node) => node.closest?.(".answered");

document.addEventListener("click", (event) => {
  const question = questionOf(event.target);
  const verdict = event.target.closest("[data-verdict]");
  if (question && verdict) decide(question, verdict.dataset.verdict, verdict.dataset.chosen ?? null);
  if (question && event.target.closest("[data-gold]")) makeGold(question);
  const ranked = event.target.closest("[data-rank]");
  if (question && ranked) rank(question, ranked.dataset.rank);
  if (question && event.target.closest("[data-send-ranking]")) sendRanking(question);
});

document.addEventListener("keydown", (event) => {
  const question = questionOf(event.target);
  const isTyping = event.target.closest?.("input, textarea, select, dialog");
  if (!question || isTyping || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (act(question, event.key.toLowerCase(), event.target.closest?.("button, a") !== null)) event.preventDefault();
});

function act(question, key, onButton) {
  if (key === "j" || key === "k") return move(question, key === "j" ? 1 : -1);
  if (!question.dataset.decides) return false;
  const sample = /^[1-8]$/.test(key) ? question.querySelectorAll("[data-sample]")[Number(key) - 1] : null;
  if (sample && question.dataset.decides === "ranking") rank(question, sample.dataset.sample);
  else if (sample) decide(question, "best", sample.dataset.sample);
  else if (key === "enter" && placedOf(question).length && !onButton) sendRanking(question);
  else if (Object.hasOwn(WORDS, key)) decide(question, WORDS[key], null);
  else if (key === "g" && question.querySelector("[data-gold]")) makeGold(question);
  else return false;
  return true;
}

function move(question, step) {
  const all = [...document.querySelectorAll(".answered")];
  all[all.indexOf(question) + step]?.focus();
  return true;
}

const reasonOf = (question) => question.querySelector("[name=reason]").value.trim();

/* Samples that an owner has given a place, the best first, by question. */
const placed = new WeakMap();
const placedOf = (question) => placed.get(question) ?? [];

/** Give a sample the next place, or take its place away. */
function rank(question, sample) {
  const before = placedOf(question);
  const now = before.includes(sample) ? before.filter((each) => each !== sample) : [...before, sample];
  placed.set(question, now);
  const all = [...question.querySelectorAll("[data-rank]")];
  for (const button of all) button.setAttribute("aria-pressed", String(now.includes(button.dataset.rank)));
  question.querySelector(".order").textContent = now.map((each) => all.findIndex((button) => button.dataset.rank === each) + 1).join(", ");
  question.querySelector("[data-send-ranking]").disabled = now.length === 0;
}

/** As on the labeling page, samples without a place share the last one. */
function sendRanking(question) {
  const places = placedOf(question).map((each) => [each]);
  const rest = [...question.querySelectorAll("[data-rank]")].map((button) => button.dataset.rank).filter((each) => !placedOf(question).includes(each));
  const ranking = rest.length ? [...places, rest] : places;
  return decide(question, "best", ranking[0][0], { ranking });
}

function decide(question, answer, chosen, details = {}) {
  const { comparison, decided } = question.dataset;
  const body = { comparison, answer, chosen, details, reason: reasonOf(question), replaces: decided || null };
  return send(question, "/api/adjudications", body, say("verdict.decided"));
}

/** Gold is what an owner has decided to be best, or what most people chose. */
function makeGold(question) {
  const chosen = question.querySelector(".option.is-known")?.dataset.sample ?? mostChosen(question);
  if (!chosen) {
    notice(say("verdict.no_best"), { isProblem: true });
    return null;
  }
  const body = { comparison: question.dataset.comparison, chosen, explanation: reasonOf(question), is_training: false };
  return send(question, "/api/gold", body, say("verdict.pooled"));
}

function mostChosen(question) {
  const counts = [...question.querySelectorAll("[data-sample]")]
    .map((sample, place) => [Number(question.dataset.votes?.split(",")[place] ?? 0), sample.dataset.sample]);
  counts.sort(([a], [b]) => b - a);
  return counts.length && counts[0][0] > (counts[1]?.[0] ?? 0) ? counts[0][1] : null;
}

async function send(question, path, body, done) {
  if (question.ariaBusy === "true") return;
  question.ariaBusy = "true";
  try {
    await call("POST", path, body);
    notice(done);
    await renew(question);
  } catch (problem) {
    question.ariaBusy = "false";
    // Another owner was faster: what they said is shown, and the words typed here are kept.
    const now = problem.status === 409 ? await renew(question) : question;
    const input = now.querySelector("[name=reason]");
    if (input && body.reason) input.value = body.reason;
    now.querySelector(".refused").textContent = problem.message;
  }
}

/** Show a question as it is now, in its place and with the focus. */
async function renew(question) {
  const answer = await fetch(`/team/parts/answers/${encodeURIComponent(question.dataset.comparison)}`, { cache: "no-store" });
  if (!answer.ok) return question;
  // Rendered by our own template, which escapes every text.
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(".answered");
  if (!fresh) return question;
  question.replaceWith(fresh);
  for (const time of fresh.querySelectorAll("time[datetime]")) time.textContent = day(Date.parse(time.dateTime) / 1000);
  fresh.focus();
  return fresh;
}

// A button of team.js that changed the question it stands in.
document.body.addEventListener("question-changed", (event) => renew(questionOf(event.target)));
