import type { Localizer, ModelCard, OpenedModel } from '@forgelens/localize';
import type { ModelDefinition } from '@forgelens/models';

/** Where a command writes text: a stream, or what a test gives in its place. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** The world outside, as far as commands know of it. */
export interface Io {
  /** Data: what a pipe should get. */
  readonly stdout: Output;
  /** Everything else: progress, warnings, errors. */
  readonly stderr: Output;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user presses Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** The models that commands work with. */
export interface Models {
  /** The id of the model that is used unless another one is named. */
  readonly default: string;
  /** The networks that weights can be for, by id. */
  readonly networks: Readonly<Record<string, ModelDefinition>>;
  /** What is known of each, read when asked for. */
  cards(): Promise<readonly ModelCard[]>;
  /**
   * @param idOrPath - the id of a model card, or the path of a checkpoint
   * @throws {UsageError} when it is neither
   * @throws {CheckpointError} when the weights do not fit the model
   */
  open(idOrPath: string): Promise<Localizer>;
  /** A network with its weights, to be written in another form; named and refused as by `open`. */
  load(idOrPath: string): Promise<OpenedModel>;
}

/** Exit codes of the program. */
export const exit = {
  ran: 0,
  fault: 1,
  usage: 2,
  someInputsFailed: 3,
  modelInvalid: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** What `main` gives to each command. */
export interface Context {
  readonly io: Io;
  readonly models: Models;
  /** Says how the command ended. */
  readonly finish: (code: ExitCode) => void;
}
