/** A bar on the error stream, for commands whose results go to the output. Only a terminal shows it. */
import { SingleBar } from 'cli-progress';

/**
 * @param word what is done, in front of the bar
 * @returns null where nobody sees it
 */
export function startProgressBar(word: string, total: number): SingleBar | null {
  if (!process.stderr.isTTY) return null;
  const bar = new SingleBar({
    format: `${word} [{bar}] {value}/{total}  {eta_formatted} left`,
    stream: process.stderr,
    clearOnComplete: true,
    gracefulExit: true,
    barsize: 28,
    fps: 10,
    linewrap: false,
  });
  bar.start(total, 0);
  return bar;
}
