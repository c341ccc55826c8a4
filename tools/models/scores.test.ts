import type { SetReport } from '@forgelens/evaluate';
import { expect, test } from 'vitest';
import type { ModelReport } from './scores.ts';
import { fillTables, scoresOf, scoreTables } from './scores.ts';

const nothing = { perImage: null, pooled: null };
const interval = { low: 0.41, high: 0.59 };
const excluding = { ...nothing, excluded: 0 };
const binned = { ...excluding, pooledErrorBound: null };
const empty: Pick<SetReport, 'samples' | 'scored' | 'excluded' | 'tampered' | 'authentic'> = {
  samples: 2,
  scored: 2,
  excluded: 0,
  tampered: {
    ...{ images: 0, f1: nothing, iou: nothing, dice: nothing, markEverything: nothing },
    ...{ precision: excluding, recall: nothing, mcc: excluding, auc: binned, averagePrecision: binned },
    f1AtBestThreshold: { ofEachImage: null, ofTheSet: { perImage: null, pooled: null } },
  },
  authentic: { images: 0, specificity: null, falseAlarmArea: null, imagesFlagged: 0 },
};
const taken = (perImage: number, pooled: number) => ({ perImage, pooled });
const report = (f1: number, manifestSha256 = 'same') =>
  ({
    manifestSha256,
    data: { split: 'dev' },
    sets: {
      forged: {
        ...empty,
        intervals: { 'f1.perImage': interval },
        tampered: {
          ...{
            images: 2,
            f1: taken(f1, 0.4),
            iou: taken(0.3, 0.25),
            dice: taken(f1, 0.4),
            markEverything: taken(0.1, 0.2),
          },
          auc: { ...taken(0.8, 0.75), pooledErrorBound: 0, excluded: 0 },
        },
      },
      real: {
        ...empty,
        intervals: {},
        authentic: { images: 2, specificity: 0.99, falseAlarmArea: 0.01234, imagesFlagged: 1 },
      },
    },
    images: [
      { set: 'forged', label: 1, score: 0.9 },
      { set: 'forged', label: 1, score: 0.6 },
      { set: 'real', label: 0, score: 0.59 },
      { set: 'real', label: 0, score: 0.2 },
    ],
  }) as unknown as ModelReport;

test('a report becomes the scores of a model card, without what was not measured', () => {
  expect(scoresOf(report(0.5)).map(({ set, metric, value }) => `${set}: ${metric}: ${value}`)).toEqual([
    'dev/forged: F1 at 0.5, mean of the images: 0.5',
    'dev/forged: F1 at 0.5, pooled: 0.4',
    'dev/forged: IoU at 0.5, mean of the images: 0.3',
    'dev/forged: pixel AUC, mean of the images: 0.8',
    'dev/real: false-alarm area at 0.5: 0.0123',
  ]);
});

test('a report becomes tables, beside an untrained network on the same pictures', () => {
  expect(scoreTables(report(0.5), report(0.05))).toMatchInlineSnapshot(`
    "| Tampered pictures | Scored | F1 | 95 % of F1 | IoU | AUC | F1 of marking everything | F1 untrained |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | dev/forged | 2 | 0.500 / 0.400 | 0.410 to 0.590 | 0.300 / 0.250 | 0.800 / 0.750 | 0.100 / 0.200 | 0.050 / 0.400 |

    | Authentic pictures | Scored | False-alarm area | Pictures with a flagged pixel |
    | --- | --- | --- | --- |
    | dev/real | 2 | 1.2 % | 1 |"
  `);
  expect(() => scoreTables(report(0.5), report(0.05, 'other'))).toThrow(
    'the report of the untrained network is on other pictures',
  );
});

test('with an operating point, tables tell how many pictures reach it', () => {
  expect(scoreTables(report(0.5), null, { score: 0.6 })).toMatchInlineSnapshot(`
    "| Tampered pictures | Scored | F1 | 95 % of F1 | IoU | AUC | F1 of marking everything | Worth a look |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | dev/forged | 2 | 0.500 / 0.400 | 0.410 to 0.590 | 0.300 / 0.250 | 0.800 / 0.750 | 0.100 / 0.200 | 100.0 % |

    | Authentic pictures | Scored | False-alarm area | Pictures with a flagged pixel | Worth a look |
    | --- | --- | --- | --- | --- |
    | dev/real | 2 | 1.2 % | 1 | 0.0 % |"
  `);
});

test('tables go between the markers, again and again', () => {
  const filled = fillTables('a <!-- scores --> old <!-- /scores --> b', 'new');
  expect(filled).toBe('a <!-- scores -->\n\nnew\n\n<!-- /scores --> b');
  expect(fillTables(filled, 'new')).toBe(filled);
  expect(() => fillTables('no markers', 'new')).toThrow(
    'no place for the scores; add <!-- scores --> and <!-- /scores -->',
  );
});
