import type { Runtime, Tensors } from '@forgelens/autograd/runtime/node';
import type { Tensor, Value } from '@forgelens/autograd';
import type { LocalizerNetwork, LocalizerOutput } from '@forgelens/models';
import type { Optimizer } from '@forgelens/nn';
import type { Report } from './compare.ts';

/** A training that a fixture has numbers of. */
export interface Training {
  /** What of train.json it is: the loss and gradients in evaluation, and in training. */
  readonly sections: { readonly evalbn: string; readonly train: string };
  /** The network that is trained, as the official code builds it for the fixture: no dropped paths. */
  readonly create: (salt: number) => LocalizerNetwork;
  /** The official optimizer of the fixture's one step. */
  readonly optimizer: Optimizer;
  readonly learningRate: number;
  /** Whether the step moves the parameter of this official key; it moves all without. */
  readonly moves?: (key: string) => boolean;
}

/** What `npm run parity` must know of a model beyond what its fixture says. */
export interface Subject<Output extends LocalizerOutput = LocalizerOutput> {
  /** The network as the official code builds it for the fixture: no dropped paths. */
  readonly create: (salt: number) => LocalizerNetwork<Output>;
  readonly officialName: (name: string) => string;
  readonly officialConstants: RegExp;
  readonly trainings: readonly Training[];
  /** Whether thresholds within the network may fall to the other side by rounding, and change gradients in training. */
  readonly flips?: boolean;
  /** How many times smaller than the image the fixture's mask is; 1 without. */
  readonly maskReduction?: number;
  /** The heads that forward.bin holds, by their names there. */
  heads(output: Output, recorded: ReadonlyMap<string, Value>): Readonly<Record<string, Value>>;
  /** The heads that forward.bin holds of images of another shape. */
  readonly otherImages?: readonly {
    readonly batch: number;
    readonly size: number;
    readonly heads: (output: Output) => Readonly<Record<string, Value>>;
  }[];
  /** Values of the forward pass that the fixture's `extra` describes, to be given to `checkExtra`. */
  extras?(output: Output): Readonly<Record<string, Value>>;
  checkExtra?(report: Report, kind: string, extra: Readonly<Record<string, unknown>>, values: Tensors): void;
  /**
   * Values of functions that are no modules, by their names in the fixture's intermediates, and outputs of modules that
   * the official code lays out otherwise.
   */
  functional?(output: Output, recorded: ReadonlyMap<string, Value>): Readonly<Record<string, Value>>;
  /** The unit fixtures: parts with no network in front. */
  units(report: Report, units: never, context: UnitContext): Promise<void>;
}

export interface UnitContext {
  readonly runtime: Runtime;
  readonly salt: number;
  /** Runs the network in evaluation with some parameters replaced, and gives named values. */
  readonly evaluate: (
    replaced: Readonly<Record<string, Tensor>>,
    choose: (output: never, recorded: ReadonlyMap<string, Value>, mask: Value) => Readonly<Record<string, Value>>,
  ) => Promise<Tensors>;
}
