// What the page shows of the API, refreshed: one request at a time for each, none while nobody looks.
import { useEffect } from "preact/hooks";
import { ask } from "arena/api";
import { heed, signIns, token } from "arena/session";
import { kept, Store, useStore } from "arena/store";

export const INTERVALS = ["5", "15", "60", "off"];
export const interval = kept(localStorage, "arena.refresh", "5", (found) => INTERVALS.includes(found));
const UNTOLD_SECONDS = 5;
const LONGEST_SECONDS = 60;
const STALE_REFRESHES = 3;

const every = () => (interval.value === "off" ? null : Number(interval.value) * 1000);

class Resource {
  // {data, at, error, failures, busy}: `at` = when `data` came, milliseconds; `error` = of the last try.
  state = new Store({ data: null, at: null, error: null, busy: false });
  watchers = 0;
  #failures = 0;
  #due = 0;

  constructor(base, path, options) {
    Object.assign(this, { base, path, options });
  }

  // Whether it is time, at `now` in milliseconds.
  isDue(now) {
    return !this.options.still && this.watchers > 0 && !this.state.value.busy && now >= this.#due;
  }

  async load() {
    if (this.state.value.busy || (!this.options.open && token.value === null)) return;
    const began = Date.now();
    const asked = token.value;
    this.state.value = { ...this.state.value, busy: true };
    try {
      const data = await inTurn(this.base, () => ask(this.base, this.path, { token: this.options.open ? null : asked }));
      this.#failures = 0;
      // A little early: the clock below ticks each second, and just missing it would cost another.
      this.#due = began + (every() ?? 0) - 300;
      this.state.value = { data, at: Date.now(), error: null, busy: false };
    } catch (error) {
      this.#failures += 1;
      this.#due = Date.now() + 1000 * this.#pause(error);
      this.state.value = { ...this.state.value, error, busy: false };
      // A token that was replaced meanwhile says nothing about the new one.
      if (!this.options.open && asked === token.value) heed(error, this.options.own);
    }
  }

  reset() {
    this.#failures = 0;
    this.#due = 0;
  }

  #pause(error) {
    const doubled = Math.min(LONGEST_SECONDS, UNTOLD_SECONDS * 2 ** (this.#failures - 1));
    return Math.max(error.retrySeconds ?? doubled, (every() ?? 0) / 1000);
  }
}

// Few at a time to each API: looking must not itself be a load. Two, so that one slow answer holds up no other.
const AT_ONCE = 2;
const turns = new Map();

async function inTurn(base, work) {
  if (!turns.has(base)) turns.set(base, { free: AT_ONCE, waiting: [] });
  const turn = turns.get(base);
  if (turn.free > 0) turn.free -= 1;
  else await new Promise((go) => turn.waiting.push(go));
  try {
    return await work();
  } finally {
    const next = turn.waiting.shift();
    if (next) next();
    else turn.free += 1;
  }
}

const resources = new Map();

function resource(base, path, options) {
  const key = `${base} ${path}`;
  if (!resources.has(key)) resources.set(key, new Resource(base, path, options));
  return resources.get(key);
}

// The state of GET base+path, kept fresh while a component uses it. `open` = asked without the token;
// `own` = a refused token ends the session (another region's may have other operators); `still` = asked when it is first
// wanted and when somebody says so, never by the clock.
export function useResource(base, path, { open = false, own = true, still = false } = {}) {
  const found = base === null ? NOWHERE : resource(base, path, { open, own, still });
  useEffect(() => {
    if (found === NOWHERE) return undefined;
    found.watchers += 1;
    if (still || found.isDue(Date.now()) || found.state.value.at === null) found.load();
    return () => {
      found.watchers -= 1;
    };
  }, [found]);
  return { ...useStore(found.state), still, reload: () => found.load() };
}

const NOWHERE = new Resource("", "", { open: true });
NOWHERE.state.value = { data: null, at: null, error: null, busy: false, nowhere: true };

// After something was changed: everything in sight is asked again, at once.
export function refreshAll() {
  for (const one of resources.values()) {
    one.reset();
    if (one.watchers > 0) one.load();
  }
}

// Whoever signs out leaves nothing behind.
export function forgetAll() {
  resources.clear();
}

// Older than three refreshes.
export function isStale(at, now) {
  return at !== null && now - at > STALE_REFRESHES * Math.max(every() ?? 0, UNTOLD_SECONDS * 1000);
}

// The time, for ages: moves on each second while the page is looked at.
export const now = new Store(Date.now());

export function startPolling() {
  const tick = () => {
    if (document.hidden) return;
    now.value = Date.now();
    if (every() === null) return;
    for (const one of resources.values()) if (one.isDue(now.value)) one.load();
  };
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  interval.follow(() => {
    for (const one of resources.values()) one.reset();
    tick();
  });
  signIns.follow(refreshAll);
}
