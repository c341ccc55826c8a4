import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor } from '@forgelens/autograd';
import { readSafetensors, writeSafetensors } from '@forgelens/autograd';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { decodeImage } from '@forgelens/imaging';
import { bindWeights, createNetwork, readCheckpoint } from '@forgelens/models';
import { initialize } from '@forgelens/nn';
import { readDataset } from '@forgelens/data';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TrainConfig, TrainOptions } from './index.ts';
import { RunFolder, countTrained, measureStep, openData, openWeights, planData, readViews, train } from './index.ts';
import { writePictures } from './testing/pictures.ts';
import { madeUpData, tinyConfig, tinyRun } from './testing/tiny-run.ts';

let root: string;
let index: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'forgelens-train-'));
  index = await writePictures(join(root, 'pictures'));
});
afterAll(() => rm(root, { recursive: true }));

let folder: string;
let runs = 0;
beforeEach(() => void (folder = join(root, `run${runs++}`)));

const short = (changes: object = {}): TrainConfig => tinyConfig({ steps: 8, ...changes });

/** Trains on the written pictures. */
async function trainOnPictures(config: TrainConfig, options: Partial<TrainOptions> = {}) {
  const run = new RunFolder(folder);
  if (!options.resume) run.create();
  const data = openData(await planData(config), config);
  const network = createNetwork(config.model);
  try {
    return await train(config, { network, runtime: nodeCpu({ threads: 1 }), data, folder: run, ...options });
  } finally {
    await data.close();
  }
}

const onPictures = (changes: object = {}): TrainConfig =>
  tinyConfig({
    steps: 60,
    clip: null,
    data: { index, mix: { authentic: 1 }, fit: 'resize', augment: false },
    validation: { on: 'training', every: 20, images: 10 },
    checkpoint: { every: 20 },
    ...changes,
  });

test('what was set aside is listed, whole, as a data set to choose on', async () => {
  const changes = {
    validation: { fraction: 0.3, images: 1, every: 2 },
    steps: 2,
    data: { index, mix: { authentic: 1 } },
  };
  await trainOnPictures(onPictures(changes));
  const all = await readDataset(index);
  const listed = await readDataset(join(folder, 'held-out.jsonl'));
  expect(listed.length).toBe(Math.floor(0.3 * all.length));
  const { heldOut, train: learned } = await planData(onPictures(changes));
  expect(listed.map(({ image, mask, label }) => ({ image, mask, label }))).toEqual(
    heldOut.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ image, mask, label }) => ({ image, mask, label })),
  );
  expect(learned.length + listed.length).toBe(all.length);
});

test('it learns, keeps the best weights, shows a few pictures, and says in run.json how it went', async () => {
  const result = await trainOnPictures(onPictures());
  expect(result).toMatchObject({ step: 60, why: 'finished' });
  expect(result.best!.f1).toBeGreaterThan(0.8);
  expect((await readdir(folder)).sort()).toEqual([
    'best.safetensors',
    'checkpoint-40.safetensors',
    'checkpoint-60.safetensors',
    'metrics.jsonl',
    'run.json',
    'samples',
    'weights.safetensors',
  ]);

  const run = new RunFolder(folder);
  const validations = (await run.readMetrics()).filter(({ kind }) => kind === 'validation');
  expect(validations).toHaveLength(3);
  expect(validations.at(-1)).toMatchObject({ step: 60, tamperedImages: 6, authenticImages: 4 });
  expect(await run.readRun()).toMatchObject({
    parameters: 1761,
    data: { counts: { trainTampered: 6, trainAuthentic: 4, validationTampered: 6 } },
    ended: { step: 60, why: 'finished' },
  });

  const views = await readViews(run);
  expect(views).toHaveLength(4);
  for (const { picture, truth, maps } of views) {
    expect(maps.map(({ step }) => step)).toEqual([20, 40, 60]);
    const sizes = await Promise.all(
      [picture, truth, ...maps.map(({ map }) => map)].map(bytes => decodeImage(bytes, '')),
    );
    expect(sizes.every(({ width, height }) => width === 48 && height === 40)).toBe(true);
  }
  expect((await decodeImage(views[0]!.truth, '')).data.includes(255)).toBe(true);
  expect((await decodeImage(views[3]!.truth, '')).data.includes(255)).toBe(false);

  const path = join(folder, 'best.safetensors');
  const { weights, model, metadata } = readCheckpoint(await readFile(path), path);
  expect(model).toEqual({ id: 'unet', widths: [4, 8] });
  expect(Number(metadata['validationF1'])).toBe(result.best!.f1);
  expect(bindWeights(createNetwork(model!), weights).size).toBe(Object.keys(weights).length);
});

