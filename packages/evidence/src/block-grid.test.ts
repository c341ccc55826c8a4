import { jpegRecompress } from '@forgelens/imaging';
import { crop, filledImage } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import { blockGrid } from './block-grid.ts';
import { paste, subjectOf, texture } from './testing.ts';

const saved = await jpegRecompress(texture(208, 168, 1), 80);

test('a picture that was saved as JPEG has one grid at its corner', async () => {
  const { outcome, summary, map, boxes } = await blockGrid.find(subjectOf(saved));
  expect(outcome).toBe('quiet');
  expect(summary).toMatch(
    /^The picture has an 8×8 grid that begins at \(0, 0\) px; \d+ % of its pixels vote for it\.$/,
  );
  expect(Math.max(...map!.values)).toBe(0);
  expect(boxes).toEqual([]);
});

test('a picture that was never saved as JPEG has none', async () => {
  const { outcome, summary } = await blockGrid.find(subjectOf(texture(160, 120, 2)));
  expect([outcome, summary]).toEqual(['quiet', 'The picture has no 8×8 grid.']);
});

test('a picture that was cut after it was saved tells where its grid began', async () => {
  const { outcome, summary } = await blockGrid.find(subjectOf(crop(saved, 3, 5, 160, 120)));
  expect(outcome).toBe('notable');
  expect(summary).toContain('begins at (5, 3) px');
  expect(summary).toContain('A grid that does not begin at the corner comes from cutting');
});

test('a region from a shifted grid is told, where it is and with its grid', async () => {
  const forged = paste(saved, crop(saved, 18, 20, 64, 56), 104, 80); // (104 − 18) mod 8 = 6, (80 − 20) mod 8 = 4
  const { outcome, summary, boxes, map } = await blockGrid.find(subjectOf(forged));
  expect(outcome).toBe('notable');
  expect(summary).toContain('with a grid at (6, 4)');
  expect(boxes).toHaveLength(1);
  const [{ left, top, width, height }] = boxes! as [(typeof boxes & object)[number]];
  for (const [found, planted] of [
    [left, 104],
    [top, 80],
    [left + width, 168],
    [top + height, 136],
  ] as const)
    expect(Math.abs(found - planted)).toBeLessThanOrEqual(8);
  expect(map!.values[13 * map!.width + 16]).toBe(1);
  expect(map!.values[4 * map!.width + 4]).toBe(0);
});

test('flat and small pictures have no grid to look for', async () => {
  expect((await blockGrid.find(subjectOf(filledImage(64, 64, [7, 7, 7])))).summary).toBe(
    'The picture has no 8×8 grid.',
  );
  expect((await blockGrid.find(subjectOf(filledImage(31, 64)))).summary).toBe(
    'The picture has 31×64 px; blocks of 8×8 are looked for from 32×32 px on.',
  );
});
