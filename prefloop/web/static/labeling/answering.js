/* A person at work: one question after the other, undo, edit, and what practice teaches.

   Knows nothing of keys and dialogs; label.js connects it with them. */

import { the } from "./elements.js";
import { widgetOf } from "./label_types.js";
import { toast } from "./notices.js";
import { newId } from "./outbox.js";
import { showRendered, showsRaw } from "./rendered.js";
import { Stopwatch } from "./stopwatch.js";
import { say } from "./strings.js";
import { show } from "./text.js";

const SETTLING_MS = 250;
/* Nobody reads a question so fast: an answer within it is the second half of a double click. */
const NOTES = "prefloop.notes";
const MOST_UNDO = 50;
const NAMES = { tie: "answer.tie", all_bad: "answer.all_bad", skip: "answer.skip", flag: "answer.flag" };
const REASONED = ["skip", "flag"];
/* Answers whose note begins with a reason. */
const PHONE = matchMedia("(max-width: 699px)");

/** The answer to an assignment as a person says it: `sample 2`, `tie`. */
function named(content, assignment) {
  return content.answer === "best" ? widgetOf(assignment).named(content, assignment.samples) : say(NAMES[content.answer]);
}

/** Notes that no answer carries yet; they survive a reload. */
function readNotes() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(NOTES) ?? "[]"));
  } catch {
    return new Map();
  }
}

function writeNotes(notes) {
  try {
    sessionStorage.setItem(NOTES, JSON.stringify([...notes].filter(([, text]) => text)));
  } catch { /* a browser that keeps nothing */ }
}

export class Answering extends EventTarget {
  #outbox;
  #feed;
  #card;
  #history = [];
  #notes = readNotes();
  #watch = new Stopwatch();
  #settling = 0;
  #awaited = null;
  instructions = "";
  current = null;

  constructor(outbox, feed, card) {
    super();
    this.#outbox = outbox;
    this.#feed = feed;
    this.#card = card;
    for (const entry of [...outbox.refused, ...outbox.waiting]) this.#settle(entry);
    feed.addEventListener("change", () => { if (!this.current) this.next(); });
    feed.addEventListener("lost", (event) => this.#lost(event.detail));
    outbox.addEventListener("acknowledged", (event) => this.#acknowledged(event.detail));
    outbox.addEventListener("refused", (event) => this.#refused(event.detail));
    outbox.addEventListener("elsewhere", (event) => this.#elsewhere(event.detail));
  }

  /** Whether an answer would be taken now. */
  get isReady() {
    return document.body.dataset.state === "asking";
  }

  /** Whether the page shows what a practice question teaches. */
  get isTeaching() {
    return this.#awaited !== null;
  }

  get note() {
    return this.#notes.get(this.current?.assignment.assignment_id) ?? "";
  }

  set note(text) {
    // What no JSON can carry is not worth losing an answer for.
    const bare = text.replaceAll("\0", "");
    const clean = bare.toWellFormed?.() ?? bare;
    if (this.current) this.#notes.set(this.current.assignment.assignment_id, clean);
    writeNotes(this.#notes);
    this.dispatchEvent(new Event("note"));
  }

  /** Show the next question, or rest if there is none. */
  next() {
    this.#awaited = null;
    the("feedback").hidden = true;
    const assignment = this.#feed.take();
    if (assignment) this.#show({ assignment, replaces: null, previous: null });
    else this.#rest();
  }

  /** Answer the question on the page. `content` is what the answer says: `answer`, `chosen`, `details`. */
  answer(content, { note = this.note } = {}) {
    if (!this.isReady) return;
    const { assignment, replaces } = this.current;
    const timing = this.#watch.read();
    const marks = this.#card.hasMarkedCopies ? { copies_marked: true } : {};
    const body = {
      assignment_id: assignment.assignment_id,
      chosen: null, ...content, details: { ...content.details, ...marks }, shown: assignment.samples.map((sample) => sample.id), ...timing,
      device: PHONE.matches ? "phone" : "desktop", instructions: this.instructions, note, replaces,
    };
    const entry = this.#outbox.add({ id: newId(), kind: "answer", body, assignment });
    this.#notes.delete(assignment.assignment_id);
    writeNotes(this.#notes);
    this.#feed.finish(assignment.assignment_id);
    this.dispatchEvent(new CustomEvent("answered", { detail: timing }));
    if (assignment.is_training) {
      this.#teach(entry.id);
      return;
    }
    this.#history.push({ id: entry.id, assignment, body, before: this.current.previous });
    if (this.#history.length > MOST_UNDO) this.#history.shift();
    if (replaces) toast(say("answering.changed", { answer: named(content, assignment) }));
    this.#tellUndo();
    this.next();
  }

  /** Take the last answer of this session back, and show its question again. */
  undo() {
    if (this.#awaited) return;
    const last = this.#history.pop();
    if (!last) {
      toast(say("answering.nothing_to_undo"));
      return;
    }
    this.#tellUndo();
    if (last.body.replaces) this.#undoEdit(last);
    else this.#undoAnswer(last);
  }

  /** The button says what it would take back. */
  #tellUndo() {
    const last = this.#history.at(-1);
    the("undo-what").textContent = last ? named(last.body, last.assignment) : "";
  }

  #undoAnswer(last) {
    this.#outbox.undo(last.id, last.assignment);
    this.#feed.reopen(last.assignment);
    this.#putAside();
    // What was said of the answer taken back, its reason and its note, stays with that one.
    this.#notes.delete(last.assignment.assignment_id);
    writeNotes(this.#notes);
    this.#show({ assignment: last.assignment, replaces: null, previous: last.body, isAgain: true });
  }

  /** An edit is undone by a second edit, back to the answer before it. */
  #undoEdit(last) {
    const body = { ...last.body, ...last.before, replaces: last.id };
    this.#outbox.add({ id: newId(), kind: "answer", body, assignment: last.assignment });
    toast(say("answering.back_to", { answer: named(body, last.assignment) }));
  }

  /** Show one of the person's earlier answers, to be changed. */
  edit(own) {
    if (this.#awaited) this.next();
    this.#putAside();
    const { answer, chosen, details, note } = own;
    const assignment = {
      assignment_id: own.assignment_id, label_type: own.label_type, prompt: own.prompt, prompt_html: own.prompt_html, samples: own.samples,
    };
    // The reason of a skip or a flag is no note on what is answered instead.
    this.#notes.set(own.assignment_id, REASONED.includes(answer) ? "" : note);
    this.#show({ assignment, replaces: own.id, previous: { answer, chosen, details, note } });
  }

  /** Leave an edit without changing anything. */
  leaveEdit() {
    if (!this.current?.replaces) return;
    this.#notes.delete(this.current.assignment.assignment_id);
    this.next();
  }

  touch(isFirstKind) {
    this.#watch.touch(performance.now(), isFirstKind);
  }

  turn(isVisible) {
    this.#watch.turn(isVisible);
  }

  #show(item) {
    this.current = item;
    const { assignment, previous, replaces, isAgain } = item;
    this.#card.show(assignment, previous);
    const before = previous && named(previous, assignment);
    const mode = replaces ? say("answering.editing", { answer: before })
      : isAgain ? say("answering.taken_back", { answer: before })
      : assignment.is_training ? say("answering.practice") : "";
    the("mode").hidden = !mode;
    the("mode-text").textContent = mode;
    the("mode-leave").hidden = !replaces;
    the("resting").hidden = true;
    the("actions").hidden = false;
    document.body.dataset.state = "settling";
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      if (document.body.dataset.state === "settling") document.body.dataset.state = "asking";
    }, SETTLING_MS);
    this.#watch = new Stopwatch(performance.now(), document.visibilityState === "visible");
    this.dispatchEvent(new Event("shown"));
  }

  #rest() {
    this.current = null;
    this.#card.hide();
    the("actions").hidden = true;
    the("mode").hidden = true;
    this.dispatchEvent(new Event("resting"));
  }

  #putAside() {
    if (this.current && !this.current.replaces) this.#feed.putBack(this.current.assignment);
  }

  #teach(entryId) {
    this.#awaited = entryId;
    document.body.dataset.state = "teaching";
    this.#card.lock();
    the("feedback-title").textContent = say("answering.looking_up");
    show(showsRaw(the("feedback-text")), say("answering.looking_up_hint"));
    this.#showFeedback();
  }

  #showFeedback() {
    the("feedback").hidden = false;
    the("feedback").scrollIntoView({ block: "nearest" });
    the("feedback-title").focus({ preventScroll: true });
  }

