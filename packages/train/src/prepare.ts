import { readFile } from 'node:fs/promises';
import { DataError, UsageError, float32 } from '@forgelens/autograd';
import type { Runtime } from '@forgelens/autograd/runtime/node';
import type { LocalizerNetwork } from '@forgelens/models';
import { bindWeights, readCheckpoint } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { initialize } from '@forgelens/nn';
import type { TrainConfig } from './config.ts';
import { createOptimizer } from './config.ts';
import type { BatchSource } from './data.ts';
import { draws } from './loop.ts';
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
  const partOf = (name: string): string => name.split('.')[0]!;
  const parts = new Set(Object.keys(random).map(partOf));
  for (const part of fresh)
    if (!parts.has(part))
      throw new UsageError(`fresh: the network has no part "${part}" (parts: ${[...parts].join(', ')})`);
  const isFresh = ([name]: readonly [string, unknown]): boolean => fresh.includes(partOf(name));
  const bytes = await readFile(path).catch(error => {
    throw new DataError(path, 'cannot be read; is it the path of a checkpoint?', { cause: error });
  });
  const stored = Object.entries(readCheckpoint(bytes, path).weights).filter(entry => !isFresh(entry));
  const weights = Object.fromEntries([...stored, ...Object.entries(random).filter(isFresh)]);
  bindWeights(network, weights, path);
  return weights;
}

/** Seconds that one step takes, without the wait for its batch: the second of two, because the first warms up. */
export async function measureStep(
  network: LocalizerNetwork,
  config: TrainConfig,
  runtime: Runtime,
  data: BatchSource,
): Promise<number> {
  const step = buildTrainingStep(network, { ...config, optimizer: createOptimizer(config.optimizer) });
  const executable = await runtime.compile(step.graph, step.initialState(initialize(network, config.seed)));
  try {
    const { image, mask } = await data.batch(0);
    const inputs = { image, mask, learningRate: float32([], [0]), ...draws(config.seed, 0, step.drawShapes) };
    await executable.run(inputs);
    const started = performance.now();
    await executable.run(inputs);
    return (performance.now() - started) / 1000;
  } finally {
    await executable.close();
  }
}
