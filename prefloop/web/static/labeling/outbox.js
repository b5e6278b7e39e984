/* Answers on their way to the server. None is lost, and none counts as saved before the server said so.

   An answer gets its id here, is written to the shelf, and is then sent until the server has
   acknowledged it: after a reload, a crash or a lost connection too. Sending twice is harmless, since the
   server knows the id. One tab sends at a time, in the order in which the answers were given.

   An answer that is taken back may have left already, unheard: then it is sent until the server has
   acknowledged it, and its undo after it. The other way round it could arrive last, and stand. */

import { call } from "./api.js";
import { Shelf, withPresentNames } from "./shelf.js";
import { Turn } from "./turn.js";

const CHANNEL = "prefloop-outbox";
const LONGEST_WAIT_MS = 30_000;

/** Return a random UUID, also where the page is served without TLS. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The outbox of one person in one browser. Fires `change`, `acknowledged`, `refused`, `login`. */
export class Outbox extends EventTarget {
  #shelf;
  #person;
  #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
  #entries = new Map();
  #unwritten = new Set();
  #gone = new Set();
  #turn = new Turn();
  #isSending = false;
  #isAgain = false;
  #failures = 0;
  #timer = 0;
  #renewToken;
  problem = "";
  isOffline = false;
  needsLogin = false;
  isDurable = true;

