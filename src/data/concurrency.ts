/**
 * Doing several things at once, but not too many, and letting others have a turn. Used where
 * files are listed and pictures are decoded. Invariant: tasks start in the order they were given;
 * how many run at once, or when a pause happens, decides when something is done, never its result.
 */

/** Runs at most `limit` tasks at a time, first come, first served. */
export class Limiter {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await task();
    } finally {
      // The place is handed over rather than given up, so that no newcomer slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** How long one turn of the event loop may be held, milliseconds: half a frame. */
const TURN_MS = 8;
let turnStart = 0;

/** Lets timers, input and messages have their turn. */
export async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    // In a page: a message comes back without the 4 ms that nested timers wait.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
  turnStart = performance.now();
}

/** The same, if this turn has been held for long. */
export async function giveOthersATurn(): Promise<void> {
  if (performance.now() - turnStart >= TURN_MS) await nextTurn();
}
