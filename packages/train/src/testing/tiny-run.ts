/** A training small enough for tests, on made-up pictures; run as a program, it trains in the folder it is given. */
import { Random, Tensor } from '@forgelens/autograd';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { createNetwork } from '@forgelens/models';
import type { TrainConfig, TrainOptions, TrainResult, TrainingData } from '../index.ts';
import { RunFolder, checkConfig, train } from '../index.ts';

/** A U-Net of two resolutions, 80 steps, every helper of the training switched on. */
export const tinyConfig = (changes: object = {}): TrainConfig =>
  checkConfig(
    {
      model: { id: 'unet', widths: [4, 8] },
      steps: 80,
      batch: 2,
      size: 32,
      optimizer: { name: 'adamw', learningRate: 0.01 },
      schedule: { name: 'cosine' },
      clip: 1,
      ema: 0.9,
      data: { index: 'made up' },
      checkpoint: { every: 3 },
      ...changes,
    },
    'tiny',
  );

/** Noise, with a brighter square where it is tampered: a function of the step. */
export const madeUpData = ({ batch, size, seed }: TrainConfig): TrainingData => ({
  async batch(step) {
    const random = new Random(seed).fork(`batch/${step}`);
    const image = new Tensor('float32', [batch, 3, size, size]);
    const mask = new Tensor('float32', [batch, 1, size, size]);
    for (let n = 0; n < batch; n++) {
      const [left, top] = [random.integer(0, size / 2), random.integer(0, size / 2)];
      for (let y = 0; y < size; y++)
        for (let x = 0; x < size; x++) {
          const inside = x >= left && x < left + size / 2 && y >= top && y < top + size / 2;
          mask.data[(n * size + y) * size + x] = inside ? 1 : 0;
          for (let c = 0; c < 3; c++)
            image.data[((n * 3 + c) * size + y) * size + x] = random.uniform(0, 0.6) + (inside ? 0.4 : 0);
        }
    }
    return { image, mask };
  },
  close: () => Promise.resolve(),
  validation: [],
  heldOut: [],
  record: { counts: {}, manifestSha256: '' },
});

/** Trains in a folder, or goes on there. */
export async function tinyRun(
  path: string,
  config: TrainConfig,
  options: Partial<TrainOptions> = {},
): Promise<TrainResult> {
  const folder = new RunFolder(path);
  if (!options.resume) folder.create();
  const network = createNetwork(config.model);
  return train(config, { network, runtime: nodeCpu({ threads: 1 }), data: madeUpData(config), folder, ...options });
}

const [path, resume] = process.argv.slice(2);
if (process.argv[1]?.endsWith('tiny-run.ts') && path)
  await tinyRun(path, tinyConfig(), {
    resume: resume === 'resume',
    onRecord: ({ step }) => void process.stdout.write(`${step}\n`),
  });
