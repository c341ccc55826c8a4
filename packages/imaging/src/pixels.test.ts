import { Random } from '@forgelens/autograd';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  crop,
  emptyMask,
  filledImage,
  flipHorizontal,
  flipVertical,
  gaussianBlur,
  gaussianNoise,
  mapColour,
  masksToTensor,
  overlay,
  padReflect,
  resizeImage,
  resizeMap,
  resizeMask,
  rotate90,
  tamperedFraction,
  toTensor,
  type Image,
  type Mask,
} from './pixels.ts';

const mask = (width: number, height: number, ...data: number[]): Mask => ({
  width,
  height,
  data: Uint8Array.from(data),
});
const noise = (width: number, height: number, seed: number): Image => {
  const random = new Random(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(0, 256)) };
};
const sizes = { width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }), seed: fc.nat(99) };

describe('geometry', () => {
  test('crop takes a part of an image and of a mask', () => {
    expect([...crop(mask(3, 2, 1, 2, 3, 4, 5, 6), 1, 0, 2, 2).data]).toEqual([2, 3, 5, 6]);
    const image = noise(3, 2, 1);
    expect([...crop(image, 2, 1, 1, 1).data]).toEqual([...image.data.subarray(15, 18)]);
  });

  test('crop refuses a part outside the picture', () => {
    expect(() => crop(emptyMask(4, 4), 2, 0, 3, 4)).toThrow('crop: 3×4 at (2, 0) is outside 4×4');
  });

  test('padReflect mirrors without repeating the border, also farther than the picture is wide', () => {
    expect([...padReflect(mask(3, 1, 1, 2, 3), { left: 2, right: 4 }).data]).toEqual([3, 2, 1, 2, 3, 2, 1, 2, 3]);
    expect([...padReflect(mask(1, 1, 7), { left: 1, bottom: 1 }).data]).toEqual([7, 7, 7, 7]);
  });

  test('crop undoes padReflect; flips undo themselves; four turns are none', () => {
    fc.assert(
      fc.property(fc.record(sizes), fc.nat(12), ({ width, height, seed }, margin) => {
        const image = noise(width, height, seed);
        const padded = padReflect(image, { left: margin, top: 2, right: 1, bottom: margin });
        expect(crop(padded, margin, 2, width, height)).toEqual(image);
        expect(flipHorizontal(flipHorizontal(image))).toEqual(image);
        expect(flipVertical(flipVertical(image))).toEqual(image);
        expect(rotate90(rotate90(image))).toEqual(flipVertical(flipHorizontal(image)));
      }),
    );
  });

  test('rotate90 turns clockwise', () => {
    expect(rotate90(mask(3, 2, 1, 2, 3, 4, 5, 6))).toEqual(mask(2, 3, 4, 1, 5, 2, 6, 3));
  });

  test('tamperedFraction counts marked pixels', () => {
    expect(tamperedFraction(mask(2, 2, 1, 0, 0, 0))).toBe(0.25);
  });
});

describe('resizing', () => {
  test('resizeMap interpolates between half-pixel centres', () => {
    // torch.nn.functional.interpolate([0, 1], scale_factor=2, mode='bilinear', align_corners=False)
    expect([...resizeMap(Float32Array.of(0, 1), { width: 2, height: 1 }, 4, 1)]).toEqual([0, 0.25, 0.75, 1]);
    // Shrinking takes the two nearest pixels, it does not average all.
    expect([...resizeMap(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), { width: 8, height: 1 }, 2, 1)]).toEqual([1.5, 5.5]);
  });

  test('resizeImage averages when it shrinks', () => {
    const stripes = filledImage(16, 1, [200, 200, 200]);
    for (let x = 1; x < 16; x += 2) stripes.data.fill(0, 3 * x, 3 * x + 3);
    // Four wide triangles over stripes: the inner ones see as much light as dark.
    expect([...resizeImage(stripes, 4, 1).data.subarray(3, 9)]).toEqual([100, 100, 100, 100, 100, 100]);
  });

  test('a size kept is a picture kept, and a flat picture stays flat at any size', () => {
    fc.assert(
      fc.property(fc.record(sizes), fc.record(sizes), ({ width, height, seed }, to) => {
        const image = noise(width, height, seed);
        expect(resizeImage(image, width, height)).toEqual(image);
        expect(resizeImage(filledImage(width, height, [9, 99, 199]), to.width, to.height)).toEqual(
          filledImage(to.width, to.height, [9, 99, 199]),
        );
      }),
    );
  });

  test('resizeMask takes the nearest pixel', () => {
    expect([...resizeMask(mask(2, 1, 0, 1), 4, 2).data]).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
    expect([...resizeMask(mask(4, 1, 0, 1, 1, 0), 2, 1).data]).toEqual([1, 0]);
  });
});

