import { Random } from '@forgelens/autograd';
import { describe, expect, test } from 'vitest';

import { decodeImage, encodeJpeg } from './codec.ts';
import { degradationPresets } from './degradation-presets.ts';
import { checkDegradation, formatDegradations, parseDegradations } from './degradations.ts';
import type { Degradation, DegradationName } from './degradations.ts';
import { degrade } from './degrade.ts';
import { gaussianBlur } from './filters.ts';
import { crop, filledImage, padReflect, type Image, type Mask } from './image.ts';

const random = new Random(1);
const rough: Image = {
  width: 48,
  height: 40,
  data: Uint8Array.from({ length: 48 * 40 * 3 }, () => random.integer(0, 256)),
};
const photo = gaussianBlur(rough, 1.2);
const mask: Mask = {
  width: 48,
  height: 40,
  data: Uint8Array.from({ length: 48 * 40 }, (_, i) => (i % 48 < 24 ? 1 : 0)),
};

/** One harmless step of each kind. */
const steps: Record<DegradationName, number> = {
  jpeg_quality: 80,
  webp_quality: 80,
  blur_sigma: 1,
  blur_kernel: 5,
  noise_sigma: 5,
  noise_variance: 25,
  gamma: 1.2,
  resize_scale: 0.5,
  resize_longest: 24,
  crop_share: 0.5,
};
const all = Object.entries(steps).map(([name, value]) => ({ name, value }) as Degradation);

const spread = (image: Image): number => {
  const differences = [...image.data].map((value, i) => (value - photo.data[i]!) ** 2);
  return Math.sqrt(differences.reduce((sum, value) => sum + value, 0) / differences.length);
};

describe('degrade', () => {
  test.each(all)('$name changes the picture, is the same for a seed, and keeps the mask beside it', async step => {
    const once = await degrade(photo, mask, step, 1);
    expect(once.image.data).not.toEqual(photo.data);
    expect(await degrade(photo, mask, [step], 1)).toEqual(once);
    expect([once.mask.width, once.mask.height]).toEqual([once.image.width, once.image.height]);
    expect((await degrade(photo, null, step, 1)).mask).toBeNull();
    if (once.image.width === photo.width) expect(once.mask).toBe(mask);
  });

  test('noise and places depend on the seed, and on nothing else', async () => {
    for (const name of ['noise_sigma', 'crop_share'] as const) {
      const step = { name, value: steps[name] };
      expect((await degrade(photo, null, step, 2)).image).not.toEqual((await degrade(photo, null, step, 1)).image);
    }
  });

  test('noise of a variance is noise of its root', async () => {
    const grey = filledImage(64, 64, [128, 128, 128]);
    const { image } = await degrade(grey, null, { name: 'noise_variance', value: 49 }, 3);
    expect(await degrade(grey, null, { name: 'noise_sigma', value: 7 }, 3)).toEqual({ image, mask: null });
    const deviations = [...image.data].map(value => (value - 128) ** 2);
    expect(Math.sqrt(deviations.reduce((sum, value) => sum + value, 0) / deviations.length)).toBeCloseTo(7, 0);
  });

  test('a JPEG is the one that a file would hold', async () => {
    const bytes = await encodeJpeg(photo, { quality: 60 });
    const { width, height, data } = await decodeImage(bytes, 'memory');
    expect((await degrade(photo, null, { name: 'jpeg_quality', value: 60 }, 1)).image).toEqual({ width, height, data });
  });

  test('the grid of a JPEG begins where it is told to', async () => {
    const step: Degradation = { name: 'jpeg_quality', value: 40, grid: [3, 6] };
    const shifted = (await degrade(photo, null, step, 1)).image;
    // The same picture with its own corner at the grid's first line: 5 columns and 2 rows were cut before it.
    const padded = padReflect(photo, { left: 5, top: 2 });
    const whole = (await degrade(padded, null, { name: 'jpeg_quality', value: 40 }, 1)).image;
    expect(shifted).toEqual(crop(whole, 5, 2, photo.width, photo.height));
  });

  test('gamma brightens above 1, and nothing happens at 1', async () => {
    const sum = ({ data }: Image) => data.reduce((total, value) => total + value, 0);
    const at = async (value: number) => (await degrade(photo, null, { name: 'gamma', value }, 1)).image;
    expect(sum(await at(1.5))).toBeGreaterThan(sum(photo));
    expect(sum(await at(0.7))).toBeLessThan(sum(photo));
    expect(await at(1)).toEqual(photo);
  });

  test('resizing and cropping take the mask along', async () => {
    const half = await degrade(photo, mask, { name: 'resize_scale', value: 0.5 }, 1);
    expect([half.mask.width, half.mask.height]).toEqual([24, 20]);
    expect(half.mask.data[0]).toBe(1);
    expect(half.mask.data[23]).toBe(0);
    // Not enlarged: only longer sides shrink.
    expect((await degrade(photo, mask, { name: 'resize_longest', value: 96 }, 1)).image).toEqual(photo);
  });

  test('a chain does one step after the other', async () => {
    const chain: Degradation[] = [
      { name: 'resize_scale', value: 0.5 },
      { name: 'jpeg_quality', value: 50 },
    ];
    const first = await degrade(photo, mask, chain[0]!, 1);
    expect(await degrade(photo, mask, chain, 1)).toEqual(await degrade(first.image, first.mask, chain[1]!, 1));
  });
});

