// The live dashboard: asks every two seconds for what is new, and adds it to what is there.

import { HoursChart, LearningChart, LineChart } from "./charts.js";
import { Cord } from "./dashboard-cord.js";
import { Samples } from "./dashboard-samples.js";
import { Refused, call, clock, count, day, duration, element, figure, isSame, percent, plural, put, row, say } from "./owner.js";

const POLL_MS = 2000;
const SLOWEST_POLL_MS = 15_000;
const LINES = [
  ["score", "policy/score", "--policy"],
  ["kl", "policy/kl", "--reference"],
  ["kl_coef", "policy/kl_coef", "--second"],
  ["entropy", "policy/entropy", "--best"],
];

const cord = new Cord(() => poll());
const samples = new Samples();
const lines = LINES.map(([name, key, hue]) => {
  const unit = name === "kl" ? " nats" : "";
  return { name, key, chart: new LineChart(name, { hue, unit }) };
});
const hours = new HoursChart("hours");
const learning = new LearningChart("learning");

let after = 0;
let timer = null;
let isAsking = false;
let failures = 0;
let lastAnswer = null;
let shownQuality = null;

async function poll() {
  clearTimeout(timer);
  if (document.hidden || isAsking) return;
  isAsking = true;
  let wait = POLL_MS;
  try {
    const found = await call("GET", `/api/dashboard?after=${after}`);
    failures = 0;
    lastAnswer = found.server_time;
    show(found);
    if (found.has_more) wait = 0;
  } catch (problem) {
    if (problem instanceof Refused && [401, 403].includes(problem.status)) return leave();
    failures += 1;
    wait = Math.min(SLOWEST_POLL_MS, POLL_MS * 2 ** (failures - 1));
    showLost(wait, problem);
  } finally {
    isAsking = false;
  }
  timer = setTimeout(poll, wait);
}

function show(found) {
  put("connection", "Live.");
  document.getElementById("live").dataset.state = "live";
  put("questions-text", found.questions_text);
  document.getElementById("disk-warning").hidden = !found.disk_text;
  put("disk-warning", found.disk_text);
  showTrainer(found.trainer, found.message);
  showQueue(found.batches);
  showWork(found.tallies);
  cord.show(found.cord, found.trainer);
  if (found.is_reset) for (const { chart } of lines) chart.forget();
  showUpdates(found);
  if (found.quality && found.quality.at !== shownQuality) {
    shownQuality = found.quality.at;
    showQuality(found.quality);
    showLearning(found.forecast);
  }
}

function showTrainer(trainer, message) {
  put("headline", message);
  put("detail", trainer && !trainer.is_missing ? trainer.detail : "");
  const bar = document.getElementById("phase-progress");
  bar.hidden = !trainer?.total;
  if (trainer?.total) {
    bar.max = trainer.total;
    bar.value = trainer.done;
  }
  const warning = document.getElementById("trainer-warning");
  warning.hidden = !trainer?.is_missing;
  if (trainer?.is_missing) put(warning, trainer.missing_text);
}

function showQueue(batches) {
  const newest = batches[0];
  if (newest) {
    put("queue-big", `${count(newest.answered)} of ${count(newest.wanted)}`);
    put("queue-fine", newest.message);
  } else {
    put("queue-fine", "no questions yet");
  }
  if (isSame("batches", batches)) return;
  const rows = batches.map((batch) =>
    row([batch.round < 0 ? batch.title : count(batch.round), count(batch.answered), count(batch.wanted),
      batch.frozen_at ? `closed ${day(batch.frozen_at)}` : "open"]));
  document.getElementById("batch-rows").replaceChildren(...rows);
}

function showWork(tallies) {
  const people = tallies.at_work;
  put("work-big", count(people.length));
  put("work-fine", `${plural(tallies.labels, "answer")} in all`);
  if (isSame("tallies", tallies)) return;
  const rows = people.map((person) =>
    row([person.name, count(person.this_hour), count(person.last_hour), count(Math.round(person.minutes))]));
  document.getElementById("work-rows").replaceChildren(...rows);
  put("cost-text", tallies.message);
  hours.draw(tallies.by_hour);
}

function showUpdates(found) {
  after = found.last;
  for (const update of found.updates) {
    if (update.stage !== "policy") continue;
    for (const { key, chart } of lines) chart.add(update.update, update.round, update.line[key] ?? NaN);
  }
  samples.take(found.samples);
  if (found.has_more) return;
  for (const { name, key, chart } of lines) {
    if (found.updates.length || found.is_reset) chart.draw();
    const newest = found.updates.findLast((update) => update.stage === "policy");
    if (!newest || !["score", "kl"].includes(name)) continue;
    put(`${name}-big`, figure(newest.line[key]));
    put(`${name}-fine`, `${name === "kl" ? "nats a response, " : ""}update ${count(newest.update)}`);
  }
}

function showQuality(quality) {
  const { agreement } = quality;
  put("agreement-big", agreement ? percent(agreement.value) : "–");
  put("agreement-fine", quality.message);
  const alarms = quality.alarms.map((alarm) =>
    element("p", { className: "warning", text: alarm.level === "stop" ? `Stop the line? ${alarm.message}` : alarm.message }));
  document.getElementById("alarms").replaceChildren(...alarms);
}

function showLearning(forecast) {
  if (!forecast) {
    put("accuracy-fine", "not trained yet");
    return;
  }
  const { now, n_labels: n } = forecast;
  put("accuracy-big", now ? percent(now.accuracy) : "–");
  put("accuracy-fine", now
    ? `${percent(now.low)} to ${percent(now.high)}, after ${plural(n, "label")}`
    : "not enough evidence yet");
  learning.draw(forecast);
}

function showLost(wait, problem) {
  document.getElementById("live").dataset.state = "lost";
  const since = lastAnswer ? ` What you see is of ${clock(lastAnswer)}.` : "";
  const why = problem instanceof Refused ? problem.message : say("owner.unreachable");
  put("connection", `${why}${since} Asking again every ${duration(wait / 1000)}.`);
}

function leave() {
  document.getElementById("live").dataset.state = "lost";
  put("connection", "You are logged out. ");
  const link = document.createElement("a");
  link.href = "/login";
  link.textContent = "Log in";
  document.getElementById("connection").append(link);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(timer);
    put("connection", "Paused while this tab is hidden.");
    document.getElementById("live").dataset.state = "waiting";
  } else {
    poll();
  }
});
window.addEventListener("online", () => poll());
poll();
