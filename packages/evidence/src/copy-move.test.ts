import { Random } from '@forgelens/autograd';
import { jpegRecompress } from '@forgelens/imaging';
import { crop, filledImage, flipHorizontal, gaussianNoise, rotate90 } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import { copyMove } from './copy-move.ts';
import { paste, subjectOf, texture } from './testing.ts';

const wall = texture(192, 160, 1);
const patch = crop(wall, 16, 20, 60, 60);

test('a copied patch is matched to its source, through noise and JPEG', async () => {
  const forged = paste(wall, patch, 112, 84);
  const saved = await jpegRecompress(gaussianNoise(forged, 2, new Random(3)), 85);
  const { outcome, pairs, map, summary } = await copyMove.find(subjectOf(saved));
  expect(outcome).toBe('notable');
  expect(pairs).toHaveLength(1);
  const [{ a, b, matches, similarity, scale, rotation, mirrored }] = pairs! as [(typeof pairs & object)[number]];
  expect([Math.abs(b.left - a.left), Math.abs(b.top - a.top)]).toEqual([96, 64]);
  for (const [from, to] of matches) {
    expect(Math.abs(Math.abs(to.x - from.x) - 96)).toBeLessThanOrEqual(1);
    expect(Math.abs(Math.abs(to.y - from.y) - 64)).toBeLessThanOrEqual(1);
  }
  expect(similarity).toBeGreaterThan(0.85);
  expect(scale).toBeCloseTo(1, 1);
  expect(rotation).toBeCloseTo(0, 0);
  expect(mirrored).toBe(false);
  expect(map!.values[50 * map!.width + 46]).toBe(map!.values[114 * map!.width + 142]);
  expect(map!.values[5 * map!.width + 5]).toBe(0);
  expect(summary).toMatch(/^Places that show the same: \d+×\d+ px at \(\d+, \d+\) and .*correlation 0\.\d+\.$/);
});

test.each([
  ['turned', rotate90(patch), 90, false],
  ['mirrored', flipHorizontal(patch), 0, true],
])('a %s copy is told with its turn', async (_, copy, turn, mirror) => {
  const { pairs } = await copyMove.find(subjectOf(paste(wall, copy, 112, 84)));
  expect(pairs).toHaveLength(1);
  expect(Math.abs(pairs![0]!.rotation)).toBeCloseTo(turn, 0);
  expect(pairs![0]!.mirrored).toBe(mirror);
});

test('what was not copied is quiet: a texture, one colour, a ramp', async () => {
  const ramp = filledImage(128, 128);
  for (let i = 0; i < ramp.data.length; i++) ramp.data[i] = (i / 3) % 128;
  for (const image of [wall, filledImage(128, 128, [90, 90, 90]), ramp])
    expect((await copyMove.find(subjectOf(image))).outcome).toBe('quiet');
});

test('a picture without room for two places is not examined', async () => {
  expect((await copyMove.find(subjectOf(filledImage(63, 900)))).summary).toBe(
    'The picture has 63×900 px; copies are looked for from 64×64 px on.',
  );
});
