import { expect, test } from 'vitest';
import type { ProfileEvent } from './profile-events.ts';
import { flopsOf, lastRun, nodeNameOf, shapesOf, totalsByOperator } from './profile-events.ts';

const node = (name: string, operator: string, ts: number, dur: number): ProfileEvent => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: {
    op_name: operator,
    input_type_shape: [{ float: [2, 3] }, { int64: [] }],
    output_type_shape: operator === 'Conv' ? [] : [{ float: [6] }],
  },
});
const session = (ts: number, dur: number): ProfileEvent => ({ cat: 'Session', name: 'model_run', ts, dur, args: {} });
const events = [
  node('Conv_0', 'Conv', 10, 900),
  session(5, 1000),
  node('Conv_0', 'Conv', 2010, 30),
  node('Add_1', 'Add', 2050, 50),
  node('Conv_2', 'Conv', 2110, 40),
  session(2000, 500),
];

test('only the nodes of the last run count', () => {
  const { ms, nodes } = lastRun(events);
  expect(ms).toBe(0.5);
  expect(totalsByOperator(nodes)).toEqual([
    { operator: 'Conv', us: 70, count: 2, flops: 0 },
    { operator: 'Add', us: 50, count: 1, flops: 0 },
  ]);
});

test('a profile without a run says so', () => {
  expect(() => lastRun(events.slice(0, 1))).toThrow('the profile holds no run');
});

test('a node is found by the name that our writer gave it, also inside a merged one', () => {
  expect(nodeNameOf(events[0]!)).toBe('Conv_0');
  expect(nodeNameOf(node('fused Conv_12_nchwc', 'Conv', 0, 1))).toBe('Conv_12');
  expect(nodeNameOf(node('output next.head.bias', 'Identity', 0, 1))).toBe('');
});

test('shapes are written without their types', () => {
  expect(shapesOf(events[3]!)).toBe('[2,3] [] → [6]');
});

test.each([
  ['Conv', [2, 8, 5, 5], [4, 8, 3, 3], [2, 4, 5, 5], 2 * (2 * 4 * 5 * 5) * (8 * 3 * 3)],
  ['Conv', [2, 8, 5, 5], [8, 1, 3, 3], [2, 8, 5, 5], 2 * (2 * 8 * 5 * 5) * (3 * 3)],
  ['ConvTranspose', [2, 8, 5, 5], [8, 4, 2, 2], [2, 4, 10, 10], 2 * (2 * 8 * 5 * 5) * (4 * 2 * 2)],
  ['MatMul', [3, 5, 7], [3, 7, 2], [3, 5, 2], 2 * 3 * 5 * 2 * 7],
  ['FusedMatMul', [3, 7, 5], [3, 7, 2], [3, 5, 2], 2 * 3 * 5 * 2 * 7],
  ['Gemm', [7, 5], [7, 2], [5, 2], 2 * 5 * 2 * 7],
  ['Add', [7, 5], [7, 5], [7, 5], 0],
])('the operations of %s %j %j are counted', (op_name, first, second, output, flops) => {
  const [input_type_shape, output_type_shape] = [[{ float: first }, { float: second }], [{ float: output }]];
  expect(flopsOf({ op_name, input_type_shape, output_type_shape })).toBe(flops);
});
