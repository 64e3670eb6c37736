// What is kept for a while: at most so many values, and callers that miss share one call.

export class Kept {
  #values = new Map();
  #coming = new Map();
  #most;

  constructor(most) {
    this.#most = most;
  }

  // The value under `key`, or that of `get`, which resolves to `{ value, milliseconds }`.
  // It is a promise only where there is none at hand.
  get(key, get) {
    const kept = this.#values.get(key);
    if (kept && kept.until > Date.now()) return kept.value;
    let coming = this.#coming.get(key);
    if (!coming) {
      coming = this.#fill(key, get).finally(() => this.#coming.delete(key));
      this.#coming.set(key, coming);
    }
    return coming;
  }

  async #fill(key, get) {
    const { value, milliseconds } = await get();
    // A Map keeps the order of insertion: the first is the oldest.
    if (this.#values.size >= this.#most) this.#values.delete(this.#values.keys().next().value);
    this.#values.set(key, { value, until: Date.now() + milliseconds });
    return value;
  }
}
