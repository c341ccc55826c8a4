import { expect, test } from 'vitest';
import type { MetricsRecord } from '@forgelens/train';
import { summarizeRuns } from './table.ts';

const step = (loss: number): MetricsRecord => ({
  ...{ kind: 'step', step: 1, loss, learningRate: 0, gradientNorm: 0, imagesPerSecond: 0, waitedSeconds: 0 },
});
const validation = (f1: number, auc: number | null): MetricsRecord => ({
  ...{ kind: 'validation', step: 1, f1, auc, falseAlarmArea: null, tamperedImages: 1, authenticImages: 0, seconds: 0 },
});

test('of each variant, the mean of its runs and their standard deviation, from the last validation', () => {
  const [head, code, paper] = summarizeRuns([
    { variant: 'code', records: [step(1), validation(0, 0), validation(0.2, 0.6)] },
    { variant: 'paper', records: [step(4), validation(0.5, null)] },
    { variant: 'code', records: [step(3), validation(0.4, 0.8)] },
  ]);
  expect(head).toMatch(/variant +runs +last loss +F1 +AUC/);
  expect(code).toMatch(/code +2 +2\.000 ± 1\.414 +0\.300 ± 0\.141 +0\.700 ± 0\.141/);
  expect(paper).toMatch(/paper +1 +4\.000 +0\.500 +–/);
});

test('the loss is the mean of the last twenty steps', () => {
  const losses = Array.from({ length: 40 }, (_, i) => step(i < 20 ? 100 : 1));
  expect(summarizeRuns([{ variant: 'code', records: losses }])[1]).toMatch(/code +1 +1\.000/);
});
