// A value that components follow.
import { useEffect, useState } from "preact/hooks";

export class Store {
  #value;
  #followers = new Set();

  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    if (value === this.#value) return;
    this.#value = value;
    for (const follower of [...this.#followers]) follower(value);
  }

  follow(follower) {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

export function useStore(store) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const follower = () => redraw((count) => count + 1);
    const leave = store.follow(follower);
    follower();
    return leave;
  }, [store]);
  return store.value;
}

// A store kept in the browser: `area` is localStorage or sessionStorage.
export function kept(area, name, initial, allowed) {
  const found = area.getItem(name);
  const store = new Store(found !== null && allowed(found) ? found : initial);
  store.follow((value) => (value === null ? area.removeItem(name) : area.setItem(name, value)));
  return store;
}
