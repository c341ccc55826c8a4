import { mapColour } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import type { FloatMap, Raster } from './paint.ts';
import { countAbove, paintMap } from './paint.ts';

const raster = (width: number, height: number): Raster => ({
  ...{ width, height, data: new Uint8ClampedArray(4 * width * height) },
});
const pixel = ({ width, data }: Raster, x: number, y: number) => [
  ...data.slice(4 * (y * width + x), 4 * (y * width + x) + 4),
];

const map: FloatMap = { width: 2, height: 1, values: new Float32Array([0.25, 1]) };
const picture = { width: 20, height: 10 };
const style = { opacity: 0.5, weighted: false, threshold: null, lineWidth: 1 };

test('a map of few cells lies over the whole picture, and nothing lies beside it', () => {
  const canvas = raster(12, 6);
  paintMap(canvas, map, picture, { left: -2, top: -1, scale: 0.5 }, style);
  expect(pixel(canvas, 0, 3)[3]).toBe(0);
  expect(pixel(canvas, 1, 3)).toEqual([...mapColour(64 / 255), 128]);
  expect(pixel(canvas, 5, 3)).toEqual([...mapColour(64 / 255), 128]);
  expect(pixel(canvas, 6, 3)).toEqual([...mapColour(1), 128]);
  expect(pixel(canvas, 11, 3)[3]).toBe(0);
});

test('weighted, low values let the picture through', () => {
  const canvas = raster(4, 2);
  paintMap(canvas, map, picture, { left: 0, top: 0, scale: 0.2 }, { ...style, weighted: true });
  expect([pixel(canvas, 0, 0)[3], pixel(canvas, 2, 0)[3]]).toEqual([32, 128]);
});

test('a white line with a black edge runs where the map crosses the threshold, and not along the border', () => {
  const canvas = raster(8, 4);
  paintMap(canvas, map, picture, { left: 0, top: 0, scale: 0.4 }, { ...style, threshold: 0.5 });
  expect(pixel(canvas, 3, 1)).toEqual([0, 0, 0, 255]);
  expect(pixel(canvas, 4, 1)).toEqual([255, 255, 255, 255]);
  expect(pixel(canvas, 2, 1)[3]).toBe(128);
  expect(pixel(canvas, 7, 0)[3]).toBe(128);
});

test('values above a threshold are counted exactly, at the levels of a 16-bit map', () => {
  const values = Float32Array.from({ length: 500 }, (_, i) => Math.round(131 * i) / 65_535);
  const count = countAbove({ width: 500, height: 1, values });
  for (const threshold of [0, 0.1, 0.5, 0.73, 0.99])
    expect(count(threshold)).toBe(values.filter(value => value > threshold).length);
});
