import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '@forgelens/autograd';
import {
  build,
  constant,
  float32,
  grad,
  input,
  mul,
  readSafetensors,
  reduceSum,
  scalar,
  square,
  sub,
} from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { difference } from '@forgelens/autograd/testing';
import type { Optimizer, Trained } from './index.ts';
import { adam, adamW, clipGradients, earlyDecay, ema, matricesDecay, optimize, optimizeGroups, sgd } from './index.ts';

const runtime = nodeCpu();
const optimizers = { sgd, adam, adamW };

/** A descent down Σ curvature · (w − target)² / 2 as one graph with state. */
async function descent(
  optimizer: Optimizer,
  curvature: Tensor,
  target: Tensor,
  learningRate: number,
  first: Record<string, Tensor>,
) {
  const w = input('float32', target.shape);
  const loss = reduceSum(mul(mul(constant(curvature), scalar(0.5)), square(sub(w, constant(target)))));
  const state = optimize(optimizer, [{ name: 'w', value: w, gradient: grad(loss, [w])[0]! }], scalar(learningRate));
  return runtime.compile(build({ inputs: {}, outputs: { loss }, state }), first);
}

describe('optimizers step as in PyTorch', () => {
  const { tensors, metadata } = readSafetensors(
    readFileSync(new URL('fixtures/optimizer.safetensors', import.meta.url)),
  );
  const { generator, torch, ...cases } = metadata;

  test.each(Object.keys(cases))('%s', async name => {
    const { learningRate, beta1, beta2, ...config } = JSON.parse(cases[name]!) as Record<string, number>;
    const betas = beta1 !== undefined && beta2 !== undefined && { betas: [beta1, beta2] as const };
    const optimizer = optimizers[name.split('.')[0] as keyof typeof optimizers]({ ...config, ...betas });
    const tensor = (part: string) => tensors.get(`${name}.${part}`)!;
    const training = await descent(optimizer, tensor('curvature'), tensor('target'), learningRate!, {
      w: tensor('w0'),
    });
    for (const next of ['w1', 'w2', 'w3']) {
      await training.run({});
      const { w } = await training.readState();
      const problem = difference(w!, tensor(next), { rtol: 1e-6, atol: 2e-7 });
      expect(problem, `${next} (expected by ${generator}, PyTorch ${torch})`).toBeNull();
    }
    await training.close();
  });
});

test('a training that goes on from its saved state gives the same weights to the last bit', async () => {
  const [curvature, target, w] = [float32([3], [0.5, 1, 2]), float32([3], [1, -1, 0]), float32([3], [0.1, 0.2, 0.3])];
  const whole = await descent(adamW(), curvature, target, 0.1, { w });
  for (let step = 0; step < 4; step++) await whole.run({});
  const half = await descent(adamW(), curvature, target, 0.1, { w });
  for (let step = 0; step < 2; step++) await half.run({});
  const resumed = await descent(adamW(), curvature, target, 0.1, await half.readState());
  for (let step = 0; step < 2; step++) await resumed.run({});
  expect(await resumed.readState()).toEqual(await whole.readState());
  await Promise.all([whole, half, resumed].map(training => training.close()));
});

test.each([1, 2, 10, 1000, 1_000_000])(
  'Adam corrects its means for their start at zero exactly at step %i',
  async t => {
    const w = input('float32', [1]);
    const state = optimize(adam(), [{ name: 'w', value: w, gradient: constant(float32([1], [1])) }], scalar(1));
    const training = await runtime.compile(build({ inputs: {}, outputs: {}, state }), {
      w: float32([1], [0]),
      'adam.step': float32([], [t - 1]),
    });
    await training.run({});
    const moved = (await training.readState())['w']!.data[0] as number;
    const expected = -(0.1 / (1 - 0.9 ** t)) / (Math.sqrt(0.001 / (1 - 0.999 ** t)) + 1e-8);
    expect(moved / expected).toBeCloseTo(1, 6);
    await training.close();
  },
);

const weights = (...shapes: number[][]): Trained[] =>
  shapes.map((shape, i) => ({ name: `w${i}`, value: input('float32', shape), gradient: input('float32', shape) }));

test.each([
  ['sgd', sgd(), 2],
  ['sgd with momentum', sgd({ momentum: 0.9 }), 4],
  ['adam', adam(), 10],
  ['adamw', adamW(), 11],
])('%s passes over a weight in few nodes', (_name, optimizer, passes) => {
  const [trained] = weights([5, 7]);
  const state = optimize(optimizer, [trained!], scalar(0.1));
  const graph = build({ inputs: { g: trained!.gradient! }, outputs: {}, state });
  expect(graph.nodes.filter(node => node.y.rank === 2)).toHaveLength(passes);
});

test('what an optimizer keeps is named after it and the weight, and starts at zero', () => {
  const state = optimize(adamW(), weights([2], [3, 1]), scalar(0.1));
  expect(Object.keys(state)).toEqual([
    'w0',
    'w1',
    'adamw.step',
    'adamw.m.w0',
    'adamw.v.w0',
    'adamw.m.w1',
    'adamw.v.w1',
  ]);
  expect(Object.keys(state).filter(name => !state[name]!.startsAtZero)).toEqual(['w0', 'w1']);
});