describe('degradations', () => {
  test('gaussianNoise has the standard deviation it was given, and its seed', () => {
    const grey = filledImage(64, 64, [128, 128, 128]);
    const noisy = gaussianNoise(grey, 10, new Random(1));
    const variance = noisy.data.reduce((sum, value) => sum + (value - 128) ** 2, 0) / noisy.data.length;
    expect(Math.sqrt(variance)).toBeCloseTo(10, 0);
    expect(gaussianNoise(grey, 10, new Random(1))).toEqual(noisy);
  });

  test('gaussianNoise stays within 0–255', () => {
    const { data } = gaussianNoise(filledImage(32, 32, [250, 250, 250]), 30, new Random(1));
    expect(data.filter(value => value < 100)).toHaveLength(0);
  });

  test('gaussianBlur spreads a point evenly and keeps its mass', () => {
    const point = filledImage(15, 15);
    point.data.set([255, 255, 255], (7 * 15 + 7) * 3);
    const { data } = gaussianBlur(point, 1);
    const at = (x: number, y: number) => data[(y * 15 + x) * 3]!;
    expect(at(7, 7)).toBe(Math.round(255 / (2 * Math.PI)));
    expect([at(6, 7), at(7, 6), at(7, 8)]).toEqual([at(8, 7), at(8, 7), at(8, 7)]);
  });
});

describe('overlay', () => {
  test('leaves a picture with no probability as it is', () => {
    const image = noise(5, 4, 3);
    expect(overlay(image, new Float32Array(20))).toEqual(image);
  });

  test('outlines what is above the threshold', () => {
    const map = new Float32Array(81);
    for (let y = 3; y < 6; y++) map.fill(0.9, y * 9 + 3, y * 9 + 6);
    const { data } = overlay(filledImage(9, 9, [0, 90, 0]), map);
    const at = (x: number, y: number) => [...data.subarray((y * 9 + x) * 3, (y * 9 + x) * 3 + 3)];
    expect(at(3, 4)).toEqual([255, 255, 255]);
    expect(at(2, 4)).toEqual([0, 0, 0]);
    expect(at(0, 0)).toEqual([0, 90, 0]);
  });

  test('mapColour runs from dark to bright', () => {
    const lightness = [0, 0.2, 0.4, 0.6, 0.8, 1].map(p => mapColour(p).reduce((sum, value) => sum + value, 0));
    expect(lightness).toEqual(lightness.toSorted((a, b) => a - b));
    expect(mapColour(1)).toEqual([252, 253, 191]);
  });

  test('refuses a map of another size', () => {
    expect(() => overlay(filledImage(3, 2), new Float32Array(4))).toThrow(
      'overlay: the map has 4 values but the image is 3×2 = 6 pixels; resize the map first',
    );
  });
});

describe('tensors', () => {
  test('toTensor separates channels and scales to [0, 1]', () => {
    const { shape, data } = toTensor([{ width: 2, height: 1, data: Uint8Array.of(0, 51, 102, 255, 204, 153) }]);
    expect(shape).toEqual([1, 3, 1, 2]);
    expect([...data]).toEqual([...Float32Array.of(0, 1, 0.2, 0.8, 0.4, 0.6)]);
  });

  test('masksToTensor keeps 0 and 1', () => {
    const { shape, data } = masksToTensor([mask(2, 1, 0, 1), mask(2, 1, 1, 1)]);
    expect(shape).toEqual([2, 1, 1, 2]);
    expect([...data]).toEqual([0, 1, 1, 1]);
  });

  test('pictures of different sizes are refused, and none at all', () => {
    expect(() => toTensor([filledImage(4, 4), filledImage(5, 4)])).toThrow(
      'toTensor: image 1 is 5×4 but image 0 is 4×4; crop or resize them to one size first',
    );
    expect(() => masksToTensor([])).toThrow('masksToTensor: no mask to make a tensor of; give at least one');
  });
});
