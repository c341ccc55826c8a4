import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tileOffsets, tileOverlap, tileRamp, tileSize, tileSizeFor, tileSpans } from './tiles.ts';

const extents = fc.integer({ min: 1, max: 12_000 });
const pairs = (offsets: readonly number[]) => offsets.slice(1).map((offset, i) => [offsets[i]!, offset] as const);

test('tiles cover the axis, begin at multiples of 8 and overlap enough', () => {
  fc.assert(
    fc.property(extents, extent => {
      const offsets = tileOffsets(extent);
      expect(offsets[0]).toBe(0);
      expect(offsets.at(-1)! + tileSize).toBeGreaterThanOrEqual(extent);
      expect(offsets.filter(offset => offset % 8 !== 0)).toEqual([]);
      for (const [before, after] of pairs(offsets)) {
        expect(after).toBeGreaterThan(before);
        expect(before + tileSize - after).toBeGreaterThanOrEqual(tileOverlap);
      }
    }),
  );
});

test('no tile reaches more than 7 pixels beyond the axis, and there is no tile too many', () => {
  fc.assert(
    fc.property(extents, extent => {
      const offsets = tileOffsets(extent);
      if (extent > tileSize) expect(offsets.at(-1)! + tileSize - extent).toBeLessThan(8);
      expect(offsets).toHaveLength(1 + Math.ceil(Math.max(0, extent - tileSize) / (tileSize - tileOverlap)));
    }),
    // Where the last multiple of 8 just needs another tile.
    { examples: [[tileSize], [tileSize + 1], [2 * tileSize - tileOverlap], [1]] },
  );
});

test('a ramp falls to the sides that have a neighbour, and only there', () => {
  const both = { before: true, after: true };
  expect([...tileRamp(6, 2, both)]).toEqual([0.25, 0.75, 1, 1, 0.75, 0.25]);
  expect([...tileRamp(4, 2, { before: false, after: true })]).toEqual([1, 1, 0.75, 0.25]);
  expect([...tileRamp(3, 2, { before: false, after: false })]).toEqual([1, 1, 1]);
});

test('the ramps of two neighbours that overlap by as much sum to 1', () => {
  const [first, second] = [
    tileRamp(8, 4, { before: false, after: true }),
    tileRamp(8, 4, { before: true, after: false }),
  ];
  expect([0, 1, 2, 3].map(x => first[4 + x]! + second[x]!)).toEqual([1, 1, 1, 1]);
});

test('at each pixel of an axis the shares of its tiles sum to 1, and none is negative', () => {
  fc.assert(
    fc.property(extents, extent => {
      const sums = new Float64Array(extent);
      for (const { start, shares } of tileSpans(extent))
        for (const [x, share] of shares.entries()) sums[start + x]! += share < 0 ? NaN : share;
      expect(sums.filter(sum => !(Math.abs(sum - 1) < 1e-6))).toHaveLength(0);
    }),
    { numRuns: 30, examples: [[1], [tileSize + 1]] },
  );
});

test('tiles of huge images are smaller, and never larger than memory allows', () => {
  const [large, huge] = [
    { width: 8192, height: 8192 },
    { width: 8192, height: 8193 },
  ];
  expect([tileSizeFor(large, tileSize), tileSizeFor(huge, tileSize)]).toEqual([768, 512]);
  expect([tileSizeFor(large, 256), tileSizeFor(huge, 256)]).toEqual([256, 256]);
});
