import type { Tensor, Value } from '@forgelens/autograd';
import { Random, Tensor as HostTensor, build, constant, float32, grad, input } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { randomTensor } from '@forgelens/autograd/testing';
import { Context, evaluation, initialize, namedParameters } from '@forgelens/nn';
import { describe, expect, test } from 'vitest';
import { bindWeights } from './checkpoint.ts';
import type { MpcContrastOutput } from './mpc.ts';
import { Mpc, MpcContrast, mpcContrasts, mpcOfficialName, twoMeans } from './mpc.ts';

const backbone = { widths: [4, 8, 12, 16], heads: [1, 2, 3, 4], modules: [1, 1, 1], blocks: 1, dropPath: 0 } as const;
const runtime = nodeCpu({ threads: 1 });
const random = new Random('mpc');

/** A mask [1, 1, side, side] that is 1 where a pixel is inside. */
function maskOf(side: number, inside: (x: number, y: number) => boolean): Tensor<'float32'> {
  const mask = new HostTensor('float32', [1, 1, side, side]);
  for (let i = 0; i < mask.size; i++) mask.data[i] = inside(i % side, Math.floor(i / side)) ? 1 : 0;
  return mask;
}

describe('the contrasts of stage 1', () => {
  const maps = [16, 8, 4, 2].map(side => input('float32', [1, 3, side, side]));
  const second = input('float32', [1, 3, 16, 16]);
  const mask = input('float32', [1, 1, 16, 16]);
  const output = { maps, second, orders: [null, null] } as unknown as MpcContrastOutput;
  const contrasts = mpcContrasts(output, mask);
  const features = Object.fromEntries(maps.map((map, i) => [`map${i}`, map]));
  const [dFinest] = grad(new MpcContrast({ backbone }).loss(output, mask), [maps[0]!]);
  const graph = build({ inputs: { ...features, second, mask }, outputs: { ...contrasts, dFinest: dFinest! } });
  const finest = randomTensor([1, 3, 16, 16], random);
  const run = (target: Tensor) =>
    runOnce(runtime, graph, {
      ...Object.fromEntries(maps.slice(1).map((map, i) => [`map${i + 1}`, randomTensor(map.shape, random)])),
      map0: finest,
      second: finest,
      mask: target,
    });

  test('between two equal passes it is twice that within one', async () => {
    const { within, acrossPasses } = await run(maskOf(16, (x, y) => x < 5 && y > 3));
    expect(within!.data[0]).toBeGreaterThan(0);
    expect(acrossPasses!.data[0]).toBeCloseTo(2 * (within!.data[0] as number), 4);
  });

  test.each([
    ['nothing is tampered', () => false],
    ['everything is tampered', () => true],
    ['one pixel is authentic', (x: number, y: number) => x !== 3 || y !== 5],
  ])('where %s there is nothing to contrast, and no gradient', async (_, inside) => {
    const { dFinest: gradient, ...values } = await run(maskOf(16, inside));
    for (const value of Object.values(values)) expect(value.data[0]).toBe(0);
    expect((gradient!.data as Float32Array).every(d => d === 0)).toBe(true);
  });
});

test('a pixel of a feature map is tampered if at least two of the four in its middle are', async () => {
  const network = new Mpc({ backbone, mode: 'paper' });
  // Large logits that agree with the mask cost nothing.
  const target = maskOf(8, (x, y) => (x < 4 && y < 4 && x > 1) || (x === 5 && y === 5));
  const agreeing = constant(float32([1, 1, 2, 2], [50, -50, -50, -50]));
  const value = network.loss({ coarse: agreeing, logits: agreeing }, constant(target));
  const results = await runOnce(runtime, build({ inputs: {}, outputs: { value } }));
  expect(results['value']!.data[0]).toBeCloseTo(0);
});

test('only so many pixels of a kind are contrasted, chosen by random numbers', () => {
  const network = new MpcContrast({ backbone });
  const ctx = new Context({ training: true });
  const { orders } = network.forward(input('float32', [1, 3, 320, 256]), ctx);
  expect(orders.map(order => order?.shape)).toEqual([[1, 5120], undefined]);
  expect(ctx.draws).toEqual([orders[0]]);
});

test('a sample of the pixels has about the contrast of all', async () => {
  const side = 72;
  const map = input('float32', [1, 3, side, side]);
  const order = input('float32', [1, side * side]);
  const mask = constant(maskOf(side, (x, y) => x < 30 && y < 2));
  const within = (sampled: Value | null): Value => {
    const maps = [map, ...[36, 18, 9].map(half => constant(new HostTensor('float32', [1, 3, half, half])))];
    return mpcContrasts({ maps, second: map, orders: [sampled, null], logits: map }, mask).within;
  };
  const graph = build({ inputs: { map, order }, outputs: { all: within(null), some: within(order) } });
  const draws = new HostTensor('float32', order.shape);
  for (let i = 0; i < draws.size; i++) draws.data[i] = random.uniform();
  const { all, some } = await runOnce(runtime, graph, { map: randomTensor(map.shape, random), order: draws });
  expect(some!.data[0]).not.toBe(all!.data[0]);
  expect(some!.data[0]).toBeCloseTo(all!.data[0] as number, 1);
});

