// What the server shows, by key; only what has changed comes in.

export class Store {
  constructor() {
    this.values = new Map();
    this.received = 0; // when the newest message came, in seconds
    this.isConnected = false;
    this.listeners = new Set();
  }

  get(key) {
    return this.values.get(key);
  }

  // Returns [rest of the key, value] of all keys that begin with a prefix.
  all(prefix) {
    const found = [];
    for (const [key, value] of this.values) if (key.startsWith(prefix)) found.push([key.slice(prefix.length), value]);
    return found;
  }

  apply({ all, set, gone }) {
    const changed = new Set(Object.keys(set));
    if (all) {
      for (const key of this.values.keys()) if (!changed.has(key)) changed.add(key);
      this.values.clear();
    }
    for (const key of gone) {
      this.values.delete(key);
      changed.add(key);
    }
    for (const [key, value] of Object.entries(set)) this.values.set(key, value);
    this.received = performance.now() / 1000;
    this.tell(changed);
  }

  tell(changed) {
    for (const listener of this.listeners) listener(changed);
  }

  follow(url) {
    const source = new EventSource(url);
    source.onmessage = (message) => {
      this.isConnected = true;
      this.apply(JSON.parse(message.data));
    };
    source.onopen = () => {
      this.isConnected = true;
      this.tell(new Set(["connection"]));
    };
    source.onerror = () => {
      this.isConnected = false;
      this.tell(new Set(["connection"]));
      // A browser gives up where the answer is no stream, as from a proxy whose server is gone.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.follow(url), 2000);
    };
  }

  // The chain's time now: that of the newest message, and what has passed since.
  get now() {
    const health = this.get("health");
    return health?.now ? health.now + performance.now() / 1000 - this.received : null;
  }
}
