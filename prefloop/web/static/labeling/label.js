/* The labeling page: connects keys, buttons and dialogs with the person's work. */

import { Answering } from "./answering.js";
import { ApiError, askWhoIsHere, call, useToken, watchAssets } from "./api.js";
import { Card } from "./card.js";
import {
  askNote, askReason, chooseOwn, fillOutbox, isDialogOpen, pullCord, showInstructions, wireDialogs, wireSettings,
} from "./dialogs.js";
import { open, the } from "./elements.js";
import { Feed } from "./feed.js";
import { actionOf, isTyping } from "./keys.js";
import { guardUnsent, logOut, toLogin } from "./leaving.js";
import { markCopies, markDifferences, showMarking } from "./marking.js";
import { banner, showOutbox, showProgress, showResting, toast } from "./notices.js";
import { Outbox } from "./outbox.js";
import { applySettings, readSettings, writeSettings } from "./settings.js";
import { Stretch } from "./stopwatch.js";
import { say } from "./strings.js";
import { Why } from "./why.js";

const REFRESH_MS = 60_000;
const SOON_MS = 3_000;
/** What the server takes of a note. */
const NOTE_LENGTH = 4_000;

let settings = readSettings();
let me, outbox, feed, card, work, why;
let isReading = false;
const OFFLINE = { status: 0 };
let problem = null;
const stretch = new Stretch();

async function start() {
  applySettings(settings);
  wireDialogs();
  me = await firstMe();
  outbox = await Outbox.open(me.name, refresh);
  feed = new Feed(outbox);
  card = new Card(answerBest, settings);
  work = new Answering(outbox, feed, card);
  why = new Why((content) => work.answer(content), () => card.mark(null));
  use(me);
  wire();
  showOutbox(outbox);
  outbox.kick();
  if (me.must_read) await read();
  else showNews();
  feed.fill();
  lookAtCord();
  await changeAsked();
  setInterval(() => { if (document.visibilityState === "visible") refresh().catch(() => {}); }, REFRESH_MS);
}

/** The page of own answers leads here to change one. */
async function changeAsked() {
  const id = new URLSearchParams(location.search).get("change");
  if (!id) return;
  history.replaceState(null, "", "/label");
  const { answers } = await call("GET", "/api/answers?limit=50").catch(() => ({ answers: [] }));
  const own = answers.find((answer) => answer.id === id && answer.can_edit);
  if (own) work.edit(own);
}

/** Who is here; waits for a server that does not answer yet. */
async function firstMe() {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 15_000)) {
    try {
      return await askWhoIsHere();
    } catch (error) {
      if (error.status === 401) toLogin();
      the("question").textContent = error.message;
      if (!error.isPassing) throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, wait); });
  }
}

async function refresh() {
  const fresh = await askWhoIsHere();
  if (fresh.name !== me.name) {
    // Somebody else logged in, in another tab. What is on this page is not theirs to send.
    outbox.needsLogin = true;
    showOutbox(outbox);
    throw new ApiError(401, "another_person", say("label.another_person", { name: me.name }));
  }
  use(fresh);
  lookAtCord();
}

function use(fresh) {
  me = fresh;
  // The server counts, in tens, what nobody holds; what is in hand here is left to do as well.
  me.progress.left = Math.max(me.progress.left, feed.nInHand);
  useToken(me.csrf);
  work.instructions = me.instructions?.version ?? "";
  the("question").textContent = me.instructions?.question ?? say("label.no_question");
  showProgress(me.progress);
  why.use(me.settings);
}

