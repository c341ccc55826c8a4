import { Random } from '@forgelens/autograd';
import { tamperedFraction } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';

import {
  boundingBox,
  drawOutline,
  mergeSegments,
  polygonArea,
  polygonBox,
  polygonMask,
  readPolygons,
  segmentMask,
  widened,
} from './regions.ts';
import { fillPatches } from './fill-patches.ts';
import { feathered } from './patch.ts';
import { smoothFill } from './smooth-fill.ts';

test('polygonMask fills pixel centres by the even-odd rule', () => {
  expect([...polygonMask([1, 0, 3, 0, 3, 2, 1, 2], 4, 3).data]).toEqual([0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
});

test('boundingBox holds what is marked, polygonBox the polygon', () => {
  const square = [1, 1, 3, 1, 3, 2, 1, 2];
  expect(boundingBox(polygonMask(square, 5, 4))).toEqual({ left: 1, top: 1, right: 3, bottom: 2 });
  expect(polygonBox(square)).toEqual({ left: 1, top: 1, right: 3, bottom: 2 });
  expect(boundingBox(polygonMask([], 5, 4))).toBeNull();
});

test('widened reaches as far as it is told in each direction, and stays within the picture', () => {
  const marks = new Uint8Array(7 * 5);
  marks[1 * 7 + 5] = 1;
  const all = widened(marks, 7, 5, 2);
  expect([...all].map((value, i) => (value ? i : -1)).filter(i => i >= 0)).toEqual(
    [0, 1, 2, 3].flatMap(y => [3, 4, 5, 6].map(x => y * 7 + x)),
  );
});

test('outlines are about of the promised size', () => {
  for (let seed = 0; seed < 20; seed++) {
    const points = drawOutline(new Random(seed), 100, 60, 0.1);
    expect(points.every(Number.isInteger)).toBe(true);
    const fraction = tamperedFraction(polygonMask(points, 100, 60));
    expect(fraction).toBeGreaterThan(0.05);
    expect(fraction).toBeLessThan(0.16);
  }
});

test('polygons are read line by line, in pixels', () => {
  expect(readPolygons('7 0.25 0.25 0.75 0.25 0.75 0.75\n\n3 0.1 0.1', 40, 20)).toEqual([
    [10, 5, 30, 5, 30, 15],
    null,
    null,
  ]);
  expect(polygonArea([10, 5, 30, 5, 30, 15])).toBe(100);
});

test('mergeSegments joins neighbours up to the given area', () => {
  const width = 20;
  const labels = { width, height: 10, data: new Uint8Array(width * 10) };
  for (let i = 0; i < width * 10; i++) labels.data[i] = Math.floor((i % width) / 2) + 1;
  for (let seed = 0; seed < 20; seed++) {
    const chosen = mergeSegments(new Random(seed), labels, 20, 80)!;
    const mask = segmentMask(labels, chosen);
    expect(tamperedFraction(mask)).toBeLessThanOrEqual(0.4);
    // Stripes next to each other: one run of ones.
    expect([...mask.data.subarray(0, width)].join('')).toMatch(/^0*1+0*$/);
  }
  expect(mergeSegments(new Random(1), labels, 1, 10)).toBeNull();
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

test('fillPatches goes on with a pattern into the hole, where a smooth fill loses it', () => {
  const [width, height] = [80, 72];
  const stripe = (x: number, y: number) => ((x + y) % 8 < 4 ? 40 : 200);
  const colours = Float32Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return stripe(pixel % width, Math.floor(pixel / width));
  });
  const truth = colours.slice();
  const hole = new Uint8Array(width * height);
  for (let y = 26; y < 44; y++) hole.fill(1, y * width + 30, y * width + 50);
  const error = (values: Float32Array) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]! - truth[i]!);
    return sum / (3 * 18 * 20);
  };
  for (let i = 0; i < hole.length; i++) if (hole[i]) colours.fill(0, 3 * i, 3 * i + 3);
  const smooth = colours.slice();
  smoothFill(
    smooth,
    Float32Array.from(hole, value => 1 - value),
    width,
    height,
    3,
  );
  fillPatches(colours, hole, width, height, new Random(2));
  expect(error(smooth)).toBeGreaterThan(60);
  expect(error(colours)).toBeLessThan(30);
});

test('a feathered edge is soft towards the inside, and stays sharp where the frame cuts the object', () => {
  const [width, height] = [24, 12];
  // A block that reaches to the left border.
  const alpha = Float32Array.from({ length: width * height }, (_, i) => (i % width < 14 ? 1 : 0));
  const patch = feathered({ width, height, colours: new Float32Array(3 * width * height), alpha }, 1.5);
  const row = [...patch.alpha.subarray(6 * width, 7 * width)];
  expect(row.slice(0, 11)).toEqual(Array.from({ length: 11 }, () => 1));
  expect(row.slice(14)).toEqual(Array.from({ length: 10 }, () => 0));
  expect(row[13]).toBeGreaterThan(0);
  expect(row[12]! - row[13]!).toBeGreaterThan(0.2);
});
