import { Random } from '@forgelens/autograd';
import { jpegRecompress } from '@forgelens/imaging';
import { crop, filledImage, flipHorizontal, gaussianNoise, rotate90 } from '@forgelens/imaging/pixels';
import type { Image } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import { copyMove } from './copy-move.ts';
import { paste, subjectOf, texture } from './testing.ts';

/** Lays a disc of a picture elsewhere, turned by degrees and scaled. Between pixels linearly. */
function layTurned(
  image: Image,
  from: { x: number; y: number; radius: number },
  to: { x: number; y: number },
  turn: number,
  scale: number,
): Image {
  const data = Uint8Array.from(image.data);
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180) / scale, Math.sin((turn * Math.PI) / 180) / scale];
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++) {
      const [u, v] = [cos * (x - to.x) + sin * (y - to.y), cos * (y - to.y) - sin * (x - to.x)];
      if (Math.hypot(u, v) > from.radius) continue;
      const [left, top] = [Math.floor(from.x + u), Math.floor(from.y + v)];
      const [fx, fy] = [from.x + u - left, from.y + v - top];
      const at = (across: number, down: number, c: number) =>
        image.data[3 * ((top + down) * image.width + left + across) + c]!;
      for (let c = 0; c < 3; c++)
        data[3 * (y * image.width + x) + c] =
          (1 - fy) * ((1 - fx) * at(0, 0, c) + fx * at(1, 0, c)) + fy * ((1 - fx) * at(0, 1, c) + fx * at(1, 1, c));
    }
  return { ...image, data };
}

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
  expect(similarity).toBeGreaterThan(0.95);
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

test.each([
  ['turned by 20°', 20, 1],
  ['turned by 70° and saved larger', 70, 1.1],
  ['scaled by 1.2', 0, 1.2],
])('a copy that was %s is told with its turn and scale', async (_, turn, scale) => {
  const forged = layTurned(wall, { x: 46, y: 46, radius: 32 }, { x: 140, y: 104 }, turn, scale);
  const { pairs } = await copyMove.find(subjectOf(forged));
  expect(pairs).toHaveLength(1);
  const [pair] = pairs!;
  // Which of the two places is the copy cannot be told.
  const isCopy = pair!.a.left > pair!.b.left;
  expect(isCopy ? pair!.scale : 1 / pair!.scale).toBeCloseTo(1 / scale, 1);
  expect(Math.abs(Math.abs(pair!.rotation) - turn)).toBeLessThan(3);
  expect(pair!.mirrored).toBe(false);
});

test('two edges that are alike are no copies', async () => {
  const wave = filledImage(192, 160);
  const noise = texture(192, 160, 9);
  for (let i = 0; i < wave.data.length; i++) {
    const x = Math.floor(i / 3) % 192;
    const edge = 80 / (1 + Math.exp(-(x - 48))) + 80 / (1 + Math.exp(-(x - 144)));
    wave.data[i] = 40 + edge + (noise.data[i]! - 128) / 32;
  }
  expect((await copyMove.find(subjectOf(wave))).outcome).toBe('quiet');
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
