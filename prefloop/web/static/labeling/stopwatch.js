/* How long a question took, by the browser's own stopwatch: a clock that is set does not matter. */

const IDLE_MS = 60_000;

/** Measures one question: all the time, the active time, and the time to the first key or tap. */
export class Stopwatch {
  #started;
  #last;
  #active = 0;
  #first = null;
  #isVisible;

  constructor(now = performance.now(), isVisible = true) {
    this.#started = now;
    this.#last = now;
    this.#isVisible = isVisible;
  }

  /** Something was moved, scrolled or typed. `isFirstKind`: a key or a tap, not a mere movement. */
  touch(now = performance.now(), isFirstKind = false) {
    this.#count(now);
    if (isFirstKind && this.#first === null) this.#first = now - this.#started;
  }

  /** The page went out of view or came back. */
  turn(isVisible, now = performance.now()) {
    this.#count(now);
    this.#isVisible = isVisible;
  }

  /** Return what an answer carries, in seconds. */
  read(now = performance.now()) {
    this.#count(now);
    const seconds = (ms) => Math.round(Math.max(ms, 0)) / 1000;
    return {
      seconds: seconds(now - this.#started),
      active_seconds: seconds(this.#active),
      first_key_seconds: this.#first === null ? null : seconds(this.#first),
    };
  }

  #count(now) {
    if (this.#isVisible) this.#active += Math.min(Math.max(now - this.#last, 0), IDLE_MS);
    this.#last = now;
  }
}

/** Counts work without a break; a break is five minutes without an answer. */
export class Stretch {
  static #KEY = "prefloop.stretch";
  static #BREAK_MS = 5 * 60_000;
  static LIMIT_MS = 45 * 60_000;

  /** Add the active time of an answer; return whether a break is due. */
  add(activeSeconds, totalSeconds) {
    const state = this.#read();
    const hadBreak = (totalSeconds - activeSeconds) * 1000 > Stretch.#BREAK_MS;
    state.ms = (hadBreak ? 0 : state.ms) + activeSeconds * 1000;
    this.#write(state);
    return state.ms >= Stretch.LIMIT_MS;
  }

  /** Start again: a break was taken, or declined for now. */
  reset() {
    this.#write({ ms: 0 });
  }

  #read() {
    try {
      const state = JSON.parse(sessionStorage.getItem(Stretch.#KEY) ?? "null");
      return Number.isFinite(state?.ms) ? state : { ms: 0 };
    } catch {
      return { ms: 0 };
    }
  }

  #write(state) {
    try {
      sessionStorage.setItem(Stretch.#KEY, JSON.stringify(state));
    } catch { /* a browser that keeps nothing: then no break is suggested */ }
  }
}
