import { encodeJpeg, jpegRecompress } from '@forgelens/imaging';
import { crop, filledImage } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import { jpegGhosts } from './jpeg-ghosts.ts';
import { paste, pictureOf, subjectOf, texture } from './testing.ts';

const photo = texture(320, 256, 1);

test.each([
  [60, 95],
  [75, 90],
])('a ghost planted at quality %d appears at that quality, and where it was planted', async (quality, last) => {
  const patch = crop(await jpegRecompress(photo, quality), 96, 64, 128, 112);
  const bytes = await encodeJpeg(paste(photo, patch, 96, 64), { quality: last });
  const { image } = await pictureOf(bytes);
  const { outcome, summary, boxes, map, table } = await jpegGhosts.find(subjectOf(image, bytes, 'jpeg'));
  expect(outcome).toBe('notable');
  expect(summary).toMatch(new RegExp(`^Ghosts: \\d+×\\d+ px at \\(\\d+, \\d+\\) of quality ${quality}\\.$`));
  expect(boxes).toHaveLength(1);
  const { left, top, width, height } = boxes![0]!;
  // Smoothing over neighbours moves a border by a cell at most.
  for (const [found, planted] of [
    [left, 96],
    [top, 64],
    [left + width, 224],
    [top + height, 176],
  ] as const)
    expect(Math.abs(found - planted)).toBeLessThanOrEqual(16);
  expect(map!.values.filter(value => value > 0).length).toBeGreaterThanOrEqual(9);
  expect(map!.values[2 * map!.width + 2]).toBe(0);
  const row = table!.rows.find(([q]) => q === String(quality))!;
  expect(row[3]).toBe('1');
});

test('a picture that was saved once, or twice as a whole, has no ghost', async () => {
  for (const qualities of [[], [60, 95]]) {
    let image = photo;
    for (const quality of qualities) image = await jpegRecompress(image, quality);
    expect((await jpegGhosts.find(subjectOf(image))).outcome).toBe('quiet');
  }
});

test('one colour has no ghost, and a small picture no room for one', async () => {
  expect((await jpegGhosts.find(subjectOf(filledImage(64, 64)))).outcome).toBe('quiet');
  expect((await jpegGhosts.find(subjectOf(filledImage(64, 47)))).summary).toBe(
    'The picture has 64×47 px; ghosts are looked for from 48×48 px on.',
  );
});
