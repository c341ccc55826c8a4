import type { Tensor } from '@forgelens/autograd';
import { Random, build, input } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { jpegRecompress } from '@forgelens/imaging';
import { crop, filledImage, gaussianNoise, toTensor, type Image } from '@forgelens/imaging/pixels';
import { cdflPatterns } from '@forgelens/models';
import { expect, test } from 'vitest';
import { errorLevel } from './error-level.ts';
import type { EvidenceMap } from './evidence.ts';
import { noiseResidual } from './noise-residual.ts';
import { balanced, balancedResidual, periodicity, pixelPatterns, randomness } from './pixel-patterns.ts';
import { paste, subjectOf, texture } from './testing.ts';

/** The mean of a map inside and outside a rectangle given in px of a picture `size` wide and high. */
function contrast({ width, height, values }: EvidenceMap, size: number, left: number, top: number, side: number) {
  const sums = [0, 0];
  const counts = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [(((i % width) + 0.5) * size) / width, ((Math.floor(i / width) + 0.5) * size) / height];
    const inside = x > left && x < left + side && y > top && y < top + side ? 0 : 1;
    sums[inside]! += values[i]!;
    counts[inside]!++;
  }
  return { inside: sums[0]! / counts[0]!, outside: sums[1]! / counts[1]! };
}

test('error levels are higher in what was never saved than in what was, of the same texture', async () => {
  const photo = texture(160, 160, 1);
  const forged = paste(await jpegRecompress(photo, 95), crop(texture(160, 160, 2), 0, 0, 64, 64), 48, 48);
  const { outcome, map, summary } = await errorLevel.find(subjectOf(forged));
  const { inside, outside } = contrast(map!, 160, 48, 48, 64);
  expect(outcome).toBe('shown');
  expect(inside).toBeGreaterThan(2 * outside);
  expect(summary).toMatch(
    /^Saved once more as JPEG of quality 95, a pixel changes by \d\.\d levels of 0–255 on average\.$/,
  );
});

test('the noise residual measures the noise that was planted, in levels', async () => {
  const grey = filledImage(128, 128, [120, 120, 120]);
  const forged = paste(
    gaussianNoise(grey, 2, new Random(1)),
    gaussianNoise(crop(grey, 0, 0, 64, 64), 6, new Random(2)),
    32,
    32,
  );
  const { map } = await noiseResidual.find(subjectOf(forged));
  const { inside, outside } = contrast(map!, 128, 32, 32, 64);
  // Luma of independent channels has 0.668 of their deviation; the map's 1 is 8 levels.
  expect(inside * 8).toBeCloseTo(6 * 0.668, 0);
  expect(outside * 8).toBeCloseTo(2 * 0.668, 0);
});

test('randomness and periodicity are those of CDFL’s graph, away from the border', async () => {
  const photo = texture(64, 48, 3);
  const image = input('float32', [1, 3, 48, 64]);
  const features = input('float32', [1, 1, 6, 8]);
  const patterns = cdflPatterns(image, features, 'paper');
  const graph = build({
    inputs: { image },
    outputs: { random: patterns.randomness, periodic: patterns.periodicity },
  });
  const expected = await runOnce(nodeCpu({ threads: 1 }), graph, { image: toTensor([photo]) });
  const found = pixelPatterns(photo);
  expect([found.columns, found.rows]).toEqual([8, 6]);
  for (let y = 1; y < 5; y++)
    for (let x = 1; x < 7; x++) {
      expect(found.randomness[8 * y + x]).toBeCloseTo((expected['random'] as Tensor<'float32'>).data[8 * y + x]!, 4);
      expect(found.periodicity[8 * y + x]).toBeCloseTo((expected['periodic'] as Tensor<'float32'>).data[8 * y + x]!, 4);
    }
});

/** Bars of 4 px: one wave. */
function bars(side: number): Image {
  const image = filledImage(side, side);
  for (let i = 0; i < image.data.length; i++) image.data[i] = Math.floor(i / 3) % 4 < 2 ? 80 : 160;
  return image;
}

test('bars are periodic, and stand out from a texture in the balanced residual', async () => {
  const forged = paste(texture(256, 256, 4), bars(48), 96, 96);
  const periodic = contrast((await periodicity.find(subjectOf(forged))).map!, 256, 104, 104, 32);
  expect(periodic.inside).toBeGreaterThan(0.9);
  expect(periodic.outside).toBeLessThan(0.6);
  const residual = contrast((await balanced.find(subjectOf(forged))).map!, 256, 104, 104, 32);
  expect(residual.inside).toBeGreaterThan(0.5);
  expect(residual.outside).toBeLessThan(0.05);
});

test('one colour has no randomness, noise has much', async () => {
  const forged = paste(texture(128, 128, 5), filledImage(64, 64, [200, 0, 0]), 32, 32);
  const { inside, outside } = contrast((await randomness.find(subjectOf(forged))).map!, 128, 44, 44, 40);
  expect(inside).toBe(0);
  expect(outside).toBeGreaterThan(0.7);
});

test('where all windows are alike the balanced residual is 0', () => {
  expect(Math.max(...balancedResidual(pixelPatterns(filledImage(64, 64, [9, 9, 9]))))).toBe(0);
});

test.each([errorLevel, noiseResidual, randomness, periodicity, balanced])(
  '$id: no part of an untouched picture of one texture stands out',
  async ({ find }) => {
    const photo = await jpegRecompress(texture(160, 160, 6), 90);
    const { inside, outside } = contrast((await find(subjectOf(photo))).map!, 160, 48, 48, 64);
    expect(Math.abs(inside - outside)).toBeLessThan(0.05);
  },
);
