/* The next questions: fetched ahead, so that one is there the moment an answer is given.

   The server hands a person's open questions out again before new ones, so a reload or a second tab
   shows the same. Those that were answered here, saved or not yet, are left out, and those whose answer
   was refused are given back. What is in hand stays leased while somebody is there to look at it. */

import { call } from "./api.js";

const AHEAD = 2;
const MOST_AT_ONCE = 4;
const SHORTEST_RENEWAL_S = 20;
const LONGEST_RENEWAL_S = 300;
const LONGEST_IDLE_S = 600;
const POLLS_MS = [5_000, 10_000, 20_000, 30_000];

/** Holds the questions in hand. Fires `change` when one came in, `problem` with an ApiError, and `lost`
    with the id of an assignment that another labeler got while its labeler was away from the page. */
export class Feed extends EventTarget {
  #ready = [];
  #done = new Set();
  #refused = new Set();
  #inHand = new Map();
  #isAsking = false;
  #polls = 0;
  #pollTimer = 0;
  #renewTimer = 0;
  #leaseSeconds = 0;
  #touched = performance.now();
  #outbox;
  isEmpty = false;

  /** `outbox` tells what the server does not have yet: those questions come again. */
  constructor(outbox) {
    super();
    this.#outbox = outbox;
  }

  get nInHand() {
    return this.#inHand.size;
  }

  /** Return the next question, or null; more are fetched behind it. */
  take() {
    const assignment = this.#ready.shift() ?? null;
    this.fill();
    return assignment;
  }

  /** Put a question back in front: another is looked at first. */
  putBack(assignment) {
    this.#ready.unshift(assignment);
  }

  /** A question was answered, here or in another tab. */
  finish(assignmentId) {
    this.#done.add(assignmentId);
    this.#inHand.delete(assignmentId);
    this.#ready = this.#ready.filter((each) => each.assignment_id !== assignmentId);
  }

  /** An answer was withdrawn, and its question is on the page again. */
  reopen(assignment) {
    this.forgive(assignment.assignment_id);
    this.#inHand.set(assignment.assignment_id, assignment);
  }

  /** An answer was withdrawn: its question may come again. */
  forgive(assignmentId) {
    this.#done.delete(assignmentId);
    this.#refused.delete(assignmentId);
  }

  /** An answer was not taken. Its question is not answered here again, nor kept from others. */
  refuse(assignmentId) {
    this.finish(assignmentId);
    this.#refused.add(assignmentId);
  }

