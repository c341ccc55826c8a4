import { Random } from '@forgelens/autograd';
import { tamperedFraction } from '@forgelens/imaging';
import { describe, expect, test } from 'vitest';

import { augment } from './augment.ts';
import { polygonMask } from './synthesis/regions.ts';
import { photograph, triangle } from './testing.ts';

const host = { image: photograph(1, 96, 80), object: triangle(96, 80) };

describe('augment', () => {
  test('gives a crop of the size, by reflection where the picture is smaller', async () => {
    for (const size of [48, 128])
      for (let seed = 0; seed < 5; seed++) {
        const { image, mask } = await augment(new Random(seed), { image: host.image, mask: host.object }, size);
        expect([image.width, image.height, image.data.length]).toEqual([size, size, 3 * size * size]);
        expect([mask.width, mask.height]).toEqual([size, size]);
      }
  });

  test('squeezes the whole picture where it is to be fitted', async () => {
    const fraction = tamperedFraction(host.object);
    for (let seed = 0; seed < 5; seed++) {
      const { mask } = await augment(new Random(seed), { image: host.image, mask: host.object }, 48, 'resize');
      expect(tamperedFraction(mask)).toBeCloseTo(fraction, 1);
    }
  });

  test('most crops of a tampered picture hold both kinds of pixels', async () => {
    const mask = polygonMask([4, 4, 14, 4, 14, 14, 4, 14], 96, 80);
    let both = 0;
    for (let seed = 0; seed < 100; seed++) {
      const fraction = tamperedFraction((await augment(new Random(seed), { image: host.image, mask }, 32)).mask);
      if (fraction > 0 && fraction < 1) both++;
    }
    // A crop at random holds this corner in about one of five cases.
    expect(both).toBeGreaterThan(70);
  });

  test.each(['crop', 'resize'] as const)('keeps image and mask together: %s', async fit => {
    // The mask is painted into the picture: it must be found there again.
    const mask = triangle(96, 80);
    const painted = { ...host.image, data: host.image.data.map((_, i) => mask.data[Math.floor(i / 3)]! * 255) };
    for (let seed = 0; seed < 12; seed++) {
      const example = await augment(new Random(seed), { image: painted, mask }, 64, fit);
      expect([example.image.width, example.mask.height]).toEqual([64, 64]);
      let wrong = 0;
      for (const [i, value] of example.mask.data.entries())
        if (example.image.data[3 * i + 1]! > 127 !== (value === 1)) wrong++;
      expect(wrong / example.mask.data.length).toBeLessThan(0.02);
    }
  });
});
