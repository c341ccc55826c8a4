import type { StateValue, Value } from '@forgelens/autograd';
import {
  ShapeError,
  add,
  div,
  input,
  minimum,
  mul,
  reduceSum,
  sameShape,
  scalar,
  sqrt,
  square,
  sub,
  tanh,
} from '@forgelens/autograd';

/** A weight to be trained, by its name, and the gradient of the loss in it; null leaves the weight as it is. */
export interface Trained {
  readonly name: string;
  readonly value: Value;
  readonly gradient: Value | null;
}

/** What becomes of a weight and of the values kept for it. */
interface Update {
  readonly weight: Value;
  readonly slots: readonly Value[];
}

/**
 * A rule that moves weights along their gradients: pure data, turned into graph by `optimize`. Each elementwise node
 * is one pass over memory, so rules keep everything that is one number per step out of the weights' sizes.
 */
export interface Optimizer {
  /** The prefix of the names of its state. */
  readonly name: string;
  /** What it keeps for each weight, of the weight's shape and zero at first. */
  readonly slots: readonly string[];
  /** The rule for one step, whose number (from 1) and learning rate are scalars of the graph. */
  at(step: Value, learningRate: Value): (trained: Trained, gradient: Value, slots: readonly Value[]) => Update;
}

/** Which weights decay, by name and shape. */
export type Decays = (name: string, weight: Value) => boolean;

/** Weight decay for kernels and matrices, but not for biases and norms, which have one axis. */
export const matricesDecay: Decays = (_name, weight) => weight.rank > 1;

interface WithDecay {
  readonly weightDecay?: number;
  /** All weights by default, as in PyTorch. */
  readonly decays?: Decays;
}

