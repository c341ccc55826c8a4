import { float32 } from '@forgelens/autograd';
import { expect, test } from 'vitest';
import { bestOf, divergence, endsEarly, firstNotFinite } from './guards.ts';
import type { MetricsRecord } from './index.ts';
import { tinyConfig } from './testing/tiny-run.ts';

const steps = (losses: readonly number[]): MetricsRecord[] =>
  losses.map((loss, i) => ({ kind: 'step', step: i + 1, loss, learningRate: 1, imagesPerSecond: 1, waitedSeconds: 0 }));

/** A validation every ten steps. */
const validations = (...scores: (number | null)[]): MetricsRecord[] =>
  scores.map((f1, i) => ({
    ...{ kind: 'validation', step: 10 * (i + 1), f1, auc: f1, falseAlarmArea: null },
    ...{ tamperedImages: 1, authenticImages: 0, seconds: 1 },
  }));

const ends = (validation: object, ...scores: (number | null)[]) =>
  endsEarly(validations(...scores), tinyConfig({ validation }));

test('patience ends a training after so many validations without a better F1', () => {
  expect(ends({ patience: 2 }, 0.5, 0.4)).toBeNull();
  expect(ends({ patience: 2 }, 0.5, 0.4, 0.5)).toBe('patience');
  expect(ends({ patience: 2 }, 0.5, 0.4, 0.6, 0.5)).toBeNull();
  expect(ends({}, 0.5, 0.4, 0.3, 0.2)).toBeNull();
  expect(ends({ patience: 1 }, null, null, null)).toBeNull();
});

test('only a validation ends a training', () => {
  const history = [...validations(0.5, 0.4), ...steps([1]).map(record => ({ ...record, step: 21 }))];
  expect(endsEarly(history, tinyConfig({ validation: { patience: 1 } }))).toBeNull();
  expect(ends({ stopAbove: 0.4 }, 0.5)).toBe('stopAbove');
  expect(ends({ stopAbove: 0.5 }, 0.5)).toBeNull();
});

test('the best validation is the first of the highest F1', () => {
  expect(bestOf(validations(0.1, 0.7, null, 0.7))).toEqual({ f1: 0.7, step: 20 });
  expect(bestOf(validations(null))).toBeNull();
});

test('losses that have risen for good are told from a few high ones', () => {
  const low = Array.from({ length: 100 }, (_, i) => 0.5 + (i % 2) / 10);
  const spikes = low.map((loss, i) => (i % 3 === 0 ? 1000 : loss));
  expect(divergence(steps([...low, ...spikes]), 200)).toBeNull();
  const high = low.map(() => 7);
  expect(divergence(steps([...low, ...high]), 200)).toBe(
    'the losses of the last 100 steps have the median 7.00, that of the first was 0.600',
  );
  expect(divergence(steps([...low, ...high, 7]), 201)).toBeNull();
  expect(divergence(steps(high), 100)).toBeNull();
});

test('a tensor that is not finite is named', () => {
  expect(firstNotFinite({ a: float32([1], [1]), b: float32([2], [0, Infinity]) })).toBe('b');
  expect(firstNotFinite({ a: float32([1], [1]) })).toBeNull();
});