function wire() {
  wireOutbox();
  feed.addEventListener("problem", (event) => onProblem(event.detail));
  feed.addEventListener("change", () => {
    problem = null;
    if (!work.current) rest();
  });
  work.addEventListener("resting", rest);
  work.addEventListener("note", () => {
    for (const button of document.querySelectorAll("[data-action=note]")) button.setAttribute("aria-pressed", String(work.note !== ""));
  });
  work.addEventListener("shown", () => {
    work.dispatchEvent(new Event("note"));
    showMarking(card);
    why.stop();
  });
  work.addEventListener("answered", (event) => {
    const { active_seconds: active, seconds } = event.detail;
    if (stretch.add(active, seconds)) banner("break-banner", say("label.break"));
  });
  wireButtons();
  wireWindow();
  guardUnsent(outbox);
  watchAssets((assets) => {
    const mine = document.querySelector("meta[name=prefloop-assets]")?.content;
    if (mine && mine !== assets) banner("assets-banner", say("label.renewed"));
  });
}

function wireOutbox() {
  outbox.addEventListener("change", () => {
    showOutbox(outbox);
    if (the("outbox-dialog").open) fillOutbox(outbox);
  });
  outbox.addEventListener("refused", askAgain);
  outbox.addEventListener("acknowledged", (event) => {
    const { kind, receipt } = event.detail;
    const isNew = kind === "answer" && receipt?.outcome !== "same";
    if (isNew || kind === "undo") countUp(kind === "undo" ? -1 : 1);
    if (!work.current) feed.poll();
  });
}

/** Only acknowledged answers count; the server's own figures come a moment later. */
function countUp(n) {
  const { progress } = me;
  me.progress = { ...progress, answered: Math.max(progress.answered + n, 0) };
  showProgress(me.progress);
  clearTimeout(countUp.timer);
  countUp.timer = setTimeout(() => refresh().catch(() => {}), SOON_MS);
}

/* ---- what a person does ---- */

function answerBest(content, event) {
  // The second click of a double click belongs to the question before.
  if (event && event.detail > 1) return;
  if (!work.isReady) return;
  if (!why.isWanted) {
    work.answer(content);
    return;
  }
  card.mark(content);
  why.ask(content, work.current.previous?.details?.reasons);
}

async function withReason(answer) {
  if (!work.isReady) return;
  const asked = work.current;
  const reason = await askReason(answer);
  // Another tab may have answered it meanwhile: the reason belongs to no other question.
  if (reason && work.current === asked) work.answer({ answer }, { note: [reason, work.note].filter(Boolean).join("; ").slice(0, NOTE_LENGTH) });
}

const ACTIONS = {
  sample: ({ number }) => { if (work.isReady) card.press(number); },
  back: () => card.back(),
  send: () => card.send(),
  tie: () => work.answer({ answer: "tie" }),
  all_bad: () => work.answer({ answer: "all_bad" }),
  skip: () => withReason("skip"),
  flag: () => withReason("flag"),
  undo: () => work.undo(),
  note: async () => {
    if (!work.current || work.isTeaching) return;
    const asked = work.current;
    const note = await askNote(work.note);
    if (note !== null && work.current === asked) work.note = note;
  },
  edit: async () => {
    const own = await chooseOwn(outbox);
    if (own) work.edit(own);
  },
  differences: () => { if (work.current) markDifferences(card); },
  copies: () => {
    if (!work.current) return;
    settings = { ...settings, copies: markCopies(card) };
    writeSettings(settings);
  },
  instructions: () => { if (me.instructions) showInstructions(me.instructions); },
  help: () => open(the("help-dialog")),
  more: () => open(the("more-dialog")),
  leave,
  cord: async () => {
    const message = await pullCord(work.current?.assignment.assignment_id ?? null);
    if (message) {
      toast(message);
      lookAtCord();
    }
  },
};

function onKey(event) {
  work.touch(true);
  if (isDialogOpen() || isTyping(event.target)) return;
  if (work.isTeaching) {
    if (event.key === "Enter" && !event.repeat) {
      event.preventDefault();
      work.next();
    }
    return;
  }
  if (event.key === "Escape") {
    if (why.isAsking) why.cancel();
    else work.leaveEdit();
    return;
  }
  if (why.isAsking) {
    if (settings.keys) why.press(event);
    return;
  }
  const wanted = settings.keys ? actionOf(event) : null;
  if (!wanted || (wanted.action === "send" && !card.isSentFrom(event.target))) return;
  event.preventDefault();
  ACTIONS[wanted.action](wanted);
}

