import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scoreOf } from './score.ts';

test('the score is the mean of the highest 1 %, as sorting finds them', () => {
  // Few different values, so that ties at the border of the 1 % are frequent; and values of many magnitudes.
  const value = fc.oneof(fc.constantFrom(0, 0.25, 0.5, 1), fc.float({ min: 0, max: 1, noNaN: true }).map(Math.abs));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 1000 }), values => {
      const count = Math.max(1, Math.round(values.length / 100));
      const highest = Float32Array.from(values).sort().subarray(-count);
      const mean = highest.reduce((sum, p) => sum + p, 0) / count;
      expect(scoreOf(Float32Array.from(values))).toBeCloseTo(mean, 12);
    }),
  );
});

test('a map with one pixel has that pixel as its score', () => {
  expect(scoreOf(Float32Array.of(0.125))).toBe(0.125);
});

test('a part of a larger array is scored by itself', () => {
  expect(scoreOf(Float32Array.of(1, 0.5, 0.25, 1).subarray(1, 3))).toBe(0.5);
});

test('a score never exceeds 1, nor is a map changed by it', () => {
  const map = Float32Array.of(0.5, 1 + 2 ** -23, 0);
  expect(scoreOf(map)).toBe(1);
  expect([...map]).toEqual([0.5, 1 + 2 ** -23, 0]);
});
