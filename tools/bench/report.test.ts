import { expect, test } from 'vitest';
import { jobs } from './jobs.ts';
import { alignColumns, chooseJobs, compare, median, parsePairs, tableOf } from './report.ts';

const train = jobs.find(({ id }) => id === 'unet:train')!;

test('the median of an odd count is the middle value, of an even count the mean of the two middle ones', () => {
  expect(median([30, 1, 2])).toBe(2);
  expect(median([4, 1, 100, 2])).toBe(3);
  expect(() => median([])).toThrow('median: there are no values');
});

test('the ratio is the median of the ratios within pairs, and a disturbed pair does not move it', () => {
  const result = compare(train, { ms: [110, 110, 900], peakRssBytes: 3e9 }, { ms: [100, 100, 850], peakRssBytes: 2e9 });
  expect(result.time).toEqual({ ratio: 1.1, target: 1, met: false });
  expect(result.memory).toEqual({ ratio: 1.5, target: 1, met: false });
  expect(result.medianMs).toEqual({ ours: 110, pytorch: 100 });
  expect(result.spread).toEqual([900 / 850, 1.1]);
});

test('ours has to be as fast as PyTorch', () => {
  const taking = (ms: number) => ({ ms: [ms], peakRssBytes: 1 });
  expect([99, 100, 101].map(ms => compare(train, taking(ms), taking(100)).time.met)).toEqual([true, true, false]);
});

test('a table has one line for each job, with times, memory, ratios and verdicts', () => {
  const result = compare(train, { ms: [90, 99], peakRssBytes: 3e9 }, { ms: [100, 100], peakRssBytes: 2e9 });
  expect(tableOf([result]).join('\n')).toMatchInlineSnapshot(`
    "job         ours ms  PyTorch ms  ratio     spread   target  ours MB  PyTorch MB  ratio      target
    unet:train       95         100   0.95  0.90–0.99  1.0 met     3000        2000   1.50  1.0 missed"
  `);
});

test('columns are as wide as their widest cell', () => {
  expect(
    alignColumns([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
  ).toEqual(['a    bb', 'ccc   d']);
});

test('jobs are chosen by their ids, and all are without a choice', () => {
  expect(chooseJobs('unet:train,m2sformer:train').map(({ id }) => id)).toEqual(['unet:train', 'm2sformer:train']);
  expect(chooseJobs(undefined)).toHaveLength(jobs.length);
  expect(() => chooseJobs('unet')).toThrow(
    `--only: there is no job "unet"; there are: ${jobs.map(({ id }) => id).join(', ')}`,
  );
});

test.each(['0', '2.5', 'many', ''])('"%s" is no number of pairs', text => {
  expect(() => parsePairs(text)).toThrow(`--pairs: "${text}" is not a whole number of at least 1`);
});
