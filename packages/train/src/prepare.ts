import { readFile } from 'node:fs/promises';
import { DataError, float32 } from '@forgelens/autograd';
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
 * @throws {DataError} when the file cannot be read
 * @throws {CheckpointError} when they do not fit the network
 */
export async function openWeights(network: LocalizerNetwork, path: string): Promise<Weights> {
  const bytes = await readFile(path).catch(error => {
    throw new DataError(path, 'cannot be read; is it the path of a checkpoint?', { cause: error });
  });
  const { weights } = readCheckpoint(bytes, path);
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
