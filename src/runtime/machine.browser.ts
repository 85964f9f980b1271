/** What this machine has to offer a browser. It decides only how fast an answer comes. */

/** Threads a page may use at once. */
export function defaultThreads(): number {
  return navigator.hardwareConcurrency;
}
