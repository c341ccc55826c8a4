/**
 * The four errors that a user can cause. Everything else is a fault of ours and keeps its stack.
 *
 * Every message has one form: who: what is, with the numbers, against what must be; what to do.
 */

/** A graph was built from values whose shapes or dtypes do not fit together. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
  constructor(who: string, problem: string) {
    super(`${who}: ${problem}`);
  }
}

/** A file or sample cannot be used; the message starts with its path. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly path: string;
  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** A checkpoint does not fit its model: every missing, extra or wrongly shaped name is in the message. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  constructor(who: string, problem: string, options?: ErrorOptions) {
    super(`${who}: ${problem}`, options);
  }
}

/** An argument, option or configuration value that cannot be used. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
