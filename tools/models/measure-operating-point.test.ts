import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sample } from '@forgelens/data';
import { encodePng, filledImage } from '@forgelens/imaging';
import { seenWhole } from '@forgelens/localize';
import type { Localizer, ModelInfo } from '@forgelens/localize';
import { afterAll, expect, test } from 'vitest';
import { measureOperatingPoint, scoreReachedBy } from './measure-operating-point.ts';

const folder = mkdtempSync(join(tmpdir(), 'forgelens-operating-point-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The score of a picture of one grey is its level, 0–100, in hundredths. */
const localizer: Localizer = {
  info: {} as ModelInfo,
  locate: ({ data }) =>
    Promise.resolve({ width: 1, height: 1, probabilities: Float32Array.of(0), score: data[0]! / 100, seen: seenWhole }),
  close: () => Promise.resolve(),
};

async function sampleOf(level: number, label: 0 | 1, split: string | null = null): Promise<Sample> {
  const id = `${label}-${level}.png`;
  writeFileSync(join(folder, id), await encodePng(filledImage(1, 1, [level, level, level])));
  return { id, set: 'greys', split, image: join(folder, id), mask: null, label, group: id };
}

const samples = await Promise.all([
  ...Array.from({ length: 40 }, (_, i) => sampleOf(2 * i, 0)),
  ...[10, 74, 76, 90].map(level => sampleOf(level, 1)),
]);

test('at most the given fraction of authentic pictures reach the score, and it is said how many', async () => {
  const told: number[] = [];
  // Of 0, 2, …, 78 the highest two are 5 %.
  expect(await measureOperatingPoint(localizer, samples, 0.05, [], done => told.push(done))).toEqual({
    ...{ score: 0.76, falseAlarmRate: 0.05, sensitivity: 0.5, images: 40, sets: ['greys'], degradations: [] },
  });
  expect(told).toHaveLength(44);
});

test('each picture counts as it is and after each degradation', async () => {
  const brighter = await measureOperatingPoint(localizer, samples, 0.05, [[{ name: 'gamma', value: 2 }]]);
  // Of 80 scores four are 5 %: those of the darkest pictures are not among them.
  expect(brighter).toMatchObject({ images: 40, falseAlarmRate: 0.05, degradations: ['gamma=2'] });
  expect(brighter.score).toBeGreaterThan(0.76);
});

test('without tampered pictures there is no sensitivity', async () => {
  const authentic = samples.filter(({ label }) => label === 0);
  expect(await measureOperatingPoint(localizer, authentic, 0.1)).toMatchObject({ score: 0.72, sensitivity: null });
});

test('equal scores all reach the score or none does', () => {
  expect(scoreReachedBy([0.1, 0.5, 0.5, 0.5], 0.5)).toBeCloseTo(0.500001, 9);
  expect(scoreReachedBy([0.1, 0.5, 0.5, 0.9], 0.5)).toBe(0.9);
  expect(scoreReachedBy([0.1, 0.5, 0.5, 0.9], 0.75)).toBe(0.5);
});

test('too few authentic pictures, and those that results are reported on, are refused', async () => {
  await expect(measureOperatingPoint(localizer, samples.slice(0, 19), 0.05)).rejects.toThrow(
    'operating-point: 19 authentic pictures are too few for a false-alarm rate of 0.05; give at least 20',
  );
  await expect(measureOperatingPoint(localizer, [await sampleOf(3, 0, 'dev')], 0.05)).rejects.toThrow(
    'operating-point: 0-3.png is of the split "dev", which results are reported on; take pictures that were kept out of both training and reporting',
  );
});
