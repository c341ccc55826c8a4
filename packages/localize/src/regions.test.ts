import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Point } from './regions.ts';
import { findRegions } from './regions.ts';

/** A map from a drawing: '#' is 0.9, 'o' 0.6, '.' 0.1. */
function draw(...rows: readonly string[]) {
  const value: Record<string, number> = { '#': 0.9, o: 0.6, '.': 0.1 };
  return [Float32Array.from(rows.join(''), c => value[c]!), rows[0]!.length, rows.length] as const;
}

/** The area inside a polygon by the shoelace formula, positive where it runs clockwise (y down). */
const areaOf = (polygon: readonly Point[]) =>
  polygon.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = polygon[(i + 1) % polygon.length]!;
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);

describe('findRegions', () => {
  test('finds separate patches, the strongest first', () => {
    const regions = findRegions(...draw('oo....', 'oo.###', '...###', '...###'), 0.5, 0);
    expect(regions).toMatchObject([
      { bbox: [3, 1, 3, 3], area: 9 },
      { bbox: [0, 0, 2, 2], area: 4 },
    ]);
    expect(regions[0]!.meanScore).toBeCloseTo(0.9, 6);
    expect(regions[1]!.meanScore).toBeCloseTo(0.6, 6);
    expect(regions[0]!.polygon).toHaveLength(4);
    expect(areaOf(regions[0]!.polygon)).toBe(9);
  });

  test('pixels that touch at a corner are one region, to either side', () => {
    expect(findRegions(...draw('#..', '.#.', '..#'), 0.5, 0)).toHaveLength(1);
    expect(findRegions(...draw('..#', '.#.', '#..'), 0.5, 0)).toHaveLength(1);
  });

  test('arms that meet further down are one region', () => {
    const regions = findRegions(...draw('#...#', '#.#.#', '#####'), 0.5, 0);
    expect(regions).toMatchObject([{ bbox: [0, 0, 5, 3], area: 10 }]);
  });

  test('a hole is not counted in the area, and the outline goes around it', () => {
    const [region] = findRegions(...draw('#####', '#...#', '#...#', '#...#', '#####'), 0.5, 0);
    expect(region!.area).toBe(16);
    expect(areaOf(region!.polygon)).toBe(25);
  });

  test('small regions are left out', () => {
    const map = draw('#.........', '..........', '....####..', '....####..');
    expect(findRegions(...map, 0.5, 0.05)).toMatchObject([{ bbox: [4, 2, 4, 2] }]);
  });

  test('a value at the threshold is outside', () => {
    expect(findRegions(Float32Array.of(0.5, 0.5), 2, 1, 0.5, 0)).toEqual([]);
  });

  test('a single pixel and a whole image have the outline of a rectangle', () => {
    expect(findRegions(Float32Array.of(1), 1, 1, 0.5, 0)[0]!.polygon).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ]);
    const [whole] = findRegions(new Float32Array(60 * 40).fill(1), 60, 40, 0.5, 0);
    expect(areaOf(whole!.polygon)).toBe(2400);
  });

  test('a disc keeps its area in few corners', () => {
    const disc = Float32Array.from({ length: 100 * 100 }, (_, i) =>
      Math.hypot((i % 100) - 50, Math.floor(i / 100) - 50) < 40 ? 1 : 0,
    );
    const [region] = findRegions(disc, 100, 100, 0.5, 0);
    expect(region!.polygon.length).toBeLessThan(40);
    expect(Math.abs(areaOf(region!.polygon) / region!.area - 1)).toBeLessThan(0.03);
  });

  test('areas add up to the pixels above the threshold, and every outline stays in its box', () => {
    const maps = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).chain(([width, height]) =>
      fc.tuple(
        fc.constant(width),
        fc.constant(height),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
          minLength: width * height,
          maxLength: width * height,
        }),
      ),
    );
    fc.assert(
      fc.property(maps, ([width, height, values]) => {
        const probabilities = Float32Array.from(values);
        const regions = findRegions(probabilities, width, height, 0.5, 0);
        const flagged = probabilities.filter(p => p > 0.5).length;
        expect(regions.reduce((sum, { area }) => sum + area, 0)).toBe(flagged);
        for (const { bbox, polygon } of regions)
          for (const [x, y] of polygon) {
            expect(x).toBeGreaterThanOrEqual(bbox[0]);
            expect(x).toBeLessThanOrEqual(bbox[0] + bbox[2]);
            expect(y).toBeGreaterThanOrEqual(bbox[1]);
            expect(y).toBeLessThanOrEqual(bbox[1] + bbox[3]);
          }
      }),
    );
  });

  test('a map of another size is refused', () => {
    expect(() => findRegions(new Float32Array(5), 2, 3, 0.5, 0)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: findRegions: 2×3 pixels but 5 probabilities]`,
    );
  });
});
