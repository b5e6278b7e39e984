/* One tab at a time: a lock of the browser. A tab that hangs loses it to the next; its work is aborted. */

const LOCK = "prefloop-outbox";
const PATIENCE_MS = 60_000;
/* A tab at work shows it before each request, and a request ends within a third of this. */

/** The turn among all tabs that send. */
export class Turn {
  #heard = -Infinity;

  /** Another tab has shown that it is at work. */
  hear() {
    this.#heard = performance.now();
  }

  /** Run `work` while no other tab runs its own. Its argument is aborted once another tab took the turn away. */
  async take(work) {
    if (!navigator.locks) return work(new AbortController().signal);
    for (;;) {
      if (await holdWithin(PATIENCE_MS, work)) return;
      const isSilent = performance.now() - this.#heard >= PATIENCE_MS;
      if (isSilent && await hold({ steal: true }, work)) return;
    }
  }
}

async function holdWithin(milliseconds, work) {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), milliseconds);
  try {
    return await hold({ signal: waiting.signal }, work);
  } finally {
    clearTimeout(timer);
  }
}

/** Return whether the lock was had. */
async function hold(options, work) {
  const lost = new AbortController();
  let running = null;
  try {
    await navigator.locks.request(LOCK, options, () => {
      running = work(lost.signal);
      return running;
    });
  } catch (error) {
    if (!running && options.signal?.aborted) return false;
    if (!running) throw error;
    // The work failed, or the lock was stolen while it ran: then it stops, and is waited for.
    lost.abort();
    await running;
  }
  return true;
}
