/**
 * A bar on the error stream, for commands whose results go to the output. Only a terminal shows it;
 * lines about problems go through it, so that each stands whole, with a bar or without.
 */
import { SingleBar } from 'cli-progress';

export class ProgressBar {
  readonly #total: number;
  readonly #bar: SingleBar | null = null;
  #value = 0;

  /**
   * @param word what is done, in front of the bar
   * @param shown false: no bar, even on a terminal
   */
  constructor(word: string, total: number, shown = true) {
    this.#total = total;
    if (!shown || !process.stderr.isTTY) return;
    this.#bar = new SingleBar({
      format: `${word} [{bar}] {value}/{total}  {eta_formatted} left`,
      stream: process.stderr,
      clearOnComplete: true,
      barsize: 28,
      fps: 10,
      linewrap: false,
    });
    this.#bar.start(total, 0);
  }

  /** How many are done. */
  update(value: number): void {
    this.#value = value;
    this.#bar?.update(value);
  }

  /** A line of its own; the bar makes room and comes back below. */
  line(text: string): void {
    this.#bar?.stop();
    console.error(text);
    this.#bar?.start(this.#total, this.#value);
  }

  /** Takes the bar away. */
  stop(): void {
    this.#bar?.stop();
  }
}
