import { Random } from '@forgelens/autograd';
import { jpegRecompress } from '@forgelens/imaging';
import { crop, filledImage, flipHorizontal, gaussianNoise, rotate90, type Image } from '@forgelens/imaging/pixels';
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

/** `wall` with a round part of it laid elsewhere: turned by 30° clockwise and 1.2 times as large. */
function askew(): Image {
  const [from, to, radius] = [{ x: 48, y: 56 }, { x: 132, y: 96 }, 44];
  const data = Uint8Array.from(wall.data);
  const [cos, sin] = [Math.cos(Math.PI / 6) / 1.2, Math.sin(Math.PI / 6) / 1.2];
  const at = (x: number, y: number, c: number) => wall.data[3 * (y * wall.width + x) + c]!;
  for (let dy = -radius; dy <= radius; dy++)
    for (let dx = -radius; dx <= radius; dx++) {
      if (Math.hypot(dx, dy) > radius) continue;
      const [u, v] = [from.x + cos * dx + sin * dy, from.y + cos * dy - sin * dx];
      const [x, y] = [Math.floor(u), Math.floor(v)];
      for (let c = 0; c < 3; c++) {
        const upper = (x + 1 - u) * at(x, y, c) + (u - x) * at(x + 1, y, c);
        const lower = (x + 1 - u) * at(x, y + 1, c) + (u - x) * at(x + 1, y + 1, c);
        data[3 * ((to.y + dy) * wall.width + to.x + dx) + c] = (y + 1 - v) * upper + (v - y) * lower;
      }
    }
  return { width: wall.width, height: wall.height, data };
}

test('a copy turned by 30° and scaled by 1.2 is matched to its source', async () => {
  const { pairs, summary } = await copyMove.find(subjectOf(askew()));
  expect(pairs).toHaveLength(1);
  const [{ matches, rotation, scale, mirrored }] = pairs! as [(typeof pairs & object)[number]];
  // Told from the smaller place to the larger.
  expect(rotation).toBeCloseTo(30, 0);
  expect(scale).toBeCloseTo(1.2, 1);
  expect(mirrored).toBe(false);
  for (const [source, copy] of matches) {
    const [dx, dy] = [1.2 * (source.x - 48), 1.2 * (source.y - 56)];
    const [cos, sin] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
    expect(Math.hypot(132 + cos * dx - sin * dy - copy.x, 96 + sin * dx + cos * dy - copy.y)).toBeLessThan(2);
  }
  expect(summary).toMatch(/, turned by (29|30|31)°, scaled by 1\.(19|20|21), correlation/);
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