describe('grouping pixels in two', () => {
  /** Features that point one way inside and another outside, with noise. */
  const features = (inside: (x: number, y: number) => boolean): Tensor => {
    const map = new HostTensor('float32', [1, 2, 8, 8]);
    for (let i = 0; i < 64; i++) {
      const angle = (inside(i % 8, i >> 3) ? 1.4 : 0.2) + random.normal(0, 0.1);
      const length = random.uniform(0.5, 2);
      map.data[i] = length * Math.cos(angle);
      map.data[64 + i] = length * Math.sin(angle);
    }
    return map;
  };
  const map = input('float32', [1, 2, 8, 8]);
  const graph = build({ inputs: { map }, outputs: { logits: twoMeans(map) } });
  const group = async (inside: (x: number, y: number) => boolean) =>
    [...((await runOnce(runtime, graph, { map: features(inside) }))['logits']!.data as Float32Array)].map(l => l > 0);

  test('the smaller group is tampered', async () => {
    const inside = (x: number, y: number) => x < 4 && y < 4;
    expect(await group(inside)).toEqual(Array.from({ length: 64 }, (_, i) => inside(i % 8, i >> 3)));
    expect(await group((x, y) => !inside(x, y))).toEqual(Array.from({ length: 64 }, (_, i) => inside(i % 8, i >> 3)));
  });

  test('a pixel unlike all others does not become a group of its own', async () => {
    const inside = (x: number, y: number) => x < 4 && y < 4;
    const tensor = features(inside);
    tensor.data[0] = -1;
    tensor.data[64] = -0.3;
    const { logits } = await runOnce(runtime, graph, { map: tensor });
    const marked = [...(logits!.data as Float32Array)].map(l => l > 0);
    expect(marked).toEqual(Array.from({ length: 64 }, (_, i) => inside(i % 8, i >> 3)));
  });

  test('pixels that are all alike are no reason for numbers that are not finite', async () => {
    const same = new HostTensor('float32', [1, 2, 8, 8]);
    const { logits } = await runOnce(runtime, graph, { map: same });
    expect((logits!.data as Float32Array).every(Number.isFinite)).toBe(true);
  });
});

describe('stage 2', () => {
  const image = randomTensor([2, 3, 32, 32], random);
  const mask = float32(
    [2, 1, 8, 8],
    Array.from({ length: 128 }, (_, i) => (i % 8 < 3 ? 1 : 0)),
  );
  const moves = (mode: 'code' | 'paper') => {
    const network = new Mpc({ backbone, mode, frozen: true });
    const ctx = new Context({ training: true });
    const loss = network.loss(network.forward(constant(image), ctx), constant(mask));
    const parameters = [...namedParameters(network)];
    const gradients = grad(
      loss,
      parameters.map(([, parameter]) => parameter),
    );
    const named = (keep: (i: number) => boolean) =>
      new Set(parameters.filter((_, i) => keep(i)).map(([name]) => name.split('.')[0]));
    return {
      trained: named(i => gradients[i] !== null),
      updated: named(i => ctx.updates.has(parameters[i]![1])),
    };
  };

  test('a frozen encoder gets no gradient; in the code its norms go on moving, in the paper they do not', () => {
    expect(moves('code')).toEqual({ trained: new Set(['decoder']), updated: new Set(['encoder', 'decoder']) });
    expect(moves('paper')).toEqual({ trained: new Set(['decoder']), updated: new Set(['decoder']) });
  });

  test('it starts from what stage 1 has learned: their encoders have the same names', () => {
    const first = initialize(new MpcContrast({ backbone }), 1);
    const network = new Mpc({ backbone });
    const encoder = Object.keys(initialize(network, 1)).filter(name => name.startsWith('encoder.'));
    expect(Object.keys(first)).toEqual(encoder);
  });

  test('logits are interpolated to the size of the image', async () => {
    const network = new Mpc({ backbone });
    const { logits, coarse } = network.forward(constant(image), evaluation());
    expect([logits.shape, coarse.shape]).toEqual([
      [2, 1, 32, 32],
      [2, 1, 8, 8],
    ]);
    const weights = bindWeights(network, initialize(network, 1));
    const results = await runOnce(runtime, build({ inputs: {}, outputs: { logits }, weights }));
    expect((results['logits']!.data as Float32Array).every(Number.isFinite)).toBe(true);
  });
});

test.each([
  ['encoder.backbone.stem.0.norm.runningMean', 'encoder.bn1.running_mean'],
  ['encoder.project.3.norm.weight', 'encoder.convs.3.bn.weight'],
  ['decoder.norm.bias', 'decoder.classifier.0.bias'],
  ['decoder.hidden.2.norm.runningVar', 'decoder.classifier.9.running_var'],
  ['decoder.out.weight', 'decoder.classifier.11.weight'],
])('%s is %s in the official checkpoint', (ours, official) => {
  expect(mpcOfficialName(ours)).toBe(official);
});
