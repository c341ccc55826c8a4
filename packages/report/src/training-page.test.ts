import type { MetricsRecord, RunRecord, StoredView } from '@forgelens/train';
import { checkConfig } from '@forgelens/train';
import { expect, test } from 'vitest';
import { trainingPage } from './training-page.ts';

const config = checkConfig(
  {
    ...{ model: { id: 'unet' }, steps: 2000, batch: 4, accumulate: 2, size: 64, clip: 1 },
    ...{ optimizer: { name: 'adamw', learningRate: 0.01 }, data: { index: 'data/<index>.csv' } },
  },
  'made up',
);
const run: RunRecord = {
  formatVersion: 1,
  config,
  versions: { forgelens: '1.2.3', node: '20.19.0' },
  runtime: 'node-cpu',
  parameters: 1761,
  data: { counts: { trainTampered: 1234, validationTampered: 10 }, manifestSha256: 'ab'.repeat(32) },
  started: '2026-01-31T12:34:56.789Z',
  ended: null,
};

/** Eight images a second, half of the time waited for; a validation every hundred steps, the best after 400. */
const records = (steps: number): MetricsRecord[] =>
  Array.from({ length: steps }, (_, i): MetricsRecord[] => {
    const step = i + 1;
    const taken: MetricsRecord = {
      ...{ kind: 'step', step, loss: 1 / step, learningRate: 0.01, gradientNorm: 2 },
      ...{ imagesPerSecond: 8, waitedSeconds: 0.5 },
    };
    const f1 = step === 400 ? 0.9 : 0.25;
    const measured: MetricsRecord = {
      ...{ kind: 'validation', step, f1, auc: 0.75, falseAlarmArea: 0.125 },
      ...{ tamperedImages: 10, authenticImages: 1, seconds: 30 },
    };
    return step % 100 === 0 ? [taken, measured] : [taken];
  }).flat();

const view: StoredView = {
  picture: Uint8Array.of(1),
  truth: Uint8Array.of(2),
  maps: Array.from({ length: 20 }, (_, i) => ({ step: 100 * (i + 1), map: Uint8Array.of(10 + i) })),
};

const text = (page: string): string => page.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

test('a page of a training shows how it goes, what it depends on, and a few pictures over time', () => {
  const page = trainingPage({ run, records: records(1900), views: [view] });
  const said = text(page);
  expect(said).toContain('1,900 steps of 2,000; begun 2026-01-31 12:34 UTC; not ended yet.');
  expect(said).toContain('Best F1 in validation 0.900 after step 400; 0.250 after the last');
  expect(said).toContain('False-alarm area, last 12.5 % 1 authentic image');
  expect(said).toContain('Time 41 min 8.00 images/s; 50.0 % of it waiting for pictures; validation 10 min');
  for (const title of ['Training loss', 'Validation', 'False alarms in validation', 'Learning rate'])
    expect(page).toContain(`<figcaption><strong>${title}</strong></figcaption>`);
  expect(said).toContain('Norm of the gradients, before clipping');
  expect(said).toContain('Train tampered 1,234');
  expect(page).toContain('data/&#60;index&#62;.csv');
  expect(page).not.toMatch(/NaN|undefined|<script|(?:src|href)="(?!data:)/);

  // Of the nineteen that are on record twelve are shown; steps that a resumed training has yet to reach are not.
  const shown = [...page.matchAll(/<figcaption>step ([\d,]+)<\/figcaption>/g)].map(([, step]) => step);
  expect(shown).toEqual([
    ...['100', '300', '400', '600', '800', '900'],
    ...['1,100', '1,200', '1,400', '1,600', '1,700', '1,900'],
  ]);
});

test('a training that has just begun, and one without validation, have a page', () => {
  const fresh = trainingPage({ run, records: [], views: [] });
  expect(text(fresh)).toContain('0 steps of 2,000');
  expect(fresh).not.toContain('Curves');
  const plain = records(3).map(record => (record.kind === 'step' ? { ...record, gradientNorm: undefined } : record));
  const ended = { at: '2026-02-01T00:00:00Z', step: 3, why: 'failed' } as const;
  const page = trainingPage({ run: { ...run, ended }, records: plain, views: [] });
  expect(text(page)).toContain(
    '3 steps of 2,000; begun 2026-01-31 12:34 UTC; failed after step 3, 2026-02-01 00:00 UTC.',
  );
  expect(page).not.toMatch(/NaN|undefined|Norm of the gradients|False alarms/);
});
