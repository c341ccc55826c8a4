import { expect, test } from 'vitest';
import { constant, float32, input } from '@forgelens/autograd';
import type { Module } from './index.ts';
import {
  BatchNorm2d,
  Context,
  Conv2d,
  Linear,
  Parameter,
  countParameters,
  evaluation,
  initialize,
  namedParameters,
  ones,
  zeros,
} from './index.ts';

const names = (module: object): string[] => [...namedParameters(module).keys()];

class Block implements Module {
  readonly conv = new Conv2d(2, 4, 3, { bias: false });
  readonly norm = new BatchNorm2d(4);
  forward(): void {}
}

class Network implements Module {
  readonly stages = [[new Block()], [new Block(), new Block()]];
  readonly heads = { region: new Linear(4, 1) };
  readonly name = 'network';
  readonly basis = constant(float32([1], [1]));
  readonly table = float32([2], [1, 2]);
  forward(): void {}
}

test('a parameter is named by its path, in the order of declaration', () => {
  expect(names(new Block())).toEqual([
    'conv.weight',
    'norm.weight',
    'norm.bias',
    'norm.runningMean',
    'norm.runningVar',
  ]);
  expect(names(new Network()).filter(name => /conv|heads/.test(name))).toEqual([
    'stages.0.0.conv.weight',
    'stages.1.0.conv.weight',
    'stages.1.1.conv.weight',
    'heads.region.weight',
    'heads.region.bias',
  ]);
});

test('a parameter that two parts share has the first of its names', () => {
  const linear = new Linear(2, 2, { bias: false });
  expect(names({ first: linear, second: linear, third: { weight: linear.weight } })).toEqual(['first.weight']);
});

test('a parameter by itself has the empty path, and a circle of parts ends', () => {
  const parts: Record<string, unknown> = { scale: new Parameter([1], ones) };
  parts['self'] = parts;
  expect(names(parts)).toEqual(['scale']);
});

test('buffers are not counted as trained numbers', () => {
  expect(countParameters(new Block())).toBe(4 * 2 * 3 * 3 + 4 + 4);
});

test('first weights depend on the seed and on the name, and not on the other parts', () => {
  const [a, again, other] = [initialize(new Block(), 1), initialize(new Block(), 1), initialize(new Block(), 2)];
  expect(a).toEqual(again);
  expect(a['conv.weight']!.data).not.toEqual(other['conv.weight']!.data);
  const network = initialize(new Network(), 1);
  expect(network['stages.1.0.conv.weight']!.data).not.toEqual(network['stages.1.1.conv.weight']!.data);
  const after = { before: new Linear(5, 5), conv: new Conv2d(2, 4, 3) };
  expect(initialize(after, 1)['conv.weight']).toEqual(a['conv.weight']);
});

test('first weights have the shapes and constants that their parameters ask for', () => {
  const weights = initialize(new BatchNorm2d(2), 1);
  expect(weights).toEqual({
    weight: float32([2], [1, 1]),
    bias: float32([2], [0, 0]),
    runningMean: float32([2], [0, 0]),
    runningVar: float32([2], [1, 1]),
  });
});

test('a context collects updates of buffers, and draws in the order asked for', () => {
  const ctx = new Context({ training: true });
  const [buffer, next] = [new Parameter([2], zeros, 'buffer'), input('float32', [2])];
  ctx.update(buffer, next);
  expect(ctx.updates.get(buffer)).toBe(next);
  const draws = [ctx.uniform([3]), ctx.uniform([1, 2])];
  expect(ctx.draws).toEqual(draws);
  expect(draws.map(draw => draw.shape)).toEqual([[3], [1, 2]]);
  expect(evaluation().training).toBe(false);
});
