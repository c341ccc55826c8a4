import { describe, expect, test } from 'vitest';
import type { Tensor, Value } from '@forgelens/autograd';
import { Random, build, constant, float32, grad, input, scalar } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { checkGradients } from '@forgelens/autograd/testing';
import { balancedPosWeight, bceWithLogits, dice, meanAbsoluteError, meanSquaredError, sigmoidFocal } from './index.ts';

const runtime = nodeCpu();

/** A loss of logits and mask, and its gradient in the logits. */
async function evaluate(loss: (logits: Value, mask: Value) => Value, logits: Tensor, mask: Tensor) {
  const x = input('float32', logits.shape);
  const y = loss(x, constant(mask));
  const outputs = { y, dx: grad(y, [x])[0]! };
  const { y: value, dx } = await runOnce(runtime, build({ inputs: { x }, outputs }), { x: logits });
  return { value: value!.data[0] as number, gradient: [...dx!.data].map(Number), shape: value!.shape };
}

const balanced = (logits: Value, mask: Value): Value =>
  bceWithLogits(logits, mask, { posWeight: balancedPosWeight(mask) });

const losses = {
  bceWithLogits: (logits: Value, mask: Value) => bceWithLogits(logits, mask),
  'bceWithLogits with balancedPosWeight': balanced,
  dice: (logits: Value, mask: Value) => dice(logits, mask),
  sigmoidFocal: (logits: Value, mask: Value) => sigmoidFocal(logits, mask),
  'sigmoidFocal with a small gamma': (logits: Value, mask: Value) => sigmoidFocal(logits, mask, { gamma: 0.5 }),
  meanAbsoluteError,
  meanSquaredError,
};

const random = new Random('mask');
const someMask = float32(
  [2, 1, 3, 4],
  Array.from({ length: 24 }, () => (random.uniform() < 0.4 ? 1 : 0)),
);

describe.each(Object.entries(losses))('%s', (_name, loss) => {
  test('has the gradient of its value', async () => {
    await checkGradients(x => loss(x, constant(someMask)), { runtime, shapes: [someMask.shape], scale: 2, step: 1e-2 });
  });

  test.each([
    ['right', [1e4, -1e4, 1e4, -1e4], [1, 0, 1, 0]],
    ['wrong', [1e4, -1e4, 1e4, -1e4], [0, 1, 0, 1]],
    ['of authentic images', [1e4, -1e4, 0, 1], [0, 0, 0, 0]],
    ['of tampered images', [1e4, -1e4, 0, 1], [1, 1, 1, 1]],
  ])('is finite, and so is its gradient, for extreme logits %s', async (_case, logits, mask) => {
    const { value, gradient, shape } = await evaluate(loss, float32([2, 1, 1, 2], logits), float32([2, 1, 1, 2], mask));
    expect(shape).toEqual([]);
    expect([value, ...gradient].every(Number.isFinite), `${value}: ${gradient}`).toBe(true);
  });
});

test.each(Object.entries(losses).slice(0, 5))('%s has the gradient of its gradient', async (_name, loss) => {
  await checkGradients(x => loss(x, constant(someMask)), { runtime, shapes: [someMask.shape], order: 2 });
});

test('BCE grows like the logit of a wrong pixel, with a gradient that stays', async () => {
  const wrong = await evaluate(losses.bceWithLogits, float32([1, 1, 1, 2], [1e4, -500]), float32([1, 1, 1, 2], [0, 1]));
  expect(wrong.value).toBe(5250);
  expect(wrong.gradient).toEqual([0.5, -0.5]);
});

test('a number and a value as posWeight are the same', async () => {
  const logits = float32(
    [2, 1, 3, 4],
    Array.from({ length: 24 }, (_, i) => i / 4 - 3),
  );
  const number = await evaluate((x, z) => bceWithLogits(x, z, { posWeight: 3 }), logits, someMask);
  const value = await evaluate((x, z) => bceWithLogits(x, z, { posWeight: scalar(3) }), logits, someMask);
  expect(value).toEqual(number);
});