test('a weight without gradient stays as it is and nothing is kept for it', () => {
  const frozen = { name: 'frozen', value: input('float32', [2]), gradient: null };
  const state = optimize(adamW(), [frozen], scalar(0.1));
  expect(Object.keys(state)).toEqual(['frozen', 'adamw.step']);
  expect(state['frozen']!.next).toBe(frozen.value);
});

test('weight decay can leave biases and norms out', async () => {
  const zeroGradients = weights([1, 1], [1]).map(w => ({ ...w, gradient: constant(float32(w.value.shape, [0])) }));
  for (const optimizer of [
    adamW({ weightDecay: 0.5, decays: matricesDecay }),
    sgd({ weightDecay: 0.5, decays: matricesDecay }),
  ]) {
    const state = optimize(optimizer, zeroGradients, scalar(0.1));
    const training = await runtime.compile(build({ inputs: {}, outputs: {}, state }), {
      w0: float32([1, 1], [1]),
      w1: float32([1], [1]),
    });
    await training.run({});
    const { w0, w1 } = await training.readState();
    expect(w0!.data[0]).toBeCloseTo(0.95, 6);
    expect(w1!.data[0]).toBe(1);
    await training.close();
  }
});

test('groups have their own learning rates and decay, and count their steps together', async () => {
  const gradient = constant(float32([1], [1]));
  const [a, b] = weights([1], [1]).map(weight => ({ ...weight, gradient }));
  const state = optimizeGroups([
    { optimizer: sgd(), weights: [a!], learningRate: scalar(0.1) },
    { optimizer: sgd({ weightDecay: 0.5 }), weights: [b!], learningRate: scalar(0.01) },
  ]);
  expect(Object.keys(state)).toEqual(['w0', 'w1', 'sgd.step']);
  const training = await runtime.compile(build({ inputs: {}, outputs: {}, state }), {
    w0: float32([1], [1]),
    w1: float32([1], [1]),
  });
  await training.run({});
  const { w0, w1, 'sgd.step': step } = await training.readState();
  expect(w0!.data[0]).toBeCloseTo(1 - 0.1, 6);
  expect(w1!.data[0]).toBeCloseTo(1 - 0.01 * 1.5, 6);
  expect(step!.data[0]).toBe(1);
  await training.close();
});

test('gradients are clipped to a common norm', async () => {
  const [a, b] = [input('float32', [2]), input('float32', [1, 1])];
  const run = async (maxNorm: number, scale = 1) => {
    const { gradients, norm } = clipGradients([a, null, b], maxNorm);
    expect(gradients[1]).toBeNull();
    const graph = build({ inputs: { a, b }, outputs: { a2: gradients[0]!, b2: gradients[2]!, norm } });
    const feeds = { a: float32([2], [2 * scale, 3 * scale]), b: float32([1, 1], [6 * scale]) };
    const { a2, b2, norm: found } = await runOnce(runtime, graph, feeds);
    return [...a2!.data, ...b2!.data, ...found!.data].map(Number);
  };
  expect(await run(100)).toEqual([2, 3, 6, 7]);
  expect(await run(100, 0)).toEqual([0, 0, 0, 0]);
  const clipped = await run(0.7);
  for (const [i, expected] of [0.2, 0.3, 0.6, 7].entries()) expect(clipped[i]).toBeCloseTo(expected, 5);
});

test('an exponential moving average moves by its decay', async () => {
  const [average, value] = [input('float32', [1]), input('float32', [1])];
  const graph = build({ inputs: { average, value }, outputs: { next: ema(average, value, 0.9) } });
  const { next } = await runOnce(runtime, graph, { average: float32([1], [10]), value: float32([1], [20]) });
  expect(next!.data[0]).toBeCloseTo(11, 5);
});

test('an average that begins early follows the value at first and keeps its decay in the end', async () => {
  const step = input('float32', []);
  const graph = build({ inputs: { step }, outputs: { decay: earlyDecay(0.999, step) } });
  const at = async (t: number) => (await runOnce(runtime, graph, { step: float32([], [t]) }))['decay']!.data[0];
  expect(await at(1)).toBeCloseTo(2 / 11, 6);
  expect(await at(100_000)).toBeCloseTo(0.999, 6);
});

test('optimize refuses a gradient of another shape and a learning rate that is no scalar', () => {
  const wrong = { name: 'head.bias', value: input('float32', [3]), gradient: input('float32', [3, 1]) };
  expect(() => optimize(sgd(), [wrong], scalar(0.1))).toThrow(
    'optimize: head.bias has shape [3] but its gradient has [3,1]',
  );
  expect(() => optimize(sgd(), [], input('float32', [1]))).toThrow(
    'optimize: learningRate must have the shape [], got [1]',
  );
});
