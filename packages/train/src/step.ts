import type { Graph, StateValue, Value } from '@forgelens/autograd';
import {
  Random,
  Tensor,
  UsageError,
  add,
  build,
  float32,
  grad,
  greater,
  input,
  mul,
  scalar,
  where,
} from '@forgelens/autograd';
import type { Tensors } from '@forgelens/autograd/runtime/node';
import type { Batch } from '@forgelens/data';
import type { LocalizerNetwork } from '@forgelens/models';
import type { Optimizer, Parameter, Weights } from '@forgelens/nn';
import { Context, clipGradients, earlyDecay, ema, namedParameters, optimizeGroups } from '@forgelens/nn';
import { checkParts, partOf } from './parts.ts';

/** How a part of a network is trained. */
export interface PartTraining {
  readonly optimizer: Optimizer;
  /** Its learning rate is that of the step times this; 0 leaves its weights as they are. */
  readonly learningRateFactor: number;
}

export interface TrainingStepConfig {
  readonly optimizer: Optimizer;
  /** Parts that are trained in another way than the rest, by name; a weight belongs to the longest name that fits. */
  readonly parts?: Readonly<Record<string, PartTraining>>;
  /** Images per batch. */
  readonly batch: number;
  /** Height and width of the images. */
  readonly size: number;
  /** Batches per step of the optimizer, which sees the mean of their gradients. */
  readonly accumulate?: number;
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
 *
 * Running statistics are averages already and are not averaged again: they would lag further behind the averaged
 * weights, and a U-Net so measured was no better at any step and worse at the first.
 *
 * With `accumulate` it is run once for each batch of a step: `gradients.<weight>` adds up their gradients, and the input
 * `isLast` [], 0 or 1, switches the optimizer. One graph, because two sessions would each hold the weights or have to
 * hand them over; what the switch costs is one pass over the weights for each batch.
 */
export interface TrainingStep {
  readonly graph: Graph;
  /** The state of a training that begins with these weights and buffers; what is not in it starts at zero. */
  initialState(weights: Weights): Tensors;
  /** The inputs for a batch; `number` counts the batches of all steps from 0. Random numbers are functions of it. */
  inputs(batch: Batch, number: number, training: { readonly seed: number; readonly learningRate: number }): Tensors;
}

/**
 * @throws {ShapeError} when the size does not suit the network
 * @throws {UsageError} when the network has not all of the parts, or none of it is trained
 */
export function buildTrainingStep(network: LocalizerNetwork, config: TrainingStepConfig): TrainingStep {
  const { batch, size, accumulate = 1, clip = null, ema: decay = null, recompute = false } = config;
  const image = input('float32', [batch, 3, size, size]);
  const mask = input('float32', [batch, 1, size, size]);
  const learningRate = input('float32', []);
  const isLast = input('float32', []);
  const ctx = new Context({ training: true });
  const loss = network.loss(network.forward(image, ctx), mask);

  const parameters = [...namedParameters(network)];
  const trained = trainedBy(config, parameters);
  const derived = grad(
    loss,
    trained.map(({ weight }) => weight),
    undefined,
    { kept: recompute ? ctx.kept : [] },
  );
  const state: Record<string, StateValue> = {};
  const ends = accumulate === 1 ? null : greater(isLast, scalar(0.5));
  /** The next value of what only a whole step moves. */
  const atLast = (next: Value, value: Value): Value =>
    ends === null || next === value ? next : where(ends, next, value);
  const means = derived.map((gradient, i) => {
    if (accumulate === 1 || gradient === null) return gradient;
    const sum = input('float32', gradient.shape);
    const mean = add(sum, mul(gradient, scalar(1 / accumulate)));
    state[`gradients.${trained[i]!.name}`] = { value: sum, next: atLast(scalar(0), mean), startsAtZero: true };
    return mean;
  });
  const { gradients, norm } = clip === null ? { gradients: means, norm: null } : clipGradients(means, clip);
  const optimized = optimizeGroups(
    [...new Set(trained.map(({ by }) => by))].map(by => ({
      optimizer: by.optimizer,
      learningRate: by.learningRateFactor === 1 ? learningRate : mul(learningRate, scalar(by.learningRateFactor)),
      weights: trained.flatMap(({ name, weight, by: own }, i) =>
        own === by ? [{ name, value: weight, gradient: gradients[i] ?? null }] : [],
      ),
    })),
  );
  for (const [name, kept] of Object.entries(optimized)) state[name] = { ...kept, next: atLast(kept.next, kept.value) };
  for (const [name, parameter] of parameters)
    state[name] ??= { value: parameter, next: ctx.updates.get(parameter) ?? parameter };

  const averaged = decay === null ? [] : trained;
  if (decay !== null) {
    const decayNow = earlyDecay(decay, optimized[`${config.optimizer.name}.step`]!.next);
    for (const { name, weight } of averaged) {
      const average = input('float32', weight.shape);
      const next = ema(average, optimized[name]!.next, decayNow);
      state[averageOf(name)] = { value: average, next: atLast(next, average) };
    }
  }

  const draws = Object.fromEntries(ctx.draws.map((draw, i) => [`random.${i}`, draw]));
  const switches: Record<string, Value> = accumulate === 1 ? {} : { isLast };
  const outputs: Record<string, Value> = { loss, ...(norm && { gradientNorm: norm }) };
  return {
    graph: build({ inputs: { image, mask, learningRate, ...switches, ...draws }, outputs, state }),
    initialState: first => ({
      ...Object.fromEntries(parameters.map(([name]) => [name, first[name]!])),
      ...Object.fromEntries(averaged.map(({ name }) => [averageOf(name), first[name]!])),
    }),
    inputs: (given, number, training) => ({
      image: given.image,
      mask: given.mask,
      learningRate: float32([], [training.learningRate]),
      ...(accumulate > 1 && { isLast: float32([], [(number + 1) % accumulate === 0 ? 1 : 0]) }),
      ...drawn(new Random(training.seed).fork(`draw/${number}`), draws),
    }),
  };
}

/** A weight that is trained, and how. */
interface TrainedWeight {
  readonly name: string;
  readonly weight: Parameter;
  readonly by: PartTraining;
}

function trainedBy(
  { optimizer, parts = {} }: TrainingStepConfig,
  parameters: readonly (readonly [string, Parameter])[],
): TrainedWeight[] {
  const names = parameters.flatMap(([name, { kind }]) => (kind === 'weight' ? [name] : []));
  checkParts('parts', Object.keys(parts), names);
  const rest: PartTraining = { optimizer, learningRateFactor: 1 };
  const trained = parameters.flatMap(([name, weight]) => {
    const part = partOf(name, Object.keys(parts));
    const by = part === null ? rest : parts[part]!;
    return weight.kind === 'weight' && by.learningRateFactor > 0 ? [{ name, weight, by }] : [];
  });
  if (trained.length === 0)
    throw new UsageError('parts: nothing is left to train; give a part a learningRateFactor above 0');
  return trained;
}

/** Uniform random numbers from [0, 1) for each of the inputs. */
function drawn(random: Random, inputs: Readonly<Record<string, Value>>): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => {
      const tensor = new Tensor('float32', shape);
      for (let i = 0; i < tensor.size; i++) tensor.data[i] = random.uniform();
      return [name, tensor];
    }),
  );
}

const averageOf = (name: string): string => `ema.${name}`;

/** The weights and buffers to use of a training's state: averaged weights where there are some. */
export const trainedWeights = (network: LocalizerNetwork, state: Tensors): Weights =>
  Object.fromEntries([...namedParameters(network).keys()].map(name => [name, state[averageOf(name)] ?? state[name]!]));