test('it ends early when the validation F1 is good enough', async () => {
  const validation = { on: 'training', every: 10, images: 10, stopAbove: 0.3 };
  expect(await trainOnPictures(onPictures({ validation }))).toMatchObject({ why: 'stopAbove' });
});

test('it ends early when the validation F1 no longer rises', async () => {
  const validation = { on: 'training', every: 1, images: 4, patience: 2 };
  const optimizer = { name: 'sgd', learningRate: 1e-12 };
  const result = await trainOnPictures(onPictures({ validation, optimizer, schedule: undefined }));
  expect(result.why).toBe('patience');
  expect(result.step - result.best!.step).toBe(2);
});

test('samples set aside are not trained on, and the moving average is what is measured and kept', async () => {
  const config = onPictures({ steps: 4, ema: 0.5, validation: { fraction: 0.4, every: 4 } });
  const plan = await planData(config);
  expect(plan.validation.map(({ id }) => id).filter(id => plan.train.some(sample => sample.id === id))).toEqual([]);
  expect(plan.record.counts).toMatchObject({ trainTampered: 4, validationTampered: 2 });

  await trainOnPictures(config);
  const state = readSafetensors(await readFile(join(folder, 'checkpoint-4.safetensors'))).tensors;
  const used = readSafetensors(await readFile(join(folder, 'weights.safetensors'))).tensors;
  expect(used.get('head.weight')).toEqual(state.get('ema.head.weight'));
  expect(used.get('head.weight')).not.toEqual(state.get('head.weight'));
  expect([...used.keys()].filter(name => /^(ema|adamw)\./.test(name))).toEqual([]);
});

test('a checkpoint that was cut off is skipped with a notice, and the one before it is gone on from', async () => {
  await tinyRun(folder, short());
  const expected = await new RunFolder(folder).readMetrics();
  await truncate(join(folder, 'checkpoint-8.safetensors'), 20_000);
  await writeFile(join(folder, '.writing-checkpoint-9.safetensors'), 'half');

  const notices: string[] = [];
  await tinyRun(folder, short(), { resume: true, onNotice: text => notices.push(text) });
  expect(notices).toEqual([
    expect.stringMatching(/^skipped a checkpoint that is not whole: .*checkpoint-8.safetensors: is cut off: /),
  ]);
  expect(existsSync(join(folder, '.writing-checkpoint-9.safetensors'))).toBe(false);
  const losses = (records: readonly object[]) =>
    records.map(record => ({ ...record, imagesPerSecond: 0, waitedSeconds: 0 }));
  expect(losses(await new RunFolder(folder).readMetrics())).toEqual(losses(expected));
});

test('when it is stopped, the step is finished and saved, and it can go on', async () => {
  const abort = new AbortController();
  const stopped = await tinyRun(folder, short(), {
    signal: abort.signal,
    onRecord: ({ step }) => void (step === 5 && abort.abort()),
  });
  expect(stopped).toMatchObject({ step: 5, why: 'interrupted' });
  expect(existsSync(join(folder, 'checkpoint-5.safetensors'))).toBe(true);
  expect(await new RunFolder(folder).readRun()).toMatchObject({ ended: { step: 5, why: 'interrupted' } });
  expect(await tinyRun(folder, short(), { resume: true })).toMatchObject({ step: 8, why: 'finished' });
});

