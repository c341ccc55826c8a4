import { Random } from '@forgelens/autograd';
import { tamperedFraction } from '@forgelens/imaging';
import { describe, expect, test } from 'vitest';

import { augment } from './augment.ts';
import { blobMask, boundingBox, mergeSegments, pickPolygon, polygonMask } from './regions.ts';
import { smoothFill } from './smooth-fill.ts';
import { forgeryKinds, synthesize } from './synthesize.ts';
import { photograph, triangle } from './testing.ts';

const host = { image: photograph(1, 96, 80), object: triangle(96, 80) };
const donor = { image: photograph(2, 120, 90), object: triangle(120, 90) };

describe('synthesize', () => {
  test.each(forgeryKinds)('a %s changes the picture most where its mask says', async kind => {
    for (let seed = 0; seed < 6; seed++) {
      const make = (what: typeof kind | 'authentic') => synthesize(new Random(seed), host, donor, what);
      const [{ image, mask, recipe }, untouched] = [await make(kind), host.image];
      expect([image.width, image.height, mask.width, mask.height]).toEqual([96, 80, 96, 80]);
      expect(recipe.kind).toBe(kind);
      expect(tamperedFraction(mask)).toBeGreaterThan(0.005);
      expect(tamperedFraction(mask)).toBeLessThan(0.5);
      const change = [0, 0];
      for (let i = 0; i < image.data.length; i++)
        change[mask.data[Math.floor(i / 3)]!]! += Math.abs(image.data[i]! - untouched.data[i]!);
      const [outside, inside] = [change[0]! / (1 - tamperedFraction(mask)), change[1]! / tamperedFraction(mask)];
      expect(inside).toBeGreaterThan(1.2 * outside);
    }
  });

  test('the same random state gives the same forgery, another one another', async () => {
    const forgery = await synthesize(new Random(5), host, donor, 'splice');
    expect(await synthesize(new Random(5), host, donor, 'splice')).toEqual(forgery);
    expect((await synthesize(new Random(6), host, donor, 'splice')).image).not.toEqual(forgery.image);
  });

  test('an authentic picture has a history and an empty mask', async () => {
    const { image, mask, recipe } = await synthesize(new Random(1), host, donor, 'authentic');
    expect(mask.data.includes(1)).toBe(false);
    expect(recipe.hostQuality ?? recipe.finalQuality).not.toBeNull();
    expect(image.data).not.toEqual(host.image.data);
  });

  test('a photo without an object gets a random shape', async () => {
    for (const kind of forgeryKinds) {
      const bare = { ...host, object: null };
      expect(tamperedFraction((await synthesize(new Random(3), bare, bare, kind)).mask)).toBeGreaterThan(0);
    }
  });
});

describe('augment', () => {
  test('gives a crop of the size, by reflection where the picture is smaller', async () => {
    for (const size of [48, 128])
      for (let seed = 0; seed < 5; seed++) {
        const { image, mask } = await augment(new Random(seed), { image: host.image, mask: host.object }, size);
        expect([image.width, image.height, image.data.length]).toEqual([size, size, 3 * size * size]);
        expect([mask.width, mask.height]).toEqual([size, size]);
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

  test('keeps image and mask together', async () => {
    // The mask is painted into the picture: it must be found there again.
    const mask = triangle(96, 80);
    const painted = { ...host.image, data: host.image.data.map((_, i) => mask.data[Math.floor(i / 3)]! * 255) };
    for (let seed = 0; seed < 12; seed++) {
      const example = await augment(new Random(seed), { image: painted, mask }, 64);
      let wrong = 0;
      for (const [i, value] of example.mask.data.entries())
        if (example.image.data[3 * i + 1]! > 127 !== (value === 1)) wrong++;
      expect(wrong / example.mask.data.length).toBeLessThan(0.02);
    }
  });
});

describe('regions', () => {
  test('polygonMask fills pixel centres by the even-odd rule', () => {
    expect([...polygonMask([1, 0, 3, 0, 3, 2, 1, 2], 4, 3).data]).toEqual([0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('boundingBox holds what is marked', () => {
    expect(boundingBox(polygonMask([1, 1, 3, 1, 3, 2, 1, 2], 5, 4))).toEqual({ left: 1, top: 1, right: 3, bottom: 2 });
    expect(boundingBox(polygonMask([], 5, 4))).toBeNull();
  });

  test('blobs are of the promised size', () => {
    for (let seed = 0; seed < 20; seed++) {
      const fraction = tamperedFraction(blobMask(new Random(seed), 100, 60));
      expect(fraction).toBeGreaterThan(0.008);
      expect(fraction).toBeLessThan(0.25);
    }
  });

  test('pickPolygon takes polygons of a fitting size only', () => {
    const small = '3 0.1 0.1 0.11 0.1 0.11 0.11';
    const fitting = '7 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75';
    expect(pickPolygon(new Random(1), small, 40, 40)).toBeNull();
    expect(tamperedFraction(pickPolygon(new Random(1), `${small}\n${fitting}\n`, 40, 40)!)).toBe(0.25);
  });

  test('mergeSegments joins neighbours up to 40 % of the picture', () => {
    const width = 20;
    const labels = { width, height: 10, data: new Uint8Array(width * 10 * 3) };
    for (let i = 0; i < width * 10; i++) labels.data.fill(Math.floor((i % width) / 2) + 1, 3 * i, 3 * i + 3);
    for (let seed = 0; seed < 20; seed++) {
      const mask = mergeSegments(new Random(seed), labels)!;
      const columns = [...mask.data.subarray(0, width)];
      expect(tamperedFraction(mask)).toBeLessThanOrEqual(0.4);
      // Stripes next to each other: one run of ones.
      expect(columns.join('')).toMatch(/^0*1+0*$/);
    }
    expect(mergeSegments(new Random(1), { width: 2, height: 1, data: new Uint8Array(6) })).toBeNull();
  });
});

test('smoothFill keeps what is known and fills the rest between its smallest and largest value', () => {
  const random = new Random(1);
  const [width, height] = [17, 9];
  const known = Float32Array.from({ length: width * height }, () => (random.chance(0.2) ? 1 : 0));
  const values = Float32Array.from(known, k => (k ? random.uniform(10, 20) : 999));
  const before = values.slice();
  smoothFill(values, known, width, height, 1);
  for (const [i, value] of values.entries()) {
    if (known[i]) expect(value).toBe(before[i]);
    expect(value).toBeGreaterThanOrEqual(10);
    expect(value).toBeLessThanOrEqual(20);
  }
});
