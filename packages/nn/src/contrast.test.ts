import type { Value } from '@forgelens/autograd';
import { Random, ShapeError, build, constant, fill, flip, float32, grad, input } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { checkGradients, difference, randomTensor } from '@forgelens/autograd/testing';
import { expect, test } from 'vitest';
import { infoNce } from './contrast.ts';

const [queries, negatives, channels] = [6, 5, 4];
const temperature = 0.1;
const random = new Random('contrast');
const [q, n] = [randomTensor([2, queries, channels], random), randomTensor([2, negatives, channels], random)];
const runtime = nodeCpu({ threads: 1 });

const counts = (rows: readonly (readonly number[])[]): Value =>
  constant(float32([rows.length, rows[0]!.length, 1], rows.flat()));

/** The loss of each image, and its gradients in the rows. */
async function contrast(queryCounts: readonly number[][], negativeCounts: readonly number[][]) {
  const [query, negative] = [input('float32', q.shape), input('float32', n.shape)];
  const loss = infoNce(
    { rows: query, counts: counts(queryCounts) },
    { rows: negative, counts: counts(negativeCounts) },
    temperature,
  );
  const [dq, dn] = grad(loss, [query, negative]);
  const graph = build({ inputs: { query, negative }, outputs: { loss, dq: dq!, dn: dn! } });
  const results = await runOnce(runtime, graph, { query: q, negative: n });
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}

const row = (data: ArrayLike<number>, i: number): number[] =>
  Array.from({ length: channels }, (_, c) => data[i * channels + c]!);
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const cosine = (a: readonly number[], b: readonly number[]): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

/** The loss of the first image as its definition has it, pair by pair, over the rows that count. */
function byDefinition(queryCounts: readonly number[], negativeCounts: readonly number[]): number {
  const chosen = (data: ArrayLike<number>, which: readonly number[]) =>
    which.flatMap((counted, i) => (counted === 1 ? [row(data, i)] : []));
  const [anchors, others] = [chosen(q.data, queryCounts), chosen(n.data, negativeCounts)];
  const losses = anchors.map((anchor, i) => {
    const rest = anchors.filter((_, j) => j !== i);
    const positive = rest.reduce((sum, other) => sum + cosine(anchor, other), 0) / rest.length;
    const excess = others.reduce((sum, other) => sum + Math.exp((cosine(anchor, other) - positive) / temperature), 0);
    return Math.log(1 + excess);
  });
  return losses.reduce((a, b) => a + b) / losses.length;
}

test('the contrast is the mean of its definition over the queries that count', async () => {
  const [some, others] = [
    [1, 0, 1, 1, 0, 1],
    [0, 1, 1, 0, 1],
  ];
  const all = Array<number>(queries).fill(1);
  const { loss } = await contrast([some, all], [others, others]);
  expect(loss![0]).toBeCloseTo(byDefinition(some, others), 4);
});

test('its gradients are those of finite differences', async () => {
  const f = (query: Value, negative: Value): Value =>
    infoNce(
      {
        rows: query,
        counts: counts([
          [1, 0, 1, 1, 0, 1],
          [1, 1, 1, 1, 1, 1],
        ]),
      },
      {
        rows: negative,
        counts: counts([
          [0, 1, 1, 0, 1],
          [1, 1, 1, 1, 1],
        ]),
      },
      0.5,
    );
  await checkGradients(f, { runtime, shapes: [q.shape, n.shape], seed: 3 });
});

test('queries that are too many for one product give the same in any order', async () => {
  const [rows, others] = [input('float32', [1, 3000, 2]), input('float32', [1, 2000, 2])];
  const all = (x: Value) => ({ rows: x, counts: fill(1, [1, x.shape[1]!, 1]) });
  const contrastOf = (x: Value): Value => infoNce(all(x), all(others));
  const gradients = [rows, flip(rows, 1)].map(x => grad(contrastOf(x), [rows, others]));
  const outputs = Object.fromEntries(
    gradients.flatMap(([d, e], i) => [
      [`rows${i}`, d!],
      [`others${i}`, e!],
    ]),
  );
  const graph = build({ inputs: { rows, others }, outputs });
  const feeds = { rows: randomTensor(rows.shape, random), others: randomTensor(others.shape, random) };
  const results = await runOnce(runtime, graph, feeds);
  for (const name of ['rows', 'others'])
    expect(difference(results[`${name}1`]!, results[`${name}0`]!, { rtol: 1e-3, atol: 1e-6 })).toBeNull();
});

test.each([
  ['no tampered pixel', [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0]],
  ['no authentic pixel', [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1]],
  ['one authentic pixel', [0, 0, 1, 0, 0, 0], [1, 1, 1, 1, 1]],
  ['no pixel at all', [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
])('an image with %s adds nothing to the loss and to its gradients', async (_, queryCounts, negativeCounts) => {
  const other = [Array<number>(queries).fill(1), Array<number>(negatives).fill(1)] as const;
  const { loss, dq, dn } = await contrast([queryCounts, other[0]], [negativeCounts, other[1]]);
  expect(loss![0]).toBe(0);
  expect(dq!.slice(0, queries * channels).every(d => Math.abs(d) === 0)).toBe(true);
  expect(dn!.slice(0, negatives * channels).every(d => Math.abs(d) === 0)).toBe(true);
  expect(loss![1]).toBeGreaterThan(0);
});

test('a pixel without features has a finite gradient', async () => {
  const rows = input('float32', [1, 3, 2]);
  const ones = { rows, counts: counts([[1, 1, 1]]) };
  const [d] = grad(infoNce(ones, ones), [rows]);
  const graph = build({ inputs: { rows }, outputs: { d: d! } });
  const results = await runOnce(runtime, graph, { rows: float32([1, 3, 2], [0, 0, 1, 2, 2, -1]) });
  expect([...(results['d']!.data as Float32Array)].every(Number.isFinite)).toBe(true);
});

test('rows and counts that do not fit are refused', () => {
  const [rows, wrong] = [input('float32', [2, 3, 4]), input('float32', [2, 3])];
  expect(() => infoNce({ rows, counts: wrong }, { rows, counts: wrong })).toThrow(
    new ShapeError('infoNce', 'counts [2,3] must be [N, P, 1] for rows [N, P, C], got [2,3,4]'),
  );
  const other = input('float32', [1, 3, 4]);
  expect(() =>
    infoNce({ rows, counts: input('float32', [2, 3, 1]) }, { rows: other, counts: input('float32', [1, 3, 1]) }),
  ).toThrow(
    new ShapeError('infoNce', 'queries [2,3,4] and negatives [1,3,4] must have one number of images and of channels'),
  );
});
