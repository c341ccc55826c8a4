import { describe, expect, test } from 'vitest';

import { grad } from '../grad.ts';
import { build } from '../graph.ts';
import { Random } from '../random.ts';
import { nodeCpu, runOnce } from '../runtime/node/index.ts';
import type { Tensor } from '../tensor.ts';
import { float32 } from '../tensor.ts';
import { checkGradients, difference, gradientCases, helpers, randomTensor, valueCases } from '../testing/index.ts';
import type { Value } from '../value.ts';
import { input } from '../value.ts';
import * as ops from './index.ts';
import type { GradientCase } from './op-cases.ts';

const runtime = nodeCpu({ threads: 1 });

const cases = Object.entries(gradientCases).flatMap(([op, variants]) =>
  Object.entries(variants).map(([variant, gradientCase]) => ({ name: `${op} ${variant}`, gradientCase })),
);

test('every exported op is in a table, and is called by its cases', () => {
  const known = new Set<string>([...Object.keys(gradientCases), ...Object.keys(valueCases), ...helpers]);
  expect(Object.keys(ops).filter(name => !known.has(name))).toEqual([]);
  for (const [op, variants] of Object.entries(gradientCases))
    for (const [variant, { f }] of Object.entries(variants))
      if (!f.toString().includes(op) && !op.startsWith('reduce')) expect.fail(`${op} ${variant} does not call ${op}`);
});

describe('the gradient is right:', () => {
  test.each(cases)('$name', ({ gradientCase: { f, ...check } }) => checkGradients(f, { runtime, ...check }));
});

describe('the gradient of the gradient is right:', () => {
  test.each(cases.filter(({ gradientCase }) => gradientCase.smooth))('$name', ({ gradientCase: { f, ...check } }) =>
    checkGradients(f, { runtime, ...check, order: 2 }),
  );
});

/** Runs a function and its gradients with every value on the way as an output: the runtime checks each one's type. */
async function runEverything({
  f,
  shapes,
  inputs: points,
}: Pick<GradientCase, 'f' | 'shapes' | 'inputs'>): Promise<void> {
  const xs = shapes.map(shape => input('float32', shape));
  const y = f(...xs);
  const roots = [y, ...grad(y, xs).filter(dx => dx !== null)];
  const inputs = Object.fromEntries(xs.map((x, i) => [`x${i}`, x]));
  const outputs: Record<string, Value> = { y };
  for (const { outputs: made } of build({ inputs, outputs: Object.fromEntries(roots.entries()) }).nodes)
    for (const value of made) outputs[`value${Object.keys(outputs).length}`] = value;
  const random = new Random(1);
  const tensors = points?.(random) ?? shapes.map(shape => randomTensor(shape, random));
  await runOnce(runtime, build({ inputs, outputs }), Object.fromEntries(tensors.map((x, i) => [`x${i}`, x])));
}

describe('every value on the way has the shape and dtype that ONNX Runtime gives it:', () => {
  test.each(cases)('$name', ({ gradientCase }) => runEverything(gradientCase));
});

describe('the value is right:', () => {
  test.each(Object.entries(valueCases))('%s', async (_, { f, inputs, expected }) => {
    const xs = inputs.map(({ dtype, shape }) => input(dtype, shape));
    const feeds = Object.fromEntries(inputs.map((x, i): [string, Tensor] => [`x${i}`, x]));
    const graph = build({ inputs: Object.fromEntries(xs.map((x, i) => [`x${i}`, x])), outputs: { y: f(...xs) } });
    const { y } = await runOnce(runtime, graph, feeds);
    expect(y!.dtype).toBe(expected.dtype);
    expect(difference(y!, expected, { rtol: 1e-5, atol: 1e-5 })).toBeNull();
  });
});

test('nearest neighbours are exact where float32 arithmetic would miss them', async () => {
  for (const [from, to] of [
    [49, 7],
    [25, 15],
    [49, 56],
    [7, 21],
  ] as const) {
    const x = input('float32', [1, 1, 1, from]);
    const graph = build({ inputs: { x }, outputs: { y: ops.resizeNearest(x, [1, to]) } });
    const { y } = await runOnce(runtime, graph, {
      x: float32(
        x.shape,
        Array.from({ length: from }, (_, i) => i),
      ),
    });
    expect([...y!.data]).toEqual(Array.from({ length: to }, (_, i) => Math.floor((i * from) / to)));
  }
});
