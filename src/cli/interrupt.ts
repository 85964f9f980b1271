/**
 * Ctrl-C while training: the first finishes the step and saves, the second quits at once. A polite
 * kill (SIGTERM) counts as the first.
 */
import { EXIT_INTERRUPTED } from './report-error.ts';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Back to what signals do by themselves. */
  release(): void;
}

/** @param onFirst called once, when the end was asked for */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController();
  const handle = () => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
    onFirst();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
