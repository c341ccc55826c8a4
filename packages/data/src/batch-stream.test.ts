import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { emptyMask } from '@forgelens/imaging';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { BatchStream } from './batch-stream.ts';
import { batchMaker, type BatchConfig } from './batch.ts';
import { Pictures } from './pictures.ts';
import { readMaterial } from './readers/index-file.ts';
import { readDataset } from './readers/read-dataset.ts';
import { photograph, triangle, writeFiles } from './testing.ts';

let folder: string;
let config: BatchConfig;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forgelens-'));
  const object = triangle(80, 72);
  await writeFiles(folder, {
    'index.csv': [
      'split,set,image,mask,kind,width,height,authentic,extra',
      'train,x,t.jpg,t.png,splice,80,72,,',
      'train,x,a.jpg,,authentic,80,72,,',
      'train,x,m.jpg,t.png,object mask,80,72,,',
      'train,x,s.jpg,,natural,80,72,,s.png',
      'train,x,p.jpg,,natural,80,72,,p.txt',
    ].join('\n'),
    't.jpg': { image: photograph(1, 80, 72) },
    'a.jpg': { image: photograph(2, 80, 72) },
    'm.jpg': { image: photograph(3, 80, 72) },
    's.jpg': { image: photograph(4, 80, 72) },
    'p.jpg': { image: photograph(5, 80, 72) },
    't.png': { mask: object },
    's.png': { mask: object },
    'p.txt': '0 0.3 0.3 0.7 0.3 0.7 0.7\n',
  });
  const index = join(folder, 'index.csv');
  config = {
    samples: await readDataset(index),
    material: await readMaterial(index),
    mix: { tampered: 1, authentic: 1, synthetic: 2, pristine: 1, pasted: 1 },
    seed: 7,
    batchSize: 3,
    size: 48,
    fit: 'crop',
  };
});
afterAll(() => rm(folder, { recursive: true }));

const only = (kind: keyof BatchConfig['mix']): BatchConfig => ({
  ...config,
  mix: { tampered: 0, authentic: 0, synthetic: 0, pristine: 0, pasted: 0, [kind]: 1 },
});

test('a batch has images in [0, 1] and masks of 0 and 1, and depends on its step', async () => {
  const make = batchMaker(config);
  const { image, mask } = await make(0);
  expect([image.shape, mask.shape]).toEqual([
    [3, 3, 48, 48],
    [3, 1, 48, 48],
  ]);
  expect(image.data.every(value => value >= 0 && value <= 1)).toBe(true);
  expect(mask.data.every(value => value === 0 || value === 1)).toBe(true);
  expect((await make(1)).image.data).not.toEqual(image.data);
});

test('masks are empty for authentic and pristine examples, and for them only', async () => {
  for (const kind of ['tampered', 'synthetic'] as const)
    expect((await batchMaker(only(kind))(0)).mask.data).toContain(1);
  for (const kind of ['authentic', 'pristine'] as const)
    expect((await batchMaker(only(kind))(0)).mask.data).not.toContain(1);
});

test('two threads give the batches that one would give here, in any order', async () => {
  const stream = new BatchStream({ ...config, workers: 2 });
  try {
    const [third, first] = await Promise.all([stream.batch(2), stream.batch(0), stream.batch(1)]);
    const here = batchMaker(config);
    expect(first).toEqual(await here(0));
    expect(third).toEqual(await here(2));
    expect(await stream.batch(2)).toEqual(third);
  } finally {
    await stream.close();
  }
  await expect(stream.batch(3)).rejects.toThrow('BatchStream: closed');
});

test('a picture that cannot be read is a DataError with its path, also from a thread', async () => {
  const broken = join(folder, 'broken.jpg');
  await writeFile(broken, 'no picture');
  const stream = new BatchStream({ ...only('authentic'), samples: [{ ...config.samples[1]!, image: broken }] });
  await expect(stream.batch(0)).rejects.toMatchObject({
    name: 'DataError',
    path: broken,
    message: `${broken}: not a readable image (Input buffer contains unsupported image format)`,
  });
  await stream.close();
});

test('a mix that the sources do not have is refused', () => {
  expect(() => new BatchStream({ ...only('tampered'), samples: [] })).toThrow(
    'the mix gives tampered examples a weight of 1 but there are no tampered samples; add some or set the weight to 0',
  );
  expect(() => new BatchStream({ ...only('synthetic'), material: [] })).toThrow(
    'the mix gives synthetic examples a weight of 1 but there are no photographs as material; add some or set the weight to 0',
  );
  expect(() =>
    batchMaker({ ...config, mix: { tampered: 0, authentic: 0, synthetic: 0, pristine: 0, pasted: 0 } }),
  ).toThrow('the mix has no weight above 0; give at least one of tampered, authentic, synthetic, pristine, pasted');
});

test('pictures are kept up to a limit', async () => {
  const pictures = new Pictures(80 * 72 * 3);
  const image = await pictures.image(join(folder, 't.jpg'));
  expect(await pictures.image(join(folder, 't.jpg'))).toBe(image);
  expect(await pictures.mask(join(folder, 't.png'))).not.toEqual(emptyMask(80, 72));
  expect(await pictures.image(join(folder, 't.jpg'))).not.toBe(image);
});
