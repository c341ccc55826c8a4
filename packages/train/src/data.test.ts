import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sample } from '@forgelens/data';
import { foldsByGroup, readDataset } from '@forgelens/data';
import { resizeImage, toTensor } from '@forgelens/imaging';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openData, planData } from './data.ts';
import { readPair } from './pairs.ts';
import { writePictures } from './testing/pictures.ts';
import { tinyConfig } from './testing/tiny-run.ts';

let root: string;
let index: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'forgelens-train-'));
  index = await writePictures(join(root, 'pictures'), { tampered: 10, authentic: 5 });
});
afterAll(() => rm(root, { recursive: true }));

const holdingOut = (fold: object, mix: object = { tampered: 1, authentic: 1 }) =>
  tinyConfig({ data: { index, mix }, validation: { fold } });

test('a fold is set aside, and the folds together are all samples, each once', async () => {
  const plans = await Promise.all([1, 2, 3, 4, 5].map(number => planData(holdingOut({ number }))));
  const ids = (samples: readonly { id: string }[]) => samples.map(({ id }) => id).toSorted();
  const all = await readDataset(index);
  expect(ids(plans.flatMap(({ validation }) => validation))).toEqual(ids(all));
  for (const { train, validation, record } of plans) {
    expect(ids([...train, ...validation])).toEqual(ids(all));
    expect(record.counts).toMatchObject({ trainTampered: 8, validationTampered: 2, validationAuthentic: 1 });
  }
  const folds = foldsByGroup(all, { folds: 5, seed: 1 });
  expect(plans.map(({ validation }) => ids(validation))).toEqual(folds.map(ids));
});

test('a fold is the same for every mix and seed of a training', async () => {
  const both = await planData(holdingOut({ number: 2, of: 3 }));
  const tampered = await planData({ ...holdingOut({ number: 2, of: 3 }, { tampered: 1 }), seed: 7 });
  const ids = (samples: readonly { id: string; label: number }[]) =>
    samples.flatMap(({ id, label }) => (label === 1 ? [id] : [])).toSorted();
  expect(ids(tampered.validation)).toEqual(ids(both.validation));
  expect(tampered.record.counts).toMatchObject({ trainAuthentic: 0, validationAuthentic: 0 });
});

test('sets with weights come as often as these say, whatever their sizes, and batches stay functions of the step', async () => {
  const text = await readFile(index, 'utf8');
  // One picture is a set of its own.
  const two = join(root, 'pictures', 'two-sets.csv');
  await writeFile(two, text.replace('made_up,photo0.png', 'single,photo0.png'));
  const config = tinyConfig({
    ...{ batch: 100, size: 8, validation: { on: 'training' } },
    data: { index: two, fit: 'resize', augment: false, sets: { single: 1, made_up: 3 } },
  });
  const plan = await planData(config);
  const single = await imageOf(plan.train.filter(({ set }) => set === 'single'));
  const [data, again] = [openData(plan, config), openData(plan, config)];
  const { image } = await data.batch(3);
  expect((await again.batch(3)).image).toEqual(image);
  const values = 3 * 8 * 8;
  const rows = Array.from({ length: 100 }, (_, i) => image.data.slice(i * values, (i + 1) * values).join());
  const share = rows.filter(row => row === single).length;
  expect(share).toBeGreaterThan(15);
  expect(share).toBeLessThan(35);

  await expect(planData({ ...config, data: { ...config.data, sets: { made_up: 1, misspelt: 1 } } })).rejects.toThrow(
    `${two}: data.sets gives "misspelt" a weight, but nothing is of this set`,
  );
});

test('of the photographs as many are set aside as of the samples: they are authentic, and no forgery is made of them', async () => {
  const text = await readFile(index, 'utf8');
  const folder = join(root, 'pictures');
  const names = Array.from({ length: 10 }, (_, i) => `natural${i}.png`);
  for (const name of names) await copyFile(join(folder, 'photo0.png'), join(folder, name));
  const rows = text.trimEnd().split('\n');
  const natural = names.map(name => `train,photographs,${name},photo0-mask.png,object mask,48,40`);
  const withMaterial = join(folder, 'with-material.csv');
  await writeFile(
    withMaterial,
    [`${rows[0]},width,height`, ...rows.slice(1).map(r => `${r},48,40`), ...natural].join('\n'),
  );

  const data = { index: withMaterial, mix: { tampered: 1, authentic: 1, pristine: 1 }, augment: true };
  const { train, validation, material, record } = await planData(tinyConfig({ data, validation: { fraction: 0.2 } }));
  const untouched = validation.filter(({ set }) => set === 'photographs');
  expect(untouched).toHaveLength(2);
  expect(untouched.every(({ label, mask }) => label === 0 && mask === null)).toBe(true);
  expect([...material, ...untouched].map(({ id }) => id).toSorted()).toEqual(names);
  expect(record.counts).toMatchObject({ trainTampered: train.filter(({ label }) => label === 1).length, material: 8 });

  const onTraining = await planData(tinyConfig({ data, validation: { on: 'training' } }));
  expect(onTraining.material).toHaveLength(10);
});

/** The first of samples as a batch has it. */
async function imageOf([sample]: readonly Sample[]): Promise<string> {
  const { image } = await readPair(sample!);
  return toTensor([resizeImage(image, 8, 8)]).data.join();
}

test('a fold that there is not is refused', async () => {
  expect(() => holdingOut({ number: 6 })).toThrow(
    'tiny: validation.fold.number: must be at most the number of folds, but it is 6',
  );
  await expect(planData(holdingOut({ number: 1, of: 16 }))).rejects.toThrow(
    '16 folds need 16 groups of samples with sources of their own, but there are 15 (of 15 samples); ask for fewer folds',
  );
});
