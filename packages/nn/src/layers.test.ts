import { expect, test } from 'vitest';
import type { Tensor, Value } from '@forgelens/autograd';
import { build, constant, float32, input, linear } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import {
  BatchNorm2d,
  Context,
  Conv2d,
  ConvTranspose2d,
  DropPath,
  Dropout,
  GroupNorm,
  LayerNorm,
  Linear,
  evaluation,
  initialize,
  kaimingNormal,
  namedParameters,
  zeros,
} from './index.ts';

const runtime = nodeCpu();

/** Runs a forward pass with the module's first weights. */
async function forward(
  module: object,
  y: Value,
  inputs: Record<string, Value> = {},
  feeds: Record<string, Tensor> = {},
): Promise<Tensor> {
  const first = initialize(module, 1);
  const weights = new Map<Value, { name: string; tensor: Tensor }>();
  for (const [name, parameter] of namedParameters(module)) weights.set(parameter, { name, tensor: first[name]! });
  return (await runOnce(runtime, build({ inputs, outputs: { y }, weights }), feeds))['y']!;
}

const counting = (...shape: number[]): Tensor<'float32'> =>
  float32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i) * 2),
  );

test.each([
  ['Conv2d', new Conv2d(4, 6, 3, { padding: 1, stride: 2, groups: 2 }), [2, 6, 4, 4]],
  ['Conv2d without bias', new Conv2d(4, 6, 1, { bias: false }), [2, 6, 8, 8]],
  ['ConvTranspose2d', new ConvTranspose2d(4, 6, 2, { stride: 2, groups: 2 }), [2, 6, 16, 16]],
  ['Linear', new Linear(8, 5), [2, 4, 8, 5]],
  ['LayerNorm', new LayerNorm(8), [2, 4, 8, 8]],
  ['GroupNorm', new GroupNorm(2, 4), [2, 4, 8, 8]],
  ['BatchNorm2d', new BatchNorm2d(4), [2, 4, 8, 8]],
])('%s gives its shape with its first weights', async (_name, layer, shape) => {
  const y = await forward(layer, layer.forward(constant(counting(2, 4, 8, 8)), evaluation()));
  expect(y.shape).toEqual(shape);
  expect(y.data.every(x => Number.isFinite(Number(x)))).toBe(true);
});

test('weights and biases start within ±1/√fan-in, as in PyTorch', () => {
  const layers: readonly [object, number][] = [
    [new Conv2d(8, 16, 3, { groups: 2 }), 1 / 6],
    [new ConvTranspose2d(8, 16, 3), 1 / 12],
    [new Linear(25, 40), 1 / 5],
  ];
  for (const [layer, limit] of layers)
    for (const { data } of Object.values(initialize(layer, 3))) {
      const greatest = Math.max(...[...data].map(x => Math.abs(Number(x))));
      expect(greatest).toBeLessThanOrEqual(limit);
      expect(greatest).toBeGreaterThan(0.5 * limit);
    }
});

test('a layer takes initializers for weight and bias', () => {
  const layer = new Conv2d(3, 4, 3, { initializer: kaimingNormal, biasInitializer: zeros });
  expect(layer.weight.initializer).toBe(kaimingNormal);
  expect([...initialize(layer, 1)['bias']!.data]).toEqual([0, 0, 0, 0]);
  expect(layer.attrs).toEqual({});
});

test('batch norm updates its statistics in training only', () => {
  const norm = new BatchNorm2d(3);
  const x = input('float32', [2, 3, 4, 4]);
  const [training, inference] = [new Context({ training: true }), evaluation()];
  norm.forward(x, training);
  norm.forward(x, inference);
  expect([...training.updates.keys()]).toEqual([norm.runningMean, norm.runningVar]);
  expect(inference.updates.size).toBe(0);
  expect(norm.runningMean.kind).toBe('buffer');
});

const ones = (...shape: number[]): Value =>
  constant(float32(shape, Array<number>(shape.reduce((a, b) => a * b, 1)).fill(1)));

test('dropout drops the elements whose draw reaches the keep rate, and scales the others', async () => {
  const ctx = new Context({ training: true });
  const y = new Dropout(0.25).forward(ones(1, 4), ctx);
  expect(ctx.draws.map(draw => draw.shape)).toEqual([[1, 4]]);
  const dropped = await forward({}, y, { draw: ctx.draws[0]! }, { draw: float32([1, 4], [0, 0.74, 0.75, 0.99]) });
  expect([...dropped.data].map(x => Number(x).toFixed(4))).toEqual(['1.3333', '1.3333', '0.0000', '0.0000']);
});

test('drop path drops whole images', async () => {
  const ctx = new Context({ training: true });
  const y = new DropPath(0.5).forward(ones(3, 2, 1), ctx);
  expect(ctx.draws.map(draw => draw.shape)).toEqual([[3, 1, 1]]);
  const dropped = await forward({}, y, { draw: ctx.draws[0]! }, { draw: float32([3, 1, 1], [0.9, 0.1, 0.5]) });
  expect([...dropped.data]).toEqual([0, 0, 2, 2, 0, 0]);
});

test('in evaluation, or with rate 0, dropout and drop path do nothing and draw nothing', () => {
  const x = input('float32', [2, 3]);
  const training = new Context({ training: true });
  expect(new Dropout(0.5).forward(x, evaluation())).toBe(x);
  expect(new DropPath(0.5).forward(x, evaluation())).toBe(x);
  expect(new DropPath(0).forward(x, training)).toBe(x);
  expect(training.draws).toEqual([]);
});

test('layers refuse inputs of another width', () => {
  const x = input('float32', [2, 3, 8, 8]);
  const refusals: readonly [() => unknown, string][] = [
    [
      () => new Conv2d(4, 8, 3).forward(x),
      'conv2d: x has 3 channels (shape [2,3,8,8]) but w expects 4 (shape [8,4,3,3], groups 1)',
    ],
    [
      () => new Linear(4, 2, { bias: false }).forward(x),
      'linear: x has 8 features (shape [2,3,8,8]) but weight expects 4 (shape [2,4])',
    ],
    [
      () => linear(x, input('float32', [4, 8]), input('float32', [8])),
      'linear: bias [8] must be [4], one for each row of weight [4,8]',
    ],
    [() => new LayerNorm(4).forward(x), 'layerNorm: weight [4] and bias [4] must be [8], the last axis of x [2,3,8,8]'],
    [() => new GroupNorm(2, 3).forward(x), 'groupNorm: 3 channels (shape [2,3,8,8]) are not divisible by 2 groups'],
    [
      () => new GroupNorm(3, 6).forward(x),
      'groupNorm: weight and bias must be [3], the channels of x [2,3,8,8], got [6]',
    ],
    [
      () => new BatchNorm2d(4).forward(x, evaluation()),
      'batchNorm: weight, bias, mean and variance must be [3], the channels of x [2,3,8,8], got [4]',
    ],
  ];
  for (const [refusal, message] of refusals) expect(refusal).toThrow(message);
});
