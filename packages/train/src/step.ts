import type { Graph, Shape, StateValue, Value } from '@forgelens/autograd';
import { build, grad, input } from '@forgelens/autograd';
import type { Tensors } from '@forgelens/autograd/runtime/node';
import type { LocalizerNetwork } from '@forgelens/models';
import type { Optimizer, Weights } from '@forgelens/nn';
import { Context, clipGradients, earlyDecay, ema, namedParameters, optimize, zerosFor } from '@forgelens/nn';

export interface TrainingStepConfig {
  readonly optimizer: Optimizer;
  /** Images per step. */
  readonly batch: number;
  /** Height and width of the images. */
  readonly size: number;
  /** The largest norm that all gradients together may have; they are not clipped without it. */
  readonly clip?: number | null;
  /** How much of the moving average of the weights each step keeps; there is none without it. */
  readonly ema?: number | null;
  /** Whether gradients compute parts of the forward pass anew: less memory, a third more time. */
  readonly recompute?: boolean;
}

/**
 * One step of training as one graph.
 *
 * Inputs: `image` [B, 3, S, S] in [0, 1], `mask` [B, 1, S, S] of 0 and 1, `learningRate` [], and `random.0`, `random.1`,
 * … with fresh uniform numbers. Outputs: `loss` [], and `gradientNorm` [] when gradients are clipped. State: weights and
 * buffers under their own names, what the optimizer keeps (`adamw.m.<weight>`), and `ema.<weight>`.
 */
export interface TrainingStep {
  readonly graph: Graph;
  /** The state of a training that begins with these weights and buffers. */
  initialState(weights: Weights): Tensors;
  /** The shapes of the inputs `random.<i>`. */
  readonly drawShapes: readonly Shape[];
}

/** @throws {ShapeError} when the size does not suit the network */
export function buildTrainingStep(
  network: LocalizerNetwork,
  { optimizer, batch, size, clip = null, ema: decay = null, recompute = false }: TrainingStepConfig,
): TrainingStep {
  const image = input('float32', [batch, 3, size, size]);
  const mask = input('float32', [batch, 1, size, size]);
  const learningRate = input('float32', []);
  const ctx = new Context({ training: true });
  const loss = network.loss(network.forward(image, ctx), mask);

  const parameters = [...namedParameters(network)];
  const weights = parameters.filter(([, { kind }]) => kind === 'weight');
  const buffers = parameters.filter(([, { kind }]) => kind === 'buffer');
  const derived = grad(
    loss,
    weights.map(([, weight]) => weight),
    undefined,
    { kept: recompute ? ctx.kept : [] },
  );
  const { gradients, norm } = clip === null ? { gradients: derived, norm: null } : clipGradients(derived, clip);
  const trained = weights.map(([name, value], i) => ({ name, value, gradient: gradients[i] ?? null }));
  const optimized = optimize(optimizer, trained, learningRate);

  const state: Record<string, StateValue> = { ...optimized };
  for (const [name, buffer] of buffers) state[name] = { value: buffer, next: ctx.updates.get(buffer) ?? buffer };
  if (decay !== null) {
    const decayNow = earlyDecay(decay, optimized[`${optimizer.name}.step`]!.next);
    for (const [name, weight] of weights) {
      const average = input('float32', weight.shape);
      state[averageOf(name)] = { value: average, next: ema(average, optimized[name]!.next, decayNow) };
    }
  }

  const draws = Object.fromEntries(ctx.draws.map((draw, i) => [`random.${i}`, draw]));
  const outputs: Record<string, Value> = { loss, ...(norm && { gradientNorm: norm }) };
  return {
    graph: build({ inputs: { image, mask, learningRate, ...draws }, outputs, state }),
    initialState: first => {
      const averages = decay === null ? [] : weights.map(([name]) => [averageOf(name), first[name]!] as const);
      return { ...zerosFor(optimized), ...first, ...Object.fromEntries(averages) };
    },
    drawShapes: ctx.draws.map(draw => draw.shape),
  };
}

const averageOf = (name: string): string => `ema.${name}`;

/** The weights and buffers to use of a training's state: averaged weights where there are some. */
export const trainedWeights = (network: LocalizerNetwork, state: Tensors): Weights =>
  Object.fromEntries([...namedParameters(network).keys()].map(name => [name, state[averageOf(name)] ?? state[name]!]));