  /** Open the outbox of a person. `renewToken` asks the server for a fresh token. */
  static async open(person, renewToken) {
    const outbox = new Outbox();
    outbox.#person = person;
    outbox.#renewToken = renewToken;
    outbox.#shelf = await Shelf.open();
    outbox.isDurable = outbox.#shelf.isDurable;
    for (const entry of await outbox.#shelf.all()) outbox.#entries.set(entry.id, entry);
    outbox.#channel?.addEventListener("message", (event) => outbox.#receive(event.data));
    globalThis.addEventListener("online", () => outbox.kick());
    return outbox;
  }

  /** Entries of this person that the server has not acknowledged. */
  get waiting() {
    return this.#mine().filter((entry) => entry.state === "waiting");
  }

  /** Entries of this person that the server did not take. They stay until somebody has seen them. */
  get refused() {
    return this.#mine().filter((entry) => entry.state === "refused");
  }

  /** Names of others whose work waits in this browser for their next login. */
  get others() {
    const all = [...this.#entries.values()];
    return [...new Set(all.filter((e) => e.person !== this.#person).map((e) => e.person))];
  }

  /** Keep an entry and send it. Returns at once; it is on the list already. */
  add(entry) {
    const orders = [...this.#entries.values()].map((e) => e.order);
    const whole = { ...entry, person: this.#person, state: "waiting", tries: 0, order: Math.max(0, ...orders) + 1 };
    this.#entries.set(whole.id, whole);
    this.#unwritten.add(whole.id);
    this.#changed({ put: whole });
    this.#keep(whole).finally(() => {
      this.#unwritten.delete(whole.id);
      if (!this.#timer) this.#send();
    });
    return whole;
  }

  /** Withdraw an answer. Whoever sends next knows whether it can have left: see `#cancel`. */
  undo(target, assignment) {
    this.dismiss(target);
    this.add({ id: newId(), kind: "undo", target, assignment });
  }

  /** Let go of a refused entry: its person has read why. */
  dismiss(id) {
    if (this.refused.some((entry) => entry.id === id)) this.#forget(id);
  }

  /** Try now, whatever the last attempt gave. */
  kick() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    return this.#send();
  }

  #mine() {
    return [...this.#entries.values()]
      .filter((entry) => entry.person === this.#person)
      .sort((a, b) => a.order - b.order);
  }

  async #keep(entry) {
    try {
      await this.#shelf.put(entry);
    } catch {
      this.isDurable = false;
      this.#changed();
    }
  }

  async #forget(id, event = { removed: id }) {
    this.#entries.delete(id);
    this.#gone.add(id);
    this.#changed(event);
    try {
      await this.#shelf.remove(id);
    } catch {
      this.isDurable = false;
    }
  }

  #changed(event) {
    if (event) this.#channel?.postMessage(event);
    this.dispatchEvent(new Event("change"));
  }

  #fire(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  /** Another tab did something. */
  #receive(event) {
    // Only the tab whose turn it is tries anything.
    if (event.trying) this.#turn.hear();
    if (this.#entries.has(event.trying)) this.#entries.get(event.trying).tries += 1;
    const added = event.put && withPresentNames(event.put);
    if (added) this.#entries.set(added.id, added);
    if (event.removed) {
      this.#entries.delete(event.removed);
      this.#gone.add(event.removed);
    }
    if (event.acknowledged) this.#fire("acknowledged", event.acknowledged);
    if (added?.person === this.#person) this.#fire("elsewhere", added);
    this.dispatchEvent(new Event("change"));
  }

  async #send() {
    if (this.#isSending) {
      this.#isAgain = true;
      return;
    }
    this.#isSending = true;
    try {
      do {
        this.#isAgain = false;
        await this.#turn.take((lost) => this.#sendAll(lost));
      } while (this.#isAgain && !this.#timer && !this.needsLogin);
    } finally {
      this.#isSending = false;
    }
  }

  async #sendAll(lost) {
    await this.#reread();
    for (let entry = this.waiting[0]; entry; entry = this.waiting[0]) {
      if (this.#unwritten.has(entry.id)) return;
      const goesOn = (await this.#cancel(entry)) || (await this.#sendOne(entry, lost));
      if (lost.aborted) {
        // Another tab sends now. What it leaves behind is looked at when it has done.
        this.#isAgain = true;
        return;
      }
      if (!goesOn) return;
    }
  }

  #undoOf(entry) {
    return this.waiting.find((other) => other.kind === "undo" && other.target === entry.id);
  }

  /** An answer that was taken back before it ever left needs no sending; return whether it was so. */
  async #cancel(entry) {
    const undo = entry.kind === "answer" && entry.tries === 0 && this.#undoOf(entry);
    if (!undo) return false;
    await this.#forget(entry.id);
    await this.#forget(undo.id);
    return true;
  }

  /** What other tabs sent or added meanwhile is seen here. */
  async #reread() {
    if (!this.#shelf.isDurable) return;
    let kept;
    try {
      kept = await this.#shelf.all();
    } catch {
      // The browser closed the shelf: what is in memory is sent all the same.
      this.isDurable = false;
      return;
    }
    const ids = new Set(kept.map((entry) => entry.id));
    for (const id of this.#entries.keys()) {
      if (!ids.has(id) && !this.#unwritten.has(id) && this.isDurable) this.#entries.delete(id);
    }
    for (const entry of kept.filter((each) => !this.#gone.has(each.id))) {
      const known = this.#entries.get(entry.id);
      if (known) known.tries = Math.max(known.tries, entry.tries);
      else this.#entries.set(entry.id, entry);
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Send one entry; return whether to go on with the next. */
  async #sendOne(entry, lost) {
    // Another tab has cancelled it.
    if (this.#gone.has(entry.id)) return true;
    entry.tries += 1;
    // Once it may have left, everybody must know: this page after a reload, and the other tabs.
    if (entry.tries === 1 && entry.kind === "answer") await this.#keep(entry);
    if (lost.aborted) return false;
    try {
      const receipt = await this.#request(entry, lost);
      this.#worked();
      const acknowledged = { id: entry.id, kind: entry.kind, receipt };
      await this.#forget(entry.id, { removed: entry.id, acknowledged });
      this.#fire("acknowledged", acknowledged);
      return true;
    } catch (error) {
      if (error.status === undefined) throw error;
      if (lost.aborted) return false;
      return this.#failed(entry, error);
    }
  }

  async #request(entry, stop) {
    const request = () => {
      this.#channel?.postMessage({ trying: entry.id });
      return entry.kind === "undo"
        ? call("DELETE", `/api/answers/${entry.target}`, undefined, { stop })
        : call("PUT", `/api/answers/${entry.id}`, entry.body, { stop });
    };
    try {
      return await request();
    } catch (error) {
      if (error.status !== 403 || stop.aborted) throw error;
      await this.#renewToken();
      return request();
    }
  }

  #worked() {
    this.#failures = 0;
    this.problem = "";
    this.isOffline = false;
    this.needsLogin = false;
  }

  async #failed(entry, error) {
    if (error.status === 401) {
      this.needsLogin = true;
      this.#changed();
      this.#fire("login");
      return false;
    }
    if (error.isPassing) {
      this.#later(error);
      return false;
    }
    this.#worked();
    // Another tab has dealt with it: there is nothing left to tell.
    if (this.#gone.has(entry.id)) return true;
    // Nor of an answer that was taken back, nor of an undo of what the server does not have.
    if (this.#undoOf(entry) || (entry.kind === "undo" && error.status === 404)) {
      await this.#forget(entry.id);
      return true;
    }
    Object.assign(entry, { state: "refused", message: error.message, code: error.code });
    await this.#keep(entry);
    this.#changed({ put: entry });
    this.#fire("refused", entry);
    return true;
  }

  #later(error) {
    this.isOffline = error.status === 0;
    this.problem = error.message;
    const wait = Math.min(1000 * 2 ** this.#failures, LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.kick(), Math.max(wait, (error.retryAfter ?? 0) * 1000));
    this.#changed();
  }
}
