// Messages that are not acknowledged yet. They outlive a lost line, a closed page and an empty battery; the key of each lets the
// backend keep it once however often it is sent.

const KEPT = "pushnchat.outbox";

export class Outbox {
  /** storage: like localStorage; send(message): resolves with what the backend kept, or rejects. */
  constructor(storage, send) {
    this.storage = storage;
    this.send = send;
    this.flushing = null;
  }

  /** Oldest first. What cannot be read is left out. */
  get waiting() {
    try {
      const found = JSON.parse(this.storage.getItem(KEPT) ?? "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  }

  add(message) {
    this.#keep([...this.waiting, message]);
  }

  /** Of what the backend was seen to have, nothing waits any more. */
  forget(keys) {
    const seen = new Set(keys);
    this.#keep(this.waiting.filter(({ key }) => !seen.has(key)));
  }

  /**
   * Sends in order until the line fails; resolves with {kept, refused}: what the backend has now, and what it will never take
   * (an error with `refused`), which leaves the outbox too. At most one flush runs; a second call joins it.
   */
  flush() {
    this.flushing ??= this.#flush().finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  async #flush() {
    const done = { kept: [], refused: [] };
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      try {
        done.kept.push(await this.send(next));
      } catch (error) {
        if (!error.refused) return done;
        done.refused.push(next);
      }
      this.#keep(this.waiting.filter((message) => message.key !== next.key));
    }
    return done;
  }

  #keep(messages) {
    this.storage.setItem(KEPT, JSON.stringify(messages));
  }
}
