import { jpegRecompress } from '@forgelens/imaging';
import { crop } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import { bandsOf, rowsOf } from './bands.ts';
import { gridVotes } from './block-grid.ts';
import { luma } from './planes.ts';
import { texture } from './testing.ts';

const photo = texture(72, 150, 1);
const bands = [...bandsOf(photo, 72 * 40)];

test('bands are of whole rows, cover the picture once, and see 16 rows more to either side', () => {
  expect(bands.map(({ from, top, bottom, image: { height } }) => [from, top, bottom, from + height])).toEqual([
    [0, 0, 32, 48],
    [16, 32, 64, 80],
    [48, 64, 96, 112],
    [80, 96, 128, 144],
    [112, 128, 150, 150],
  ]);
  for (const { from, image } of bands) expect(image.data).toEqual(crop(photo, 0, from, 72, image.height).data);
});

test('however wide a picture is, a band has 16 rows of it', () => {
  expect([...bandsOf(photo, 72)].map(({ top }) => top)).toEqual([0, 16, 32, 48, 64, 80, 96, 112, 128, 144]);
});

test.each([30, 75, 95])(
  'saving bands as JPEG of quality %d changes their rows just as saving the picture',
  async quality => {
    const whole = await jpegRecompress(photo, quality);
    for (const { image, from, top, bottom } of bands) {
      const band = await jpegRecompress(image, quality);
      expect(rowsOf(band, top - from, bottom - from).data).toEqual(rowsOf(whole, top, bottom).data);
    }
  },
);

test('the grids that pixels of bands vote for are those that pixels of the picture do', async () => {
  const saved = await jpegRecompress(photo, 80);
  const whole = gridVotes(luma(saved));
  for (const { image, from, top, bottom } of bandsOf(saved, 72 * 40))
    expect(gridVotes(luma(image)).subarray(72 * (top - from), 72 * (bottom - from))).toEqual(
      whole.subarray(72 * top, 72 * bottom),
    );
});