describe('the text of a chain', () => {
  test('goes there and back', () => {
    expect(formatDegradations(all.slice(0, 2))).toBe('jpeg_quality=80+webp_quality=80');
    expect(parseDegradations(formatDegradations(all))).toEqual(all);
    expect(parseDegradations(formatDegradations([]))).toEqual([]);
  });

  test('refuses what it does not know', () => {
    expect(() => parseDegradations('jpeg=80')).toThrow(
      'unknown degradation "jpeg=80"; it must be <name>=<number> (names: jpeg_quality, webp_quality,',
    );
    expect(() => parseDegradations('jpeg_quality=101')).toThrow(
      'jpeg_quality=101: must be a whole number from 1 to 100 (quality of libjpeg, 1–100)',
    );
    expect(() => parseDegradations('blur_kernel=4')).toThrow('blur_kernel=4: must be an odd number from 1 to 101');
    expect(() => parseDegradations('gamma=')).toThrow('gamma=NaN: must be a number from 0.1 to 10');
  });
});

describe('presets', () => {
  test('hold degradations that can be done', () => {
    for (const { series } of Object.values(degradationPresets))
      for (const { levels } of series)
        for (const { chain } of levels) for (const step of chain) expect(() => checkDegradation(step)).not.toThrow();
  });

  test('IMDL-BenCo means variances and SAFIRE standard deviations by the same numbers', async () => {
    const noise = (preset: 'imdlbenco' | 'safire') =>
      degradationPresets[preset].series.find(({ name }) => name.startsWith('noise'))!.levels.at(-1)!;
    expect([noise('imdlbenco').value, noise('safire').value]).toEqual([23, 23]);
    const weak = spread((await degrade(photo, null, noise('imdlbenco').chain, 1)).image);
    const strong = spread((await degrade(photo, null, noise('safire').chain, 1)).image);
    expect(strong / weak).toBeCloseTo(Math.sqrt(23), 0);
  });

  test('a kernel of 3 px has the standard deviation of OpenCV', async () => {
    const dot = filledImage(63, 63);
    dot.data[3 * (31 * 63 + 31)] = 255;
    const { image } = await degrade(dot, null, { name: 'blur_kernel', value: 3 }, 1);
    // 3 px: sigma 0.8, weights 0.24, 0.52, 0.24 and nothing farther off.
    expect([...image.data].filter((_, i) => i % 3 === 0 && image.data[i]! > 0)).toHaveLength(9);
    expect(image.data[3 * (31 * 63 + 31)]).toBe(Math.round(255 * 0.522 ** 2));
  });
});
