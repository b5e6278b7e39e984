// The live dashboard: asks every two seconds for what is new, and adds it to what is there.

import { HoursChart, LearningChart, LineChart } from "./charts.js";
import { Cord } from "./dashboard-cord.js";
import { Samples } from "./dashboard-samples.js";
import { listed } from "./labeling/strings.js";
import { Refused, call, clock, count, day, duration, element, figure, isSame, percent, put, row, say } from "./owner.js";

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
  const write = name === "kl" ? (value) => say("chart.nats", { value: figure(value) }) : figure;
  return { name, key, chart: new LineChart(name, { hue, write }) };
});
const hours = new HoursChart("hours");
const learning = new LearningChart("learning");

const measured = new Set();

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
  put("connection", say("watch.live"));
  document.getElementById("live").dataset.state = "live";
  put("questions-text", found.questions_text);
  document.getElementById("disk-warning").hidden = !found.disk_text;
  put("disk-warning", found.disk_text);
  showTrainer(found.trainer, found.message);
  showQueue(found.batches);
  showWork(found.tallies);
  cord.show(found.cord, found.trainer);
  if (found.is_reset) {
    measured.clear();
    for (const { chart } of lines) chart.forget();
  }
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
    put("queue-big", say("watch.part", { done: newest.answered, wanted: newest.wanted }));
    put("queue-fine", newest.message);
  } else {
    put("queue-fine", say("watch.no_questions"));
  }
  if (isSame("batches", batches)) return;
  const rows = batches.map((batch) =>
    row([batch.round < 0 ? batch.title : count(batch.round), count(batch.answered), count(batch.wanted),
      batch.frozen_at ? say("watch.closed", { when: day(batch.frozen_at) }) : say("watch.open")]));
  document.getElementById("batch-rows").replaceChildren(...rows);
}

function showWork(tallies) {
  const people = tallies.at_work;
  put("work-big", count(people.length));
  put("work-fine", say("watch.in_all", { n: tallies.labels }));
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
    for (const key of Object.keys(update.line)) measured.add(key);
    for (const { key, chart } of lines) chart.add(update.update, update.round, update.line[key] ?? NaN);
  }
  samples.take(found.samples);
  if (found.has_more) return;
  showMeasured();
  for (const { name, key, chart } of lines) {
    if (found.updates.length || found.is_reset) chart.draw();
    const newest = found.updates.findLast((update) => update.stage === "policy");
    if (!newest || !["score", "kl"].includes(name)) continue;
    put(`${name}-big`, figure(newest.line[key]));
    put(`${name}-fine`, name === "kl"
      ? say("watch.nats_at", { update: newest.update })
      : say("watch.at_update", { update: newest.update }));
  }
}

// A method that learns from pairs has no KL at each update: there is nothing to show, and a word why.
function showMeasured() {
  const missing = measured.size ? lines.filter(({ key }) => !measured.has(key)) : [];
  for (const { name, chart } of lines) {
    const isMissing = missing.some((each) => each.name === name);
    chart.figure.hidden = isMissing;
    document.getElementById(`${name}-big`)?.closest(".tile").toggleAttribute("hidden", isMissing);
  }
  const names = listed(missing.map(({ chart }) => chart.title), "conjunction");
  put("unmeasured", missing.length ? say("watch.unmeasured", { names }) : "");
}

function showQuality(quality) {
  const { agreement } = quality;
  put("agreement-big", agreement ? percent(agreement.value) : "–");
  put("agreement-fine", quality.message);
  const alarms = quality.alarms.map((alarm) =>
    element("p", { className: "warning", text: alarm.level === "stop" ? say("watch.stop_it", { why: alarm.message }) : alarm.message }));
  document.getElementById("alarms").replaceChildren(...alarms);
}

function showLearning(forecast) {
  if (!forecast) {
    put("accuracy-fine", say("watch.untrained"));
    return;
  }
  const { now, n_labels: n } = forecast;
  put("accuracy-big", now ? percent(now.accuracy) : "–");
  put("accuracy-fine", now
    ? say("watch.accuracy", { low: percent(now.low), high: percent(now.high), n })
    : say("watch.little_evidence"));
  learning.draw(forecast);
}

function showLost(wait, problem) {
  document.getElementById("live").dataset.state = "lost";
  const why = problem instanceof Refused ? problem.message : say("owner.unreachable");
  const pause = duration(wait / 1000);
  put("connection", lastAnswer
    ? say("watch.lost_since", { why, time: clock(lastAnswer), pause })
    : say("watch.lost", { why, pause }));
}

function leave() {
  document.getElementById("live").dataset.state = "lost";
  put("connection", `${say("watch.logged_out")} `);
  const link = document.createElement("a");
  link.href = "/login";
  link.textContent = say("watch.log_in");
  document.getElementById("connection").append(link);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    clearTimeout(timer);
    put("connection", say("watch.paused"));
    document.getElementById("live").dataset.state = "waiting";
  } else {
    poll();
  }
});
window.addEventListener("online", () => poll());
poll();