test('with accumulated gradients it goes on after an interruption as if there had been none, to the last bit', async () => {
  const config = short({ accumulate: 3 });
  await tinyRun(folder, config);
  const cut = join(root, 'cut');
  const abort = new AbortController();
  await tinyRun(cut, config, { signal: abort.signal, onRecord: ({ step }) => void (step === 4 && abort.abort()) });
  expect(await tinyRun(cut, config, { resume: true })).toMatchObject({ step: 8, why: 'finished' });
  const last = async (path: string) => readSafetensors(await readFile(join(path, 'checkpoint-8.safetensors')));
  expect(await last(cut)).toEqual(await last(folder));
});

test('a loss that is no number ends it with one sentence, and the last good checkpoint stays', async () => {
  const config = short();
  const data = madeUpData(config);
  const poisoned: typeof data = {
    ...data,
    async batch(step) {
      const batch = await data.batch(step);
      if (step === 4) batch.image.data.fill(NaN);
      return batch;
    },
  };
  await expect(tinyRun(folder, config, { data: poisoned })).rejects.toThrow(
    `training diverged: after step 5 the loss is NaN; the last good state is ${join(folder, 'checkpoint-3.safetensors')}; ` +
      'lower optimizer.learningRate, lengthen schedule.warmup or set clip',
  );
  expect((await readdir(folder)).filter(name => name.startsWith('checkpoint'))).toEqual(['checkpoint-3.safetensors']);
  expect(await new RunFolder(folder).readRun()).toMatchObject({ ended: { step: 5, why: 'failed' } });
});

test('losses that rise for good end it with one sentence', async () => {
  const config = short({
    ...{ model: { id: 'unet', widths: [2] }, steps: 300, batch: 1, size: 4, clip: null, ema: null },
    ...{ checkpoint: { every: 1000 }, optimizer: { name: 'sgd', learningRate: 1e-12 } },
  });
  const data = madeUpData(config);
  const worse: typeof data = {
    ...data,
    async batch(step) {
      const batch = await data.batch(step);
      // As if the weights had exploded: far off what the network says.
      if (step >= 100) batch.mask.data.fill(1000);
      return batch;
    },
  };
  await expect(tinyRun(folder, config, { data: worse })).rejects.toThrow(
    /^training diverged: after step 200 the losses of the last 100 steps have the median [\d.]+, that of the first was 0\.\d+; nothing was saved yet; lower/,
  );
});

test('weights that are no numbers are never saved', async () => {
  const config = short({ optimizer: { name: 'sgd', learningRate: 1e38 }, clip: null, ema: null, schedule: undefined });
  await expect(tinyRun(folder, { ...config, checkpoint: { every: 1 } })).rejects.toThrow(
    /training diverged: after step \d/,
  );
  for (const name of (await readdir(folder)).filter(name => name.startsWith('checkpoint')))
    for (const { data } of readSafetensors(await readFile(join(folder, name))).tensors.values())
      expect([...(data as Float32Array)].every(Number.isFinite)).toBe(true);
});

