import { expect, test } from 'vitest';

import { build } from './graph.ts';
import * as ops from './ops/index.ts';
import { nodeCpu, runOnce } from './runtime/node/index.ts';
import { float32, int64, Tensor } from './tensor.ts';
import { constant, input, scalar } from './value.ts';

test('a graph holds only what its outputs need, each node once and after its inputs', () => {
  const x = input('float32', [2]);
  const h = ops.exp(x);
  const y = ops.mul(ops.add(h, x), h);
  ops.log(h);
  const { nodes } = build({ inputs: { x }, outputs: { y, h } });
  expect(nodes.map(node => (node.op as { onnx: string }).onnx)).toEqual(['Exp', 'Add', 'Mul']);
});

test('a value that nothing gives is refused with the line that uses it', () => {
  const [x, stranger] = [input('float32', [2]), input('float32', [2, 2])];
  const y = ops.add(x, stranger);
  expect(() => build({ inputs: { x }, outputs: { y } })).toThrow(
    /^build: a float32 value of shape \[2,2\] is neither an input, nor state, nor a weight; Add uses it, made at \S*graph\.test\.ts:\d+:\d+/,
  );
  expect(() => build({ inputs: {}, outputs: { x } })).toThrow(
    /^build: a float32 value of shape \[2\] is neither an input, nor state, nor a weight$/,
  );
});

test('a state whose next value has another type is refused', () => {
  const value = input('float32', [2]);
  const next = ops.concat([value, value], 0);
  expect(() => build({ inputs: {}, outputs: {}, state: { mean: { value, next } } })).toThrow(
    'build: state "mean" is float32 [2] but its next value is float32 [4]',
  );
});

test('a value bound as a weight runs without being fed', async () => {
  const [x, w] = [input('float32', [2]), input('float32', [2])];
  const weights = new Map([[w, { name: 'w', tensor: float32([2], [10, 20]) }]]);
  const { y } = await runOnce(nodeCpu(), build({ inputs: { x }, outputs: { y: ops.mul(x, w) }, weights }), {
    x: float32([2], [1, 2]),
  });
  expect(y).toEqual(float32([2], [10, 40]));
});

test('an output may be an input, a constant, or another output', async () => {
  const x = input('float32', [1]);
  const y = ops.neg(x);
  const outputs = { x, y, again: y, one: scalar(1) };
  expect(
    await runOnce(nodeCpu(), build({ inputs: { 'the input': x }, outputs }), { 'the input': float32([1], [3]) }),
  ).toEqual({
    x: float32([1], [3]),
    y: float32([1], [-3]),
    again: float32([1], [-3]),
    one: float32([], [1]),
  });
});

test('state stays between runs and can be read', async () => {
  const [steps, sum, x] = [input('int64', []), input('float32', [2]), input('float32', [2])];
  const nextSum = ops.add(sum, x);
  const state = {
    steps: { value: steps, next: ops.add(steps, scalar(1, 'int64')) },
    sum: { value: sum, next: nextSum },
  };
  const first = { steps: int64([], [40]), sum: float32([2], [0, 0]) };
  const executable = await nodeCpu().compile(
    build({ inputs: { x }, outputs: { before: sum, after: nextSum }, state }),
    first,
  );
  const before = await executable.run({ x: float32([2], [1, 2]) });
  const after = await executable.run({ x: float32([2], [10, 20]) });
  const read = await executable.readState();
  await executable.run({ x: float32([2], [100, 200]) });
  expect(before).toEqual({ before: float32([2], [0, 0]), after: float32([2], [1, 2]) });
  expect(after).toEqual({ before: float32([2], [1, 2]), after: float32([2], [11, 22]) });
  // What was read is a copy: later runs do not change it, nor was the first state changed.
  expect(read).toEqual({ steps: int64([], [42]), sum: float32([2], [11, 22]) });
  expect(first).toEqual({ steps: int64([], [40]), sum: float32([2], [0, 0]) });
  expect((await executable.readState())['steps']).toEqual(int64([], [43]));
  await executable.close();
});

test('a tensor that is missing or does not fit is refused', async () => {
  const x = input('float32', [2]);
  const graph = build({
    inputs: { x },
    outputs: { y: ops.neg(x) },
    state: { s: { value: input('int64', []), next: scalar(1, 'int64') } },
  });
  await expect(nodeCpu().compile(graph)).rejects.toThrow('run: state "s" (int64 []) is missing');
  const executable = await nodeCpu().compile(graph, { s: int64([], [1]) });
  await expect(executable.run({})).rejects.toThrow('run: input "x" (float32 [2]) is missing');
  await expect(executable.run({ x: new Tensor('float32', [3]) })).rejects.toThrow(
    'run: input "x" is float32 [3] but the graph takes float32 [2]',
  );
  await executable.close();
});

test('a node that fails in ONNX Runtime is named with the line that made it', async () => {
  const x = input('float32', [3, 2]);
  const y = ops.gather(x, constant(int64([1], [7])));
  await expect(
    runOnce(nodeCpu(), build({ inputs: { x }, outputs: { y } }), { x: new Tensor('float32', [3, 2]) }),
  ).rejects.toThrow(
    /^Gather of float32 \[3,2\], int64 \[1\] failed in ONNX Runtime: .*idx=7[^]*\n {2}made at \S*graph\.test\.ts:\d+:\d+/,
  );
});

test('a node that ONNX Runtime refuses is named itself, not the node it takes from', async () => {
  const x = input('int32', [2]);
  const y = ops.sin(ops.reshape(x, [1, 2]));
  await expect(nodeCpu().compile(build({ inputs: { x }, outputs: { y } }))).rejects.toThrow(
    /^Sin of int32 \[1,2\] failed in ONNX Runtime: [^]*\n {2}made at \S*graph\.test\.ts:\d+:\d+/,
  );
});
