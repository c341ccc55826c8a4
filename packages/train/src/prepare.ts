import { readFile } from 'node:fs/promises';
import { DataError, bytesPerElement, costOf, sizeOf } from '@forgelens/autograd';
import type { Runtime } from '@forgelens/autograd/runtime/node';
import type { LocalizerNetwork } from '@forgelens/models';
import { bindWeights, readCheckpoint } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { countParameters, initialize, namedParameters } from '@forgelens/nn';
import type { TrainConfig } from './config.ts';
import { trainingStepConfig } from './config.ts';
import type { BatchSource } from './data.ts';
import { checkParts, partOf } from './parts.ts';
import { buildTrainingStep } from './step.ts';

/**
 * The weights and buffers of a checkpoint, to begin a training with.
 *
 * @param fresh - parts of the network that are not taken from the checkpoint but begin at random, by `seed`
 * @throws {UsageError} when the network has no such part
 * @throws {DataError} when the file cannot be read
 * @throws {CheckpointError} when they do not fit the network
 */
export async function openWeights(
  network: LocalizerNetwork,
  path: string,
  { fresh = [], seed = 1 }: Partial<Pick<TrainConfig, 'fresh' | 'seed'>> = {},
): Promise<Weights> {
  const random = initialize(network, seed);
  checkParts('fresh', fresh, Object.keys(random));
  const isFresh = ([name]: readonly [string, unknown]): boolean => partOf(name, fresh) !== null;
  const bytes = await readFile(path).catch(error => {
    throw new DataError(path, 'cannot be read; is it the path of a checkpoint?', { cause: error });
  });
  const stored = Object.entries(readCheckpoint(bytes, path).weights).filter(entry => !isFresh(entry));
  const weights = Object.fromEntries([...stored, ...Object.entries(random).filter(isFresh)]);
  bindWeights(network, weights, path);
  return weights;
}

/** What a step takes. */
export interface StepCost {
  /** Without the wait for its batches: of two runs the second, because the first warms up. */
  readonly seconds: number;
  /** Weights, buffers and what the optimizer keeps. */
  readonly stateBytes: number;
  /** The most that is computed and still needed at a time, counted from the graph. */
  readonly activationBytes: number;
  /** The most memory that this process has had, with all that the runtime takes to prepare the graph. */
  readonly processBytes: number;
}

/** Counts and measures what a step takes. Nothing is trained. */
export async function measureStep(
  network: LocalizerNetwork,
  config: TrainConfig,
  runtime: Runtime,
  data: BatchSource,
): Promise<StepCost> {
  const { seed, accumulate = 1 } = config;
  const step = buildTrainingStep(network, trainingStepConfig(config));
  const executable = await runtime.compile(step.graph, step.initialState(initialize(network, seed)));
  try {
    const inputs = step.inputs(await data.batch(0), 0, { seed, learningRate: 0 });
    await executable.run(inputs);
    const started = performance.now();
    await executable.run(inputs);
    return {
      seconds: (accumulate * (performance.now() - started)) / 1000,
      stateBytes: Object.values(step.graph.state).reduce(
        (sum, { value }) => sum + sizeOf(value.shape) * bytesPerElement(value.dtype),
        0,
      ),
      activationBytes: costOf(step.graph).activationBytes.peak,
      processBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    await executable.close();
  }
}

/** How many numbers of a network a configuration trains, and how many it leaves as they are. */
export function countTrained(
  network: LocalizerNetwork,
  { parts = {} }: Pick<TrainConfig, 'parts'>,
): { readonly trained: number; readonly frozen: number } {
  const total = countParameters(network);
  const still = Object.keys(parts).filter(part => parts[part]!.learningRateFactor === 0);
  let frozen = 0;
  for (const [name, { kind, shape }] of namedParameters(network)) {
    const part = partOf(name, Object.keys(parts));
    if (kind === 'weight' && part !== null && still.includes(part)) frozen += sizeOf(shape);
  }
  return { trained: total - frozen, frozen };
}
