/* The next questions: fetched ahead, so that one is there the moment an answer is given.

   The server hands a person's open questions out again before new ones, so a reload or a second tab
   shows the same. Those that were answered here, saved or not yet, are left out. */

import { call } from "./api.js";

const AHEAD = 2;
const MOST_AT_ONCE = 4;
const SHORTEST_RENEWAL_S = 20;
const LONGEST_RENEWAL_S = 300;
const POLLS_MS = [5_000, 10_000, 20_000, 30_000];

/** Holds the questions in hand. Fires `change` when one came in, and `problem` with an ApiError. */
export class Feed extends EventTarget {
  #ready = [];
  #done = new Set();
  #inHand = new Map();
  #isAsking = false;
  #polls = 0;
  #pollTimer = 0;
  #renewTimer = 0;
  #leaseSeconds = 0;
  #nUnsaved;
  isEmpty = false;

  /** `nUnsaved()` tells how many answers the server does not have yet: their questions come again. */
  constructor(nUnsaved) {
    super();
    this.#nUnsaved = nUnsaved;
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

  /** An answer was withdrawn: its question may be answered again. */
  reopen(view) {
    this.#done.delete(view.view);
    this.#inHand.set(view.view, view);
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
      const n = Math.min(this.#inHand.size + this.#nUnsaved() + missing, MOST_AT_ONCE);
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
  }

  /** Look again after a while, less and less often. */
  #again(seconds = null) {
    const wait = POLLS_MS[Math.min(this.#polls, POLLS_MS.length - 1)];
    this.#polls += 1;
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => this.fill(), Math.max(wait, (seconds ?? 0) * 1000));
  }

  /** Look now: somebody came back to the page, or an answer was saved. */
  poll() {
    this.#polls = 0;
    return this.fill();
  }

  /** While somebody looks at the page, its questions stay theirs. */
  #keepLease(seconds) {
    this.#leaseSeconds = Math.max(this.#leaseSeconds, seconds);
    if (this.#renewTimer) return;
    this.#renewTimer = setTimeout(() => {
      this.#renewTimer = 0;
      if (!this.#inHand.size) return;
      this.#keepLease(this.#leaseSeconds);
      if (document.visibilityState === "visible") this.renew();
    }, Math.min(Math.max(seconds / 3, SHORTEST_RENEWAL_S), LONGEST_RENEWAL_S) * 1000);
  }

  /** Prolong the leases now; what went to others meanwhile and was not looked at is dropped. */
  async renew() {
    const asked = [...this.#inHand.keys()];
    if (!asked.length) return;
    try {
      const { views } = await call("POST", "/api/claims/renew", { views: asked });
      const kept = new Set(views);
      for (const { view } of this.#ready.filter((ready) => asked.includes(ready.view) && !kept.has(ready.view))) {
        this.#ready = this.#ready.filter((ready) => ready.view !== view);
        this.#inHand.delete(view);
      }
      this.fill();
    } catch { /* an answer is taken after its lease as well: nothing is lost by not renewing */ }
  }
}
