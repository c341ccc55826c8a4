import type { Robustness } from '@forgelens/report';
import type { MetricsRecord } from '@forgelens/train';
import { expect, test } from 'vitest';
import type { ModelReport } from '../models/scores.ts';
import type { Result } from './results.ts';
import { bakeoffTables, minutesOf } from './results.ts';

const step = (number: number, loss: number): MetricsRecord => ({
  ...{ kind: 'step', step: number, loss, learningRate: 0, imagesPerSecond: 0.1, waitedSeconds: 0 },
});
const validation = (number: number, f1: number): MetricsRecord => ({
  ...{ kind: 'validation', step: number, f1, auc: null, falseAlarmArea: null, seconds: 999 },
  ...{ tamperedImages: 1, authenticImages: 0 },
});
const records = [step(1, 5), step(2, 1), validation(2, 0.25), step(3, 0.5), validation(3, 0.75)];

const report = (f1: number) =>
  ({
    sets: {
      forged: {
        tampered: {
          ...{ images: 7, f1: { perImage: f1 }, markEverything: { perImage: 0.125 }, auc: { perImage: 0.875 } },
        },
        authentic: { images: 0, falseAlarmArea: null },
        intervals: { 'f1.perImage': { low: 0.375, high: 0.625 } },
      },
      real: {
        tampered: { images: 0 },
        authentic: { images: 3, falseAlarmArea: 0.0625 },
        intervals: {},
      },
    },
  }) as unknown as ModelReport;
const robustness = {
  untouched: { f1: { value: 0.5 } },
  series: [{ levels: [{ chain: 'blur_sigma=1', overall: { f1: { value: 0.0625 } } }] }],
} as unknown as Robustness;
const result = (f1: number, more: Partial<Result> = {}): Result => ({
  ...{ title: 'A', parameters: 1.5e6, records, batch: 3, report: report(f1), robustness, ...more },
});

test('the minutes are those of the steps; validations take none', () => {
  expect(minutesOf({ records, batch: 3 })).toEqual([0.5, 1, 1, 1.5, 1.5]);
});

test('the tables say what the budget bought, and what came of it', () => {
  const text = bakeoffTables([result(0.5), result(0.25, { title: 'B' })]);
  for (const line of [
    '| A | 1.5 M | 3.0 | 3 | 9 | 1.5 | 0.500 |',
    '| B | 1.0: 0.250, 1.5: 0.750 |',
    '| A | 0.500 [0.375, 0.625] | 6.3 % |',
    '| B | 0.250 [0.375, 0.625] | 6.3 % |',
    '| marking everything | 0.125 | 100.0 % |',
    '| B | 0.875 |',
    '| F1 of all sets together | untouched | blur_sigma=1 |',
    '| A | 0.500 | 0.063 |',
  ])
    expect(text.split('\n')).toContain(line);
});

test('without degradations there is no table of them', () => {
  expect(bakeoffTables([result(0.5, { robustness: null })])).not.toContain('untouched');
  expect(bakeoffTables([])).toBe('');
});
