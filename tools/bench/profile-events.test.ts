import { expect, test } from 'vitest';
import type { ProfileEvent } from './profile-events.ts';
import { lastRun, nodeNameOf, shapesOf, totalsByOperator } from './profile-events.ts';

const node = (name: string, operator: string, ts: number, dur: number): ProfileEvent => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: {
    op_name: operator,
    input_type_shape: [{ float: [2, 3] }, { int64: [] }],
    output_type_shape: [{ float: [6] }],
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
    { operator: 'Conv', us: 70, count: 2 },
    { operator: 'Add', us: 50, count: 1 },
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
  expect(shapesOf(events[0]!)).toBe('[2,3] [] → [6]');
});
