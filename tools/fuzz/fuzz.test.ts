import { Random } from '@forgelens/autograd';
import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { chunksOf, mutantOf, mutations } from './mutate.ts';
import { makeSeeds } from './seeds.ts';

test('no mutation of a picture crashes, hangs or faults the server', { timeout: 600_000 }, async () => {
  const indices = Array.from({ length: 100 }, (_, i) => i);
  const { statuses, failures, restarts } = await fuzz({ indices, seed: 7, workers: 2, maxJobMs: 120_000 });
  expect(failures.map(({ mutant, reason }) => `${mutant.label}: ${reason}`)).toEqual([]);
  expect(restarts).toBe(0);
  // Some are still pictures, most are not.
  expect(statuses['200']! + statuses['422']!).toBeGreaterThan(95);
});

test('mutations are the same for the same seed, of each kind, and change what they are given', async () => {
  const seeds = await makeSeeds();
  const many = Array.from({ length: 60 }, (_, i) => mutantOf(i, seeds, new Random(1)));
  expect(new Set(many.map(({ kind }) => kind))).toEqual(new Set(Object.keys(mutations)));
  expect(mutantOf(5, seeds, new Random(1)).bytes).toEqual(many[5]!.bytes);
  const originals = new Set(Array.from(seeds.values(), bytes => Buffer.from(bytes).toString('base64')));
  const changed = many.filter(({ bytes }) => !originals.has(Buffer.from(bytes).toString('base64')));
  expect(changed.length).toBeGreaterThan(50);
  for (const [name, bytes] of seeds)
    if (/\.(jpg|png|webp)$/.test(name)) expect(chunksOf(bytes).length).toBeGreaterThan(1);
});
