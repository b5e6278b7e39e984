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
    with the view that its person, who comes back to the page, has no claim to any more. */
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
    const view = this.#ready.shift() ?? null;
    this.fill();
    return view;
  }

  /** Put a question back in front: another is looked at first. */
  putBack(view) {
    this.#ready.unshift(view);
  }

  /** A question was answered, here or in another tab. */
  finish(viewId) {
    this.#done.add(viewId);
    this.#inHand.delete(viewId);
    this.#ready = this.#ready.filter((view) => view.view !== viewId);
  }

  /** An answer was withdrawn, and its question is on the page again. */
  reopen(view) {
    this.forgive(view.view);
    this.#inHand.set(view.view, view);
  }

  /** An answer was withdrawn: its question may come again. */
  forgive(viewId) {
    this.#done.delete(viewId);
    this.#refused.delete(viewId);
  }

  /** An answer was not taken. Its question is not answered here again, nor kept from others. */
  refuse(viewId) {
    this.finish(viewId);
    this.#refused.add(viewId);
  }

  /** Let others have the questions whose answers were refused. Else they would fill one's hand. */
  async giveBack() {
    const views = [...this.#refused];
    if (!views.length) return;
    try {
      await call("DELETE", "/api/claims", { views });
    } catch (error) {
      if (error.status === undefined) throw error;
      // When the server hands one of them out again, it is tried again.
      this.dispatchEvent(new CustomEvent("problem", { detail: error }));
      return;
    }
    for (const view of views) this.#refused.delete(view);
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
      const { views } = await call("POST", "/api/claims", { n });
      this.#receive(views, n);
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
    const views = [...this.#inHand.keys()];
    this.#ready = [];
    this.#inHand.clear();
    if (views.length) await call("DELETE", "/api/claims", { views }, { keepalive: true });
  }

  #receive(views, n) {
    const fresh = views.filter((view) => !this.#done.has(view.view) && !this.#inHand.has(view.view));
    for (const view of fresh) {
      this.#inHand.set(view.view, view);
      this.#ready.push(view);
      this.#keepLease(view.lease_seconds);
    }
    this.isEmpty = views.length < n && this.#ready.length === 0;
    if (fresh.length) this.#polls = 0;
    if (this.#ready.length === 0) this.#again();
    this.dispatchEvent(new Event("change"));
    if (views.some((view) => this.#refused.has(view.view))) this.giveBack();
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
      const { views } = await call("POST", "/api/claims/renew", { views: asked });
      // While an undo is on its way, the server takes its question for answered.
      const kept = new Set([...views, ...unsaved, ...this.#unsaved()]);
      this.#drop(asked.filter((view) => !kept.has(view)), isBack);
    } catch { /* an answer is taken after its lease as well: nothing is lost by not renewing */ }
    this.fill();
  }

  #unsaved() {
    return this.#outbox.waiting.map((entry) => entry.view?.view);
  }

  /** Who reads a question goes on with it, whoever else has it. Who comes back to it begins another. */
  #drop(lost, isBack) {
    const ahead = new Set(this.#ready.map((view) => view.view));
    this.#ready = this.#ready.filter((view) => !lost.includes(view.view));
    for (const view of lost.filter((each) => this.#inHand.has(each))) {
      if (!ahead.has(view) && !isBack) continue;
      this.#inHand.delete(view);
      if (!ahead.has(view)) this.dispatchEvent(new CustomEvent("lost", { detail: view }));
    }
  }
}
