/* Where unsent work is kept: IndexedDB, flushed to the disk before anything is sent. */

const NAME = "prefloop";
const STORE = "outbox";

/** Return an entry as this version of the page writes it: earlier ones called an assignment `view`, and a
    message `told`. */
export function withPresentNames(entry) {
  const { view, told, ...rest } = entry;
  if (told !== undefined) rest.message = told;
  if (view) rest.assignment = renamed(view);
  if (rest.body?.view) rest.body = renamed(rest.body);
  return rest;
}

function renamed({ view, ...rest }) {
  return { assignment_id: view, ...rest };
}

/** A small durable map from id to entry. Where the browser keeps nothing, `isDurable` is false. */
export class Shelf {
  #database;

  constructor(database) {
    this.#database = database;
  }

  static async open() {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
      const database = await settled(request);
      // Another tab with a newer page may want to change the store: let it.
      database.onversionchange = () => database.close();
      return new Shelf(database);
    } catch {
      return new Shelf(null);
    }
  }

  get isDurable() {
    return this.#database !== null;
  }

  /** Return all entries, in the order in which they were made. */
  async all() {
    if (!this.isDurable) return [];
    const found = await settled(this.#store("readonly").getAll());
    return found.map(withPresentNames).sort((a, b) => a.order - b.order);
  }

  async put(entry) {
    await this.#write((store) => store.put(entry));
  }

  async remove(id) {
    await this.#write((store) => store.delete(id));
  }

  #store(mode) {
    return this.#database.transaction(STORE, mode, { durability: "strict" }).objectStore(STORE);
  }

  async #write(change) {
    if (!this.isDurable) return;
    const store = this.#store("readwrite");
    change(store);
    await new Promise((resolve, reject) => {
      store.transaction.oncomplete = resolve;
      store.transaction.onabort = () => reject(store.transaction.error);
    });
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}