export interface SgdConfig extends WithDecay {
  /** How much of the last step's direction is kept, in [0, 1). */
  readonly momentum?: number;
  /** Takes the gradient's step from where momentum will have led: Sutskever et al. 2013. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent: b ← momentum·b + g, p ← p − learningRate·b; like PyTorch's SGD. */
export function sgd({
  momentum = 0,
  nesterov = false,
  weightDecay = 0,
  decays = () => true,
}: SgdConfig = {}): Optimizer {
  return {
    name: 'sgd',
    slots: momentum === 0 ? [] : ['momentum'],
    at:
      (_step, learningRate) =>
      ({ name, value: p }, gradient, slots) => {
        const g = weightDecay !== 0 && decays(name, p) ? add(gradient, mul(p, scalar(weightDecay))) : gradient;
        const b = slots[0] && add(mul(slots[0], scalar(momentum)), g);
        const direction = b && nesterov ? add(mul(b, scalar(momentum)), g) : (b ?? g);
        return { weight: sub(p, mul(direction, learningRate)), slots: b ? [b] : [] };
      },
  };
}

export interface AdamConfig extends WithDecay {
  /** How much of the running means of g and of g² is kept at each step. */
  readonly betas?: readonly [number, number];
  readonly eps?: number;
}

/**
 * Adam: p ← p − learningRate·m̂ / (√v̂ + eps), with running means m of g and v of g², corrected for their start at 0.
 * Weight decay is added to the gradient. Like PyTorch's Adam.
 * Kingma and Ba 2015, https://arxiv.org/abs/1412.6980.
 */
export const adam = (config: AdamConfig = {}): Optimizer => adamRule('adam', config);

/**
 * Adam with decoupled weight decay: p ← (1 − learningRate·weightDecay)·p before the step. Like PyTorch's AdamW.
 * Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101. Unlike the paper: the decay is scaled by the
 * learning rate.
 */
export const adamW = (config: AdamConfig = {}): Optimizer => adamRule('adamw', { weightDecay: 0.01, ...config });

function adamRule(name: 'adam' | 'adamw', config: AdamConfig): Optimizer {
  const { betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0, decays = () => true } = config;
  return {
    name,
    slots: ['m', 'v'],
    at(step, learningRate) {
      // m and v are kept without their factors (1 − beta), which with the corrections make two numbers per step:
      // m̂ / (√v̂ + eps) = a·m / (√v + e)
      const v1 = sqrt(div(scalar(1 - beta2), biasCorrection(beta2, step)));
      const e = div(scalar(eps), v1);
      const a = div(div(mul(learningRate, scalar(1 - beta1)), biasCorrection(beta1, step)), v1);
      const kept = sub(scalar(1), mul(learningRate, scalar(weightDecay)));
      return (trained, gradient, [m, v]) => {
        const p = trained.value;
        const decay = weightDecay !== 0 && decays(trained.name, p);
        const g = decay && name === 'adam' ? add(gradient, mul(p, scalar(weightDecay))) : gradient;
        const nextM = add(mul(m!, scalar(beta1)), g);
        const nextV = add(mul(v!, scalar(beta2)), square(g));
        const move = mul(div(nextM, add(sqrt(nextV), e)), a);
        return { weight: sub(decay && name === 'adamw' ? mul(p, kept) : p, move), slots: [nextM, nextV] };
      };
    },
  };
}

/** 1 − betaᵗ as 2T / (1 + T) with T = tanh(−t·ln(beta) / 2): exact to the last bits where betaᵗ is close to 1. */
function biasCorrection(beta: number, t: Value): Value {
  const half = tanh(mul(t, scalar(-Math.log(beta) / 2)));
  return div(add(half, half), add(half, scalar(1)));
}

/** Weights that one optimizer moves at one learning rate. */
export interface ParameterGroup {
  readonly optimizer: Optimizer;
  readonly weights: readonly Trained[];
  /** A scalar, mostly an input: see the schedules. */
  readonly learningRate: Value;
}

/**
 * One step of an optimizer as the state of a training graph: every weight under its own name, what the optimizer keeps
 * as `adamw.m.<weight>`, and the number of steps taken as `adamw.step`. All but the weights starts at zero.
 *
 * @param learningRate - a scalar, mostly an input: see the schedules
 * @throws {ShapeError} when a gradient does not have its weight's shape, or the learning rate is not a scalar
 */
export const optimize = (
  optimizer: Optimizer,
  weights: readonly Trained[],
  learningRate: Value,
): Readonly<Record<string, StateValue>> => optimizeGroups([{ optimizer, weights, learningRate }]);

/**
 * The same for groups of weights, each with its own optimizer and learning rate. They take their steps together.
 *
 * @throws {ShapeError} as `optimize`
 */
export function optimizeGroups(groups: readonly ParameterGroup[]): Readonly<Record<string, StateValue>> {
  const step = input('float32', []);
  const next = add(step, scalar(1));
  const state: Record<string, StateValue> = {};
  const kept: Record<string, StateValue> = {};
  for (const { optimizer, weights, learningRate } of groups) {
    if (learningRate.rank !== 0)
      throw new ShapeError('optimize', `learningRate must have the shape [], got [${learningRate.shape}]`);
    const rule = optimizer.at(next, learningRate);
    kept[`${optimizer.name}.step`] = { value: step, next, startsAtZero: true };
    for (const trained of weights) {
      const { name, value, gradient } = trained;
      if (gradient !== null && !sameShape(gradient.shape, value.shape))
        throw new ShapeError('optimize', `${name} has shape [${value.shape}] but its gradient has [${gradient.shape}]`);
      const before = gradient === null ? [] : optimizer.slots.map(() => input('float32', value.shape));
      const after = gradient === null ? { weight: value, slots: [] } : rule(trained, gradient, before);
      state[name] = { value, next: after.weight };
      for (const [i, slot] of before.entries())
        kept[`${optimizer.name}.${optimizer.slots[i]!}.${name}`] = {
          value: slot,
          next: after.slots[i]!,
          startsAtZero: true,
        };
    }
  }
  return { ...state, ...kept };
}

/**
 * Gradients scaled down together so that their common Euclidean norm is at most `maxNorm`, like PyTorch's
 * clip_grad_norm_; null stays null.
 * @returns also the norm before, a scalar worth logging
 */
export function clipGradients(
  gradients: readonly (Value | null)[],
  maxNorm: number,
): { readonly gradients: readonly (Value | null)[]; readonly norm: Value } {
  const squares = gradients.flatMap(g => (g ? [reduceSum(square(g))] : []));
  const norm = sqrt(squares.reduce(add, scalar(0)));
  const factor = minimum(div(scalar(maxNorm), add(norm, scalar(1e-6))), scalar(1));
  return { gradients: gradients.map(g => g && mul(g, factor)), norm };
}

/** The next exponential moving average: decay·average + (1 − decay)·value. */
export const ema = (average: Value, value: Value, decay: number | Value): Value => {
  const kept = typeof decay === 'number' ? scalar(decay) : decay;
  return add(mul(average, kept), mul(value, sub(scalar(1), kept)));
};

/**
 * The decay of an average that is to follow the value closely at first, so that the random start is soon forgotten:
 * min(decay, (1 + step) / (10 + step)), as TensorFlow's ExponentialMovingAverage has it.
 */
export const earlyDecay = (decay: number, step: Value): Value =>
  minimum(scalar(decay), div(add(step, scalar(1)), add(step, scalar(10))));