function wireButtons() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    // A dialog's own button closes it first; then the action may open another.
    if (button && !(event.detail > 1)) queueMicrotask(() => ACTIONS[button.dataset.action]({}));
    const banned = event.target.closest("[data-dismiss]");
    if (banned) the(banned.dataset.dismiss).hidden = true;
  });
  the("feedback-on").addEventListener("click", () => work.next());
  the("mode-leave").addEventListener("click", () => work.leaveEdit());
  the("saved").addEventListener("click", () => showWaiting());
  the("refused-show").addEventListener("click", () => showWaiting());
  the("outbox-now").addEventListener("click", () => outbox.kick());
  the("news-read").addEventListener("click", async () => {
    await read();
    banner("news-banner", "");
  });
  the("break-later").addEventListener("click", () => {
    stretch.reset();
    banner("break-banner", "");
  });
  the("leave").addEventListener("click", leave);
  the("outbox-leave").addEventListener("click", () => logOut(feed));
  wireSettings((chosen) => {
    settings = chosen;
    card.setLayout(settings.layout);
  });
}

function wireWindow() {
  for (const kind of ["pointermove", "wheel", "scroll"]) document.addEventListener(kind, () => work.touch(false), { passive: true, capture: true });
  document.addEventListener("pointerdown", () => work.touch(true), { passive: true, capture: true });
  for (const kind of ["keydown", "pointermove", "pointerdown", "wheel"]) addEventListener(kind, () => feed.touch(), { passive: true, capture: true });
  // Without capturing: the page moves the focus and scrolls by itself, too, when a question comes.
  addEventListener("focus", () => feed.touch());
  document.addEventListener("visibilitychange", () => {
    const isVisible = document.visibilityState === "visible";
    work.turn(isVisible);
    if (!isVisible) return;
    outbox.kick();
    feed.comeBack();
    askAgain();
  });
  addEventListener("online", askAgain);
}

/* ---- what happens around the work ---- */

function askAgain() {
  if (!work.current && !isReading) feed.poll();
}

function rest() {
  if (!isReading) showResting(outbox.isOffline ? OFFLINE : problem, feed.isEmpty);
}

async function onProblem(error) {
  if (error.code === "instructions_changed") {
    await refresh();
    await read();
    feed.poll();
  } else if (error.status === 401) {
    outbox.needsLogin = true;
    showOutbox(outbox);
  } else if (error.code === "forged") {
    // Logged in again in another tab: this one needs the new token. The feed asks again by itself.
    refresh().catch(() => {});
  }
  problem = error;
  if (!work.current) rest();
}

/** The instructions, to be read before the next question. */
async function read() {
  if (isReading || !me.instructions) return;
  isReading = true;
  if (!work.current) document.body.dataset.state = "reading";
  const why = me.acknowledged ? say("label.must_read_changed") : say("label.must_read_first");
  await showInstructions(me.instructions, why);
  isReading = false;
  await refresh().catch(() => {});
  if (!work.current) rest();
}

function showNews() {
  if (me.instructions && me.acknowledged !== me.instructions.version) banner("news-banner", say("label.news"));
}

async function lookAtCord() {
  try {
    const { is_stopped: isStopped } = await call("GET", "/api/cord");
    banner("cord-banner", isStopped ? say("label.stopped") : "");
  } catch { /* asked again with the next refresh */ }
}

function showWaiting({ isLeavingToo = false } = {}) {
  fillOutbox(outbox);
  the("outbox-leave").hidden = !isLeavingToo;
  open(the("outbox-dialog"));
  the("outbox-title").focus();
}

function leave() {
  if (outbox.waiting.length) showWaiting({ isLeavingToo: true });
  else logOut(feed);
}

start();
