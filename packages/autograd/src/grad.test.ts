import { expect, test } from 'vitest';

import { grad } from './grad.ts';
import { build } from './graph.ts';
import * as ops from './ops/index.ts';
import { Random } from './random.ts';
import { nodeCpu, runOnce } from './runtime/node/index.ts';
import { float32 } from './tensor.ts';
import { difference, randomTensor } from './testing/index.ts';
import type { CompositeOp, PrimitiveOp, Value } from './value.ts';
import { apply1, constant, input, scalar } from './value.ts';

/** The values of graphs of one input x. */
async function evaluate(x: Value, at: readonly number[], ...values: readonly (Value | null)[]): Promise<number[][]> {
  const outputs = Object.fromEntries(values.map((value, i) => [`y${i}`, value!]));
  const results = await runOnce(nodeCpu(), build({ inputs: { x }, outputs }), { x: float32(x.shape, at) });
  return values.map((_, i) => [...(results[`y${i}`]!.data as Float32Array)]);
}

test('a value that is used twice collects both cotangents', async () => {
  const x = input('float32', [2]);
  const y = ops.add(ops.mul(x, x), x);
  expect(await evaluate(x, [3, -1], ...grad(y, [x]))).toEqual([[7, -1]]);
});

test('dy weighs the gradient', async () => {
  const x = input('float32', [2]);
  expect(await evaluate(x, [3, -1], ...grad(ops.square(x), [x], ops.mul(x, scalar(10))))).toEqual([[180, 20]]);
});

test('gradients are taken in values inside the graph, and in y itself', async () => {
  const x = input('float32', [1]);
  const h = ops.mul(x, x);
  const y = ops.mul(h, h);
  expect(await evaluate(x, [2], ...grad(y, [h, y, x]))).toEqual([[8], [1], [32]]);
});

test('what y does not depend on has no gradient', () => {
  const [x, other] = [input('float32', [2]), input('float32', [2])];
  expect(grad(ops.square(x), [other])).toEqual([null]);
  expect(grad(ops.add(ops.stopGradient(x), other), [x])).toEqual([null]);
  expect(grad(ops.cast(ops.cast(x, 'int64'), 'float32'), [x])).toEqual([null]);
  expect(grad(ops.cast(ops.argMax(x, 0), 'float32'), [x])).toEqual([null]);
  expect(grad(ops.where(ops.greater(x, other), scalar(1), scalar(0)), [x, other])).toEqual([null, null]);
});

test('a composite op has its own rule, and is differentiated by it again', async () => {
  const cube: CompositeOp<readonly [x: Value], null> = {
    composite: 'cube',
    build: ([x]) => ops.mul(ops.mul(x, x), x),
    vjp: (dy, { inputs: [x] }) => [ops.mul(dy, ops.mul(scalar(3), cubeRootSquare(x)))],
  };
  // Its gradient goes through another composite op.
  const squareOp: CompositeOp<readonly [x: Value], null> = {
    composite: 'square',
    build: ([x]) => ops.mul(x, x),
    vjp: (dy, { inputs: [x] }) => [ops.mul(dy, ops.mul(scalar(2), x))],
  };
  const cubeRootSquare = (x: Value) => apply1(squareOp, [x], null);
  const x = input('float32', [2]);
  const y = apply1(cube, [x], null);
  const [first] = grad(y, [x]);
  const [second] = grad(first!, [x]);
  const [third] = grad(second!, [x]);
  expect(await evaluate(x, [2, -3], y, first!, second!, third!)).toEqual([
    [8, -27],
    [12, 27],
    [12, -18],
    [6, 6],
  ]);
});

test('a long chain does not overflow the stack', async () => {
  const x = input('float32', [1]);
  let y: Value = x;
  for (let i = 0; i < 5000; i++) y = ops.add(y, x);
  const [dx] = grad(y, [x]);
  expect(dx!.shape).toEqual([1]);
  expect(build({ inputs: { x }, outputs: { y } }).nodes).toHaveLength(5000);
});

test('a dy of another shape than y is refused', () => {
  const x = input('float32', [2, 3]);
  expect(() => grad(x, [x], scalar(1))).toThrow('grad: dy has shape [] but y has [2,3]');
});

test('a rule that gives a cotangent of a wrong shape is named with the line that used it', () => {
  const wrong: PrimitiveOp<readonly [x: Value], null> = {
    onnx: 'Identity',
    infer: ([x]) => [x],
    vjp: dy => [ops.reduceSum(dy)],
  };
  const x = input('float32', [2, 3]);
  const y = apply1(wrong, [x], null);
  expect(() => grad(y, [x])).toThrow(
    /^grad: Identity gave a cotangent of shape \[\] for input 0 of shape \[2,3\]; made at \S*grad\.test\.ts:\d+:\d+/,
  );
});

test('an output that is cheap to compute again is not kept for gradients', () => {
  const x = input('float32', [2]);
  const kept = ops.gelu(x);
  const y = ops.square(kept);
  const [dx] = grad(y, [x]);
  const users = build({ inputs: { x }, outputs: { dx: dx! } }).nodes.filter(({ inputs }) => inputs.includes(kept));
  expect(users).toEqual([]);
});

test('with some values kept, the others are computed anew and the gradients are the same', async () => {
  const [x, w, v] = [input('float32', [80, 64]), input('float32', [64, 64]), input('float32', [64, 64])];
  const layer = (h: Value, weight: Value) => ops.add(h, ops.gelu(ops.layerNorm(ops.matmul(h, weight), bias, bias)));
  const bias = constant(float32([64], Array(64).fill(0.5)));
  const [first, second] = [layer(x, w), layer(layer(x, w), v)];
  const middle = layer(ops.sigmoid(first), v);
  const y = ops.reduceSum(ops.square(ops.add(layer(middle, w), second)));
  const graph = (kept: readonly Value[]) => {
    const [dx, dw, dv] = grad(y, [x, w, v], undefined, { kept });
    return build({ inputs: { x, w, v }, outputs: { dx: dx!, dw: dw!, dv: dv! } });
  };
  const random = new Random(5);
  const feeds = Object.fromEntries(
    Object.entries({ x, w, v }).map(([name, { shape }]) => [name, randomTensor(shape, random)]),
  );
  const [plain, again] = [graph([]), graph([first, middle])];
  expect(again.nodes.length).toBeGreaterThan(plain.nodes.length);
  const expected = await runOnce(nodeCpu({ threads: 1 }), plain, feeds);
  const actual = await runOnce(nodeCpu({ threads: 1 }), again, feeds);
  for (const [name, tensor] of Object.entries(expected))
    expect(difference(actual[name]!, tensor, { rtol: 1e-5, atol: 1e-5 })).toBeNull();
});
