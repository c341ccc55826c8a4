import { describe, expect, test } from 'vitest';

import { decodeImage } from './codec.ts';

/** A bitmap of 3 × 2 pixels; `rows` from the bottom to the top, blue first, each padded to four bytes. */
function bitmap(
  bits: number,
  rows: readonly (readonly number[])[],
  { height = 2, compression = 0, palette = [] as number[] } = {},
) {
  const pixels = rows.flatMap(row => [...row, ...Array<number>((4 - (row.length % 4)) % 4).fill(0)]);
  const bytes = new Uint8Array(54 + palette.length + pixels.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(10, 54 + palette.length, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, 3, true);
  view.setInt32(22, height, true);
  view.setUint16(28, bits, true);
  view.setUint32(30, compression, true);
  bytes.set(palette, 54);
  bytes.set(pixels, 54 + palette.length);
  return bytes;
}

const upper = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const lower = [10, 20, 30, 40, 50, 60, 70, 80, 90];
const turned = (row: readonly number[]) => [0, 3, 6].flatMap(i => [row[i + 2]!, row[i + 1]!, row[i]!]);
const expected = [...turned(upper), ...turned(lower)];

describe('a Windows bitmap', () => {
  test('of 24 bits is read from the bottom to the top, or from the top to the bottom', async () => {
    const image = await decodeImage(bitmap(24, [lower, upper]), 'a.bmp');
    expect([image.width, image.height, [...image.data]]).toEqual([3, 2, expected]);
    expect(image.source).toMatchObject({
      format: 'bmp',
      width: 3,
      height: 2,
      orientation: 1,
      channels: 3,
      bitDepth: 8,
    });
    expect([...(await decodeImage(bitmap(24, [upper, lower], { height: -2 }), 'a.bmp')).data]).toEqual(expected);
  });

  test('of 32 bits is read without the fourth byte', async () => {
    const wide = (row: readonly number[]) => [0, 3, 6].flatMap(i => [...row.slice(i, i + 3), 77]);
    expect([...(await decodeImage(bitmap(32, [wide(lower), wide(upper)]), 'a.bmp')).data]).toEqual(expected);
  });

  test('of 8 bits is read by its palette', async () => {
    const palette = [...upper, ...lower].flatMap((value, i) => (i % 3 === 2 ? [value, 0] : [value]));
    expect([
      ...(
        await decodeImage(
          bitmap(
            8,
            [
              [3, 4, 5],
              [0, 1, 2],
            ],
            { palette },
          ),
          'a.bmp',
        )
      ).data,
    ]).toEqual(expected);
  });

  test.each([
    [bitmap(24, [lower, upper]).subarray(0, 30), 'not a readable image (a bitmap of 30 bytes; its headers take 54)'],
    [bitmap(24, [lower]), 'not a readable image (a bitmap that is cut off: 3×2 takes 78 bytes, but 66 are there)'],
    [bitmap(24, [lower, upper], { height: 0 }), 'not a readable image (a bitmap of 3×0 with a header of 40 bytes)'],
    [
      bitmap(8, [[0], [0]], { compression: 1 }),
      'not a readable image (a bitmap of 8 bits a pixel with compression 1; only 8, 24 and 32 without are read)',
    ],
  ])('is refused where it is wrong', async (bytes, problem) => {
    await expect(decodeImage(bytes, 'a.bmp')).rejects.toThrow(`a.bmp: ${problem}`);
  });

  test('is not decoded when it has too many pixels', async () => {
    await expect(decodeImage(bitmap(24, [lower, upper]), 'a.bmp', { maxPixels: 5 })).rejects.toThrow(
      'a.bmp: 3×2 is 6 pixels but at most 5 are decoded; scale the picture down or raise the limit',
    );
  });
});
