import { Random, type Tensor } from '@forgelens/autograd';
import { masksToTensor, toTensor } from '@forgelens/imaging';

import type { Fit } from './augment.ts';
import { exampleDrawer, type ExampleSources } from './examples.ts';
import { Pictures } from './pictures.ts';

/** The training examples of one step. */
export interface Batch {
  /** [B, 3, S, S], float32, in [0, 1]. */
  readonly image: Tensor<'float32'>;
  /** [B, 1, S, S], float32, 1 = tampered. */
  readonly mask: Tensor<'float32'>;
}

/** What batches are made of, and how large they are. */
export interface BatchConfig extends ExampleSources {
  readonly seed: number | string;
  /** Examples a batch. */
  readonly batchSize: number;
  /** Height and width of the examples, in pixels. */
  readonly size: number;
  readonly fit: Fit;
}

/** Decoded pictures that one maker of batches keeps: enough for about 3,000 small photographs. */
const keptBytes = 2 ** 30;

/**
 * Makes batches in this thread. The batch of a step depends on the configuration and on the step's number only.
 *
 * @throws {UsageError} when the mix asks for what the sources do not have.
 */
export function batchMaker(config: BatchConfig): (step: number) => Promise<Batch> {
  const draw = exampleDrawer(config, new Pictures(keptBytes));
  const random = new Random(config.seed);
  return async step => {
    const examples = [];
    for (let i = 0; i < config.batchSize; i++)
      examples.push(await draw(random.fork(`batch/${step}/${i}`), config.size, config.fit));
    return {
      image: toTensor(examples.map(({ image }) => image)),
      mask: masksToTensor(examples.map(({ mask }) => mask)),
    };
  };
}
