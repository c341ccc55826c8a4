import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readImage, readMask, tamperedFraction } from '@forgelens/imaging';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Pictures } from '../pictures.ts';
import { readMaterial } from '../readers/index-file.ts';
import { readDataset } from '../readers/read-dataset.ts';
import type { Material } from '../sample.ts';
import { photograph, triangle, writeFiles } from '../testing.ts';
import { readForgerySet, writeForgerySet, type ForgerySetOptions } from './forgery-set.ts';
import { makeForgery } from './make-forgery.ts';
import { Photographs } from './photographs.ts';

let folder: string;
let material: Material[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forgelens-'));
  await writeFiles(folder, {
    'index.csv': [
      'split,set,image,mask,kind,width,height',
      'train,x,a.jpg,a.png,object mask,100,90',
      'train,x,b.jpg,b.png,object mask,96,104',
    ].join('\n'),
    'a.jpg': { image: photograph(3, 100, 90) },
    'b.jpg': { image: photograph(4, 96, 104) },
    'a.png': { mask: triangle(100, 90) },
    'b.png': { mask: triangle(96, 104) },
  });
  material = await readMaterial(join(folder, 'index.csv'));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (name: string): ForgerySetOptions => ({
  folder: join(folder, name),
  material,
  count: 8,
  seed: 5,
  size: 48,
  kinds: { splice: 2, 'copy-move': 1, removal: 1 },
  sources: true,
  workers: 2,
});

const contents = async (name: string): Promise<Record<string, string>> => {
  const all: Record<string, string> = {};
  for (const file of await readdir(join(folder, name), { recursive: true, withFileTypes: true }))
    if (file.isFile()) {
      const path = join(file.parentPath, file.name);
      all[path.slice(join(folder, name).length)] = (await readFile(path)).toString('base64');
    }
  return all;
};

test('a set is read as a data set, and each of its pictures is what its recipe makes', async () => {
  expect(await writeForgerySet(options('first'))).toEqual({ made: 8, found: 0, interrupted: false });
  const samples = await readDataset(join(folder, 'first'));
  expect(samples.filter(({ label }) => label === 1)).toHaveLength(8);
  expect(samples.filter(({ label }) => label === 0)).toHaveLength(8);

  const photographs = new Photographs(material, new Pictures(1e8));
  const made = await readForgerySet(join(folder, 'first'));
  for (const { image, mask, source, recipe, tamperedFraction: fraction } of made) {
    const again = await makeForgery(recipe, photographs);
    const pixels = async (name: string) => (await readImage(join(folder, 'first', name))).data;
    expect(await pixels(image)).toEqual(again.image.data);
    expect(await readMask(join(folder, 'first', mask))).toEqual(again.mask);
    expect(await pixels(source!)).toEqual((await makeForgery({ ...recipe, edits: [] }, photographs)).image.data);
    expect(tamperedFraction(again.mask)).toBe(fraction);
  }
});

test('a stopped run goes on, one thread makes what two make, and recipes make it again', async () => {
  const stop = new AbortController();
  const stopped = await writeForgerySet({
    ...options('second'),
    workers: 1,
    signal: stop.signal,
    onProgress: done => done === 3 && stop.abort(),
  });
  // The other one that was being made is finished.
  expect(stopped).toEqual({ made: 4, found: 0, interrupted: true });
  expect(await writeForgerySet({ ...options('second'), workers: 1 })).toEqual({
    made: 4,
    found: 4,
    interrupted: false,
  });
  const first = await contents('first');
  expect(await contents('second')).toEqual(first);

  const recipes = (await readForgerySet(join(folder, 'first'))).map(({ recipe }) => recipe);
  await writeForgerySet({ ...options('again'), workers: 1, recipes });
  const again = await contents('again');
  // Only the plan differs: it says that recipes were given.
  expect({ ...again, '/synthesis.json': '' }).toEqual({ ...first, '/synthesis.json': '' });
});

test('a folder with something else is refused', async () => {
  await expect(writeForgerySet({ ...options('first'), seed: 6, size: 64 })).rejects.toThrow(
    'holds forgeries with another seed, size; give the same, or choose another folder with --out',
  );
  await writeFiles(folder, { 'other/x.txt': 'x' });
  await expect(writeForgerySet(options('other'))).rejects.toThrow(
    'other is not empty and holds no synthesis.json; choose another folder with --out',
  );
  await expect(readForgerySet(join(folder, 'other'))).rejects.toThrow(
    'other: no set of forgeries: it has no folder "recipes"',
  );
  await writeFile(join(folder, 'first', 'recipes', '000001.json'), '{}');
  await expect(readForgerySet(join(folder, 'first'))).rejects.toThrow(
    "000001.json: not a forgery's record (image: Invalid input",
  );
});

test('what a thread cannot do is said by its error', async () => {
  const none = { ...material[0]!, objects: { kind: 'mask' as const, path: join(folder, 'gone.png') } };
  await writeFiles(folder, { 'gone.png': { mask: triangle(100, 90) } });
  const broken = { ...options('broken'), material: [none], kinds: { removal: 1 } };
  await writeFile(join(folder, 'gone.png'), 'no picture');
  await expect(writeForgerySet(broken)).rejects.toMatchObject({
    name: 'DataError',
    message: `${join(folder, 'gone.png')}: not a readable image (Input buffer contains unsupported image format)`,
  });
});
