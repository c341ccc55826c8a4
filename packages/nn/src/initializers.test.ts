import { expect, test } from 'vitest';
import { Random } from '@forgelens/autograd';
import type { Initializer } from './index.ts';
import {
  constantOf,
  kaimingNormal,
  kaimingNormalFanOut,
  normal,
  truncatedNormal,
  uniformFanIn,
  uniformWithin,
} from './index.ts';

const shape = [64, 16, 3, 3];

/** Standard deviation and greatest magnitude of 9216 drawn numbers. */
function spread(initializer: Initializer) {
  const data = [...initializer(shape, new Random('spread')).data];
  const mean = data.reduce((a, b) => a + b) / data.length;
  const std = Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
  return { std, greatest: Math.max(...data.map(Math.abs)) };
}

test.each([
  ['normal', normal(0.5), 0.5],
  ['kaimingNormal', kaimingNormal, Math.sqrt(2 / (16 * 9))],
  ['kaimingNormalFanOut', kaimingNormalFanOut(), Math.sqrt(2 / (64 * 9))],
  ['kaimingNormalFanOut of a depthwise kernel', kaimingNormalFanOut(64), Math.sqrt(2 / 9)],
  ['uniformFanIn', uniformFanIn, 1 / Math.sqrt(16 * 9) / Math.sqrt(3)],
  ['uniformWithin', uniformWithin(2), 2 / Math.sqrt(3)],
])('%s has its standard deviation', (_name, initializer, expected) => {
  expect(spread(initializer).std / expected).toBeCloseTo(1, 1);
});

test('uniform numbers stay within their limit, and truncated normal ones within 2', () => {
  expect(spread(uniformWithin(0.25)).greatest).toBeLessThanOrEqual(0.25);
  expect(spread(uniformFanIn).greatest).toBeLessThanOrEqual(1 / 12);
  expect(spread(truncatedNormal(1)).greatest).toBeLessThanOrEqual(2);
  expect(spread(normal(1)).greatest).toBeGreaterThan(2);
});

test('constantOf fills with its number', () => {
  expect([...constantOf(0.5)([3], new Random(1)).data]).toEqual([0.5, 0.5, 0.5]);
});
