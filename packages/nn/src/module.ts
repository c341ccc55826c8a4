import type { Shape, Value as GraphValue } from '@forgelens/autograd';
import { Random, Tensor, Value, input } from '@forgelens/autograd';
import type { Initializer } from './initializers.ts';

/**
 * A part of a network: plain data with a `forward`. Its parameters are found by walking its fields, and the dotted
 * path to a parameter is its name everywhere: in checkpoints, in ONNX files and in logs.
 */
export interface Module {
  forward(...inputs: never[]): unknown;
}

/** A tensor that belongs to a network. Weights are trained; buffers (running statistics) are only updated. */
export class Parameter extends Value {
  readonly kind: 'weight' | 'buffer';
  readonly initializer: Initializer;
  constructor(shape: Shape, initializer: Initializer, kind: 'weight' | 'buffer' = 'weight') {
    super({ dtype: 'float32', shape });
    this.kind = kind;
    this.initializer = initializer;
  }
}

/** Tensors by parameter name: what a checkpoint holds. */
export type Weights = Readonly<Record<string, Tensor>>;

/**
 * What a forward pass may know beside its inputs: whether it trains, where batch statistics go, and random numbers.
 * One context belongs to one graph.
 */
export class Context {
  readonly training: boolean;
  /** The next value of each buffer that the pass updates. */
  readonly updates = new Map<Parameter, GraphValue>();
  /** Inputs that want fresh uniform numbers from [0, 1) with every run, in the order they were asked for. */
  readonly draws: GraphValue[] = [];
  /** Values from which gradients can compute the others anew: see `grad`. */
  readonly kept: GraphValue[] = [];

  constructor({ training }: { readonly training: boolean }) {
    this.training = training;
  }

  /** Reports the next value of a buffer. */
  update(buffer: Parameter, next: GraphValue): void {
    this.updates.set(buffer, next);
  }

  /** Says that gradients may compute what follows from this value anew instead of keeping it in memory. */
  keep(value: GraphValue): GraphValue {
    this.kept.push(value);
    return value;
  }

  /** Uniform random numbers from [0, 1), new with every run. */
  uniform(shape: Shape): GraphValue {
    const draw = input('float32', shape);
    this.draws.push(draw);
    return draw;
  }
}

/** A context for inference: no dropout, running statistics. */
export const evaluation = (): Context => new Context({ training: false });

/**
 * All parameters of a module by dotted path, in the order of declaration: `encoder.0.conv1.weight`. A parameter that
 * several parts share has the name under which it is found first.
 */
export function namedParameters(module: object): ReadonlyMap<string, Parameter> {
  const found = new Map<string, Parameter>();
  const seen = new Set<object>();
  const walk = (part: unknown, path: string): void => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return;
    if (part instanceof Parameter) {
      seen.add(part);
      found.set(path, part);
    } else if (Array.isArray(part) || !(part instanceof Value || part instanceof Tensor || ArrayBuffer.isView(part))) {
      seen.add(part);
      for (const [key, child] of Object.entries(part)) walk(child, path === '' ? key : `${path}.${key}`);
    }
  };
  walk(module, '');
  return found;
}

/** The first weights of a module. Each parameter has a random stream of its own, named by its path. */
export function initialize(module: object, seed: number | string): Weights {
  const random = new Random(seed);
  return Object.fromEntries(
    [...namedParameters(module)].map(([name, { shape, initializer }]) => [name, initializer(shape, random.fork(name))]),
  );
}

/** The number of trained numbers of a module. */
export const countParameters = (module: object): number =>
  [...namedParameters(module).values()]
    .filter(parameter => parameter.kind === 'weight')
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