test('balancedPosWeight counts each image by itself, and authentic images do not disturb the loss', async () => {
  const mask = float32([3, 1, 2, 2], [1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
  const graph = build({ inputs: {}, outputs: { weight: balancedPosWeight(constant(mask)) } });
  const { weight } = await runOnce(runtime, graph);
  expect(weight!.shape).toEqual([3, 1, 1, 1]);
  expect(weight!.data[0]).toBeCloseTo(3, 4);
  expect(weight!.data[1]).toBeCloseTo(1, 4);

  const logits = float32([1, 1, 2, 2], [-1, 0, 1, 2]);
  const authentic = float32([1, 1, 2, 2], [0, 0, 0, 0]);
  expect(await evaluate(balanced, logits, authentic)).toEqual(await evaluate(losses.bceWithLogits, logits, authentic));
});

test('with balancedPosWeight both classes pull equally', async () => {
  const { gradient } = await evaluate(
    balanced,
    float32([1, 1, 1, 4], [0, 0, 0, 0]),
    float32([1, 1, 1, 4], [1, 0, 0, 0]),
  );
  expect(gradient.reduce((a, b) => a + b)).toBeCloseTo(0, 6);
});

test('Dice loss is 0 for a perfect map, near 1 for its reverse, and 0 for a silent map of an authentic image', async () => {
  const mask = float32(
    [1, 1, 4, 4],
    Array.from({ length: 16 }, (_, i) => (i < 8 ? 1 : 0)),
  );
  const sure = (sign: number) =>
    float32(
      mask.shape,
      mask.data.map(z => sign * (z ? 50 : -50)),
    );
  expect((await evaluate(losses.dice, sure(1), mask)).value).toBeCloseTo(0, 6);
  expect((await evaluate(losses.dice, sure(-1), mask)).value).toBeCloseTo(1 - 1 / 17, 6);
  const silent = float32([1, 1, 4, 4], Array<number>(16).fill(-50));
  expect((await evaluate(losses.dice, silent, float32([1, 1, 4, 4], Array<number>(16).fill(0)))).value).toBeCloseTo(
    0,
    6,
  );
});

test('focal loss without focus is half the cross-entropy', async () => {
  const logits = float32(
    [2, 1, 3, 4],
    Array.from({ length: 24 }, (_, i) => i / 4 - 3),
  );
  const focal = await evaluate((x, z) => sigmoidFocal(x, z, { gamma: 0, alpha: 0.5 }), logits, someMask);
  const bce = await evaluate(losses.bceWithLogits, logits, someMask);
  expect(focal.value).toBeCloseTo(bce.value / 2, 6);
  for (const [i, d] of focal.gradient.entries()) expect(d).toBeCloseTo(bce.gradient[i]! / 2, 6);
});

test('losses refuse shapes that differ', () => {
  const [logits, mask] = [input('float32', [2, 1, 8, 8]), input('float32', [2, 8, 8])];
  for (const [who, loss] of Object.entries({ bceWithLogits, dice, sigmoidFocal }))
    expect(() => loss(logits, mask)).toThrow(`${who}: logits and mask must have one shape, got [2,1,8,8] and [2,8,8]`);
  for (const [who, loss] of Object.entries({ meanAbsoluteError, meanSquaredError }))
    expect(() => loss(logits, mask)).toThrow(`${who}: x and target must have one shape, got [2,1,8,8] and [2,8,8]`);
});

test('bceWithLogits refuses a posWeight that does not broadcast to the logits', () => {
  const logits = input('float32', [2, 1, 8, 8]);
  expect(() => bceWithLogits(logits, logits, { posWeight: input('float32', [3, 1, 1, 1]) })).toThrow(
    'bceWithLogits posWeight: shapes [2,1,8,8] and [3,1,1,1] do not broadcast',
  );
  expect(() => bceWithLogits(logits, logits, { posWeight: input('float32', [2, 4, 1, 1]) })).toThrow(
    'bceWithLogits: posWeight [2,4,1,1] must broadcast to logits [2,1,8,8]',
  );
});