  /** Let others have the questions whose answers were refused. Else they would fill one's hand. */
  async giveBack() {
    const assignments = [...this.#refused];
    if (!assignments.length) return;
    try {
      await call("DELETE", "/api/claims", { assignments });
    } catch (error) {
      if (error.status === undefined) throw error;
      // When the server hands one of them out again, it is tried again.
      this.dispatchEvent(new CustomEvent("problem", { detail: error }));
      return;
    }
    for (const id of assignments) this.#refused.delete(id);
    this.fill();
  }

  /** Ask for more questions, if there are fewer ahead than wanted. */
  async fill() {
    // With nothing on the page yet, the first one that comes goes there.
    const onPage = this.#inHand.size > this.#ready.length ? 0 : 1;
    const missing = AHEAD + onPage - this.#ready.length;
    if (missing <= 0 || this.#isAsking) return;
    this.#isAsking = true;
    clearTimeout(this.#pollTimer);
    try {
      const nOthers = this.#outbox.waiting.length + this.#refused.size;
      const n = Math.min(this.#inHand.size + nOthers + missing, MOST_AT_ONCE);
      const { assignments } = await call("POST", "/api/claims", { n });
      this.#receive(assignments, n);
    } catch (error) {
      if (error.status === undefined) throw error;
      this.#again(error.retryAfter);
      this.dispatchEvent(new CustomEvent("problem", { detail: error }));
    } finally {
      this.#isAsking = false;
    }
  }

  /** Give questions back that nobody looked at: somebody else may have them now. */
  async release() {
    const assignments = [...this.#inHand.keys()];
    this.#ready = [];
    this.#inHand.clear();
    if (assignments.length) await call("DELETE", "/api/claims", { assignments }, { keepalive: true });
  }

  #receive(assignments, n) {
    const fresh = assignments.filter(({ assignment_id: id }) => !this.#done.has(id) && !this.#inHand.has(id));
    for (const assignment of fresh) {
      this.#inHand.set(assignment.assignment_id, assignment);
      this.#ready.push(assignment);
      this.#keepLease(assignment.lease_seconds);
    }
    this.isEmpty = assignments.length < n && this.#ready.length === 0;
    if (fresh.length) this.#polls = 0;
    if (this.#ready.length === 0) this.#again();
    this.dispatchEvent(new Event("change"));
    if (assignments.some((each) => this.#refused.has(each.assignment_id))) this.giveBack();
  }

  /** Look again after a while, less and less often. */
  #again(seconds = null) {
    const wait = POLLS_MS[Math.min(this.#polls, POLLS_MS.length - 1)];
    this.#polls += 1;
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => {
      // Nobody is there to answer: nothing is taken from the others. Whoever comes back asks at once.
      if (document.visibilityState === "visible" && !this.#isAway) this.fill();
    }, Math.max(wait, (seconds ?? 0) * 1000));
  }

  /** Look now: somebody came back to the page, or an answer was saved. */
  poll() {
    this.#polls = 0;
    return this.fill();
  }

  get #isAway() {
    const lease = Math.max(this.#leaseSeconds, SHORTEST_RENEWAL_S);
    const idle = this.#leaseSeconds ? Math.min(lease, LONGEST_IDLE_S) : LONGEST_IDLE_S;
    return performance.now() - this.#touched > idle * 1000;
  }

  /** A key, a pointer or the focus moved: somebody is there. */
  touch() {
    if (this.#isAway) this.comeBack();
    this.#touched = performance.now();
  }

  /** Somebody is back: what lapsed meanwhile is theirs again, unless others have it now. */
  comeBack() {
    this.#touched = performance.now();
    return this.#renew({ isBack: true });
  }

  /** While somebody is at the page, its questions stay theirs. */
  #keepLease(seconds) {
    this.#leaseSeconds = Math.max(this.#leaseSeconds, seconds);
    if (this.#renewTimer) return;
    this.#renewTimer = setTimeout(() => {
      this.#renewTimer = 0;
      if (!this.#inHand.size) return;
      this.#keepLease(this.#leaseSeconds);
      if (document.visibilityState === "visible" && !this.#isAway) this.#renew({ isBack: false });
    }, Math.min(Math.max(seconds / 3, SHORTEST_RENEWAL_S), LONGEST_RENEWAL_S) * 1000);
  }

  /** Prolong the leases now, and let go of what others have. */
  async #renew({ isBack }) {
    const asked = [...this.#inHand.keys()];
    if (!asked.length) {
      this.fill();
      return;
    }
    const unsaved = this.#unsaved();
    try {
      const { assignments } = await call("POST", "/api/claims/renew", { assignments: asked });
      // While an undo is on its way, the server takes its question for answered.
      const kept = new Set([...assignments, ...unsaved, ...this.#unsaved()]);
      this.#drop(asked.filter((id) => !kept.has(id)), isBack);
    } catch { /* an answer is taken after its lease as well: nothing is lost by not renewing */ }
    this.fill();
  }

  #unsaved() {
    return this.#outbox.waiting.map((entry) => entry.assignment?.assignment_id);
  }

  /** Who reads a question goes on with it, whoever else has it. Who comes back to it begins another. */
  #drop(lost, isBack) {
    const ahead = new Set(this.#ready.map((each) => each.assignment_id));
    this.#ready = this.#ready.filter((each) => !lost.includes(each.assignment_id));
    for (const id of lost.filter((each) => this.#inHand.has(each))) {
      if (!ahead.has(id) && !isBack) continue;
      this.#inHand.delete(id);
      if (!ahead.has(id)) this.dispatchEvent(new CustomEvent("lost", { detail: id }));
    }
  }
}
