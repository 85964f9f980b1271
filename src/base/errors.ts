/**
 * The one error class of bneck. It is thrown at a boundary (a file, an option, a shape) and says
 * what happened, where, and what to do. The command line prints its message alone; anything that
 * is not a BneckError is a defect of bneck itself.
 */
export type ErrorCode =
  | 'option' // an option or argument that cannot be
  | 'shape' // tensors that do not fit together
  | 'data' // a data set that cannot be trained on
  | 'image' // a picture that cannot be read
  | 'file' // a file that is missing, damaged, or of another kind
  | 'memory' // more memory than there is
  | 'training' // a run that cannot go on
  | 'runtime' // the engine could not start or stopped
  | 'unsupported'; // a thing that exists but not here

export class BneckError extends Error {
  readonly code: ErrorCode;

  /** @param message what happened, where, and what to do, in one line */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'BneckError';
    this.code = code;
  }
}

/** An invariant of bneck's own code. A failure is a defect, never the user's doing. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`bneck invariant broken: ${message}`);
}