describe('what goes wrong with files is said in one sentence', () => {
  test('a picture that vanishes', async () => {
    const mine = await writePictures(join(root, 'vanishing'));
    const config = onPictures({ data: { index: mine, fit: 'resize', augment: false } });
    const plan = await planData(config);
    await rm(plan.train[0]!.image);
    const data = openData(plan, config);
    await expect(tinyRun(folder, config, { data })).rejects.toThrow(
      `${plan.train[0]!.image}: no such file; nothing was saved yet`,
    );
  });

  test('a picture that vanishes in the middle, where the last checkpoint stays', async () => {
    const mine = await writePictures(join(root, 'vanishing later'), { tampered: 12, authentic: 0 });
    const config = onPictures({ steps: 40, data: { index: mine, fit: 'crop', workers: 1 }, checkpoint: { every: 2 } });
    const { train: samples } = await planData(config);
    // What was read is kept in memory, and validation reads it anew.
    const vanish = () => Promise.all(samples.map(({ image }) => rm(image)));
    const failed = trainOnPictures(config, {
      onRecord: async ({ kind, step }) => void (kind === 'step' && step === 5 && (await vanish())),
    });
    await expect(failed).rejects.toThrow(
      /photo\d+\.png: no such file; the last good state is .*checkpoint-\d+\.safetensors$/,
    );
    const notices: string[] = [];
    const resumed = await new RunFolder(folder).lastCheckpoint(config, text => notices.push(text));
    expect(notices).toEqual([]);
    expect(resumed!.step).toBeGreaterThanOrEqual(4);
  });

  // What is written to /dev/full meets a full disk.
  describe.skipIf(!existsSync('/dev/full'))('a full disk', () => {
    test('when a checkpoint is written', async () => {
      const fill = ({ step }: { step: number }) =>
        step === 6 ? symlink('/dev/full', join(folder, '.writing-checkpoint-6.safetensors')) : undefined;
      await expect(tinyRun(folder, short(), { onRecord: fill })).rejects.toThrow(
        `${join(folder, 'checkpoint-6.safetensors')}: cannot be written: no space is left on the disk; ` +
          `the last good state is ${join(folder, 'checkpoint-3.safetensors')}`,
      );
      expect((await readdir(folder)).filter(name => /checkpoint/.test(name))).toEqual(['checkpoint-3.safetensors']);
      expect(await new RunFolder(folder).readRun()).toMatchObject({ ended: { step: 6, why: 'failed' } });
      expect(await tinyRun(folder, short(), { resume: true })).toMatchObject({ step: 8, why: 'finished' });
    });

    test('when the metrics are written', async () => {
      await mkdir(folder);
      await symlink('/dev/full', join(folder, 'metrics.jsonl'));
      await expect(tinyRun(folder, short())).rejects.toThrow(
        `${join(folder, 'metrics.jsonl')}: cannot be written: no space is left on the disk; nothing was saved yet`,
      );
    });
  });

  test('a folder that vanishes before a checkpoint is written', async () => {
    const config = short({ checkpoint: { every: 2 } });
    const data = madeUpData(config);
    const vanishing: typeof data = {
      ...data,
      async batch(step) {
        if (step === 1) await rm(folder, { recursive: true });
        return data.batch(step);
      },
    };
    await expect(tinyRun(folder, config, { data: vanishing })).rejects.toThrow(
      'checkpoint-2.safetensors: cannot be written: its folder is gone',
    );
  });

  test('a folder that holds a training already', async () => {
    await tinyRun(folder, short({ steps: 1 }));
    await expect(tinyRun(folder, short())).rejects.toThrow(
      `${folder}: holds a training already; go on with --resume ${folder}, or choose another --out`,
    );
  });

  test('going on where there is no training', async () => {
    await expect(new RunFolder(folder).readRun()).rejects.toThrow(
      `${folder}: holds no run.json; --resume needs the folder of a training`,
    );
  });

  test('going on with another configuration', async () => {
    await tinyRun(folder, short());
    await expect(tinyRun(folder, short({ seed: 2 }), { resume: true })).rejects.toThrow(
      'checkpoint-8.safetensors: belongs to another configuration than run.json; was run.json edited?',
    );
  });

  test('going on from a checkpoint that lacks a part', async () => {
    await tinyRun(folder, short());
    const path = join(folder, 'checkpoint-8.safetensors');
    const { tensors, metadata } = readSafetensors(await readFile(path));
    const lacking = 'adamw.m.head.weight';
    const rest = [...tensors].filter(([name]) => name !== lacking);
    expect(rest).toHaveLength(tensors.size - 1);
    await writeFile(path, writeSafetensors(Object.fromEntries(rest), metadata));
    await expect(tinyRun(folder, short(), { resume: true })).rejects.toThrow(
      `checkpoint-8.safetensors: holds no "${lacking}", without which it cannot go on`,
    );
  });

  test('going on with other samples', async () => {
    await tinyRun(folder, short());
    const data = { ...madeUpData(short()), record: { counts: {}, manifestSha256: 'another' } };
    await expect(tinyRun(folder, short(), { resume: true, data })).rejects.toThrow(
      `made up: lists other samples than when the training in ${folder} began`,
    );
  });

  test('nothing to train on', async () => {
    await expect(planData(onPictures({ data: { index, sets: ['none'] } }))).rejects.toThrow(
      `${index}: nothing is left to train on with split "any", sets none and this mix`,
    );
  });

  test('weights to start from that do not fit', async () => {
    await tinyRun(folder, short({ steps: 1 }));
    const path = join(folder, 'weights.safetensors');
    await expect(openWeights(createNetwork({ id: 'unet', widths: [4, 4] }), path)).rejects.toThrow(
      /weights.safetensors: \d+ names do not fit the network's 32: encoder.1.conv1.weight is float32 \[8,4,3,3\], not float32 \[4,4,3,3\]/,
    );
    await expect(openWeights(createNetwork({ id: 'unet' }), join(folder, 'none'))).rejects.toThrow(
      'none: cannot be read; is it the path of a checkpoint?',
    );
  });
});