  #acknowledged({ id, receipt }) {
    if (receipt?.outcome === "late") toast(say("answering.late"));
    if (id !== this.#awaited) return;
    const lesson = receipt?.training;
    if (!lesson) {
      this.next();
      return;
    }
    const verdict = lesson.is_right ? say("answering.right") : say("answering.wrong");
    the("feedback-title").textContent = lesson.is_right === null ? say("answering.known") : verdict;
    the("feedback").dataset.right = String(lesson.is_right);
    if (lesson.html) showRendered(the("feedback-text"), lesson.html);
    else show(showsRaw(the("feedback-text")), lesson.explanation || say("answering.unexplained"));
    this.#card.reveal(lesson.known);
    this.#showFeedback();
  }

  /** What an entry of the outbox means for its question. */
  #settle({ kind, state, body, assignment }) {
    if (kind === "undo") this.#feed.forgive(assignment.assignment_id);
    else if (state === "refused" && !body.replaces) this.#feed.refuse(body.assignment_id);
    else this.#feed.finish(body.assignment_id);
  }

  #refused(entry) {
    if (entry.kind === "answer") {
      this.#settle(entry);
      this.#feed.giveBack();
    }
    if (entry.id === this.#awaited) this.next();
    const isHere = this.current?.isAgain && entry.assignment?.assignment_id === this.current.assignment.assignment_id;
    if (entry.kind === "undo" && isHere) {
      this.#feed.finish(entry.assignment.assignment_id);
      this.next();
    }
  }

  /** The question on the page lapsed while nobody was there, and others have it. */
  #lost(assignmentId) {
    if (this.current?.assignment.assignment_id !== assignmentId || this.current.replaces) return;
    toast(say("answering.lost"));
    this.next();
  }

  /** Another tab of the same person answered, or took an answer back. */
  #elsewhere(entry) {
    this.#settle(entry);
    if (entry.kind !== "answer") return;
    const isHere = this.current?.assignment.assignment_id === entry.body.assignment_id && !this.current.replaces;
    if (isHere && !this.#awaited) {
      toast(say("answering.elsewhere"));
      this.next();
    }
  }
}
