/**
 * How the command line ends badly: one clear line on the error stream and an exit code. A
 * BneckError is the user's to solve and shows its message; anything else is a defect of bneck and
 * says so. Invariant: a stack trace appears with --verbose only.
 */
import { CommanderError } from 'commander';
import { BneckError } from '../base/errors.ts';
import { BNECK_VERSION } from '../model/model-file.ts';

export const EXIT_FAILURE = 1;
/** A command that was called wrongly. */
export const EXIT_USAGE = 2;
/** By convention 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** Text from files and data fit for a terminal: one line, no control characters. */
export function oneLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, '\ufffd')
    .trim();
}

/** What commander has to say, which it says in several lines. */
export function usageLine(message: string): string {
  const line = oneLine(message)
    .replace(/^error: /, '')
    .replace(/\(Did you mean/, '(did you mean');
  return `bneck: ${line.endsWith('.') ? line : `${line}.`}`;
}

/** Prints an error and returns the exit code. */
export function reportError(error: unknown, verbose: boolean): number {
  // Commander has printed its own already, help and version among them.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const known = error instanceof BneckError;
  const message = error instanceof Error ? error.message : String(error);
  if (known) console.error(`bneck: ${oneLine(message)}`);
  else {
    const hint = verbose ? '' : ' Run it again with --verbose for the details to report.';
    console.error(`bneck: this is a defect of bneck ${BNECK_VERSION}, not of yours: ${oneLine(message)}.${hint}`);
  }
  if (verbose) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) console.error(cause.stack);
  }
  return known && error.code === 'option' ? EXIT_USAGE : EXIT_FAILURE;
}
