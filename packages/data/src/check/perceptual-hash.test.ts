import { Random } from '@forgelens/autograd';
import { encodeJpeg, decodeImage, filledImage, flipHorizontal, resizeImage, type Image } from '@forgelens/imaging';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { fingerprint, nearDuplicates, type Fingerprint } from './perceptual-hash.ts';

/** Coarse noise, enlarged: a picture with parts of its own. */
function picture(seed: number): Image {
  const random = new Random(seed);
  const data = Uint8Array.from({ length: 12 * 9 * 3 }, () => random.integer(0, 256));
  return resizeImage({ width: 12, height: 9, data }, 120, 90);
}

const alike = (a: Image, b: Image): boolean => nearDuplicates([fingerprint(a), fingerprint(b)]).length === 1;

describe('near duplicates', () => {
  test('are recompressed, resized and brighter copies', async () => {
    const image = picture(1);
    const recompressed = await decodeImage(await encodeJpeg(image, { quality: 20 }), 'a.jpg');
    const brighter = { ...image, data: image.data.map(value => Math.round(20 + 0.9 * value)) };
    expect(alike(image, recompressed)).toBe(true);
    expect(alike(image, resizeImage(image, 50, 61))).toBe(true);
    expect(alike(image, brighter)).toBe(true);
  });

  test('are not other pictures, and not mirrored ones', () => {
    const prints = Array.from({ length: 60 }, (_, seed) => fingerprint(picture(seed)));
    expect(nearDuplicates(prints)).toEqual([]);
    expect(alike(picture(1), flipHorizontal(picture(1)))).toBe(false);
  });

  test('are two pictures of one colour where the colours are equal', () => {
    const [grey, light] = [filledImage(40, 30, [90, 90, 90]), filledImage(40, 30, [200, 200, 200])];
    expect(alike(grey, filledImage(20, 20, [90, 90, 90]))).toBe(true);
    expect(alike(grey, light)).toBe(false);
    expect(alike(grey, picture(1))).toBe(false);
  });

  test('are all pairs that differ in at most 8 bits, found without comparing each with each', () => {
    const { thumbnail } = fingerprint(picture(1));
    const flips = fc.array(fc.nat(127), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(flips, { maxLength: 12 }), changes => {
        const prints = changes.map((places): Fingerprint => {
          const bits = Uint32Array.of(0x12345678, 0x9abcdef0, 0x0f1e2d3c, 0x4b5a6978);
          for (const place of places) bits[place >> 5]! ^= 1 << (place & 31);
          return { bits, thumbnail };
        });
        const text = ({ bits }: Fingerprint) => [...bits].map(word => word.toString(2).padStart(32, '0')).join('');
        const distance = (a: string, b: string) => [...a].filter((bit, i) => bit !== b[i]).length;
        const expected = prints.flatMap((a, i) =>
          prints.flatMap((b, j) => (i < j && distance(text(a), text(b)) <= 8 ? [[i, j]] : [])),
        );
        expect(nearDuplicates(prints)).toEqual(expected);
      }),
    );
  });
});