test('the weights of a training begin another one', async () => {
  await tinyRun(folder, short());
  const config = short();
  const network = createNetwork(config.model);
  const weights = await openWeights(network, join(folder, 'checkpoint-8.safetensors'));
  const losses: number[] = [];
  folder = join(root, 'another');
  await tinyRun(folder, config, { network, weights, onRecord: r => void (r.kind === 'step' && losses.push(r.loss)) });
  const [first] = await new RunFolder(join(root, `run${runs - 1}`)).readMetrics();
  expect(losses[0]).toBeLessThan((first as { loss: number }).loss);
});

test('a fresh part starts at random although weights are given, and must be a part', async () => {
  const config = short({ steps: 1 });
  await tinyRun(folder, config);
  const path = join(folder, 'weights.safetensors');
  const network = createNetwork(config.model);
  const random = initialize(network, 7);
  const [all, some] = [
    await openWeights(network, path),
    await openWeights(network, path, { fresh: ['head'], seed: 7 }),
  ];
  expect(some['encoder.0.conv1.weight']).toEqual(all['encoder.0.conv1.weight']);
  expect(some['head.weight']).toEqual(random['head.weight']);
  expect(some['head.weight']).not.toEqual(all['head.weight']);
  await expect(openWeights(network, path, { fresh: ['tail'] })).rejects.toThrow(
    'fresh: the network has no part "tail" (parts: encoder, decoder, head)',
  );
});

test('batches of plain samples are functions of the step, and each sample comes once in an epoch', async () => {
  const config = onPictures({ batch: 5, data: { index, mix: { authentic: 1 }, augment: false } });
  const plan = await planData(config);
  const [one, another] = [openData(plan, config), openData(plan, config)];
  const later = await one.batch(3);
  expect(later.image.shape).toEqual([5, 3, 32, 32]);
  expect(await another.batch(3)).toEqual(later);
  const rows = ({ data }: Tensor) => Array.from({ length: 5 }, (_, i) => data.slice(i * 3072, (i + 1) * 3072).join());
  const epoch = [...rows((await one.batch(0)).image), ...rows((await one.batch(1)).image)];
  expect(new Set(epoch).size).toBe(10);
});

test('a step can be measured without training', async () => {
  const config = short();
  const cost = await measureStep(createNetwork(config.model), config, nodeCpu({ threads: 1 }), madeUpData(config));
  expect(cost.seconds).toBeGreaterThan(0);
  // Weights, two means of Adam and the average; buffers and the count of steps.
  expect(cost.stateBytes).toBe(4 * (4 * 1761 + 64 + 1));
  expect(cost.activationBytes).toBeGreaterThan(4 * 2 * 3 * 32 * 32);
  expect(cost.processBytes).toBeGreaterThan(cost.stateBytes + cost.activationBytes);
});

test('trained and frozen numbers are counted by parts', () => {
  const network = createNetwork({ id: 'unet', widths: [4, 8] });
  const still = { learningRateFactor: 0 };
  expect(countTrained(network, {})).toEqual({ trained: 1761, frozen: 0 });
  const parts = { encoder: still, 'encoder.0': { learningRateFactor: 1 } };
  const { trained, frozen } = countTrained(network, { parts });
  // The second stage of the encoder: 3×3 convolutions 4 → 8 and 8 → 8, each with a norm.
  expect(frozen).toBe(9 * (4 * 8 + 8 * 8) + 2 * 16);
  expect(trained).toBe(1761 - frozen);
});
