import type { Tensor, Value } from '@forgelens/autograd';
import { Random, Tensor as HostTensor, relu } from '@forgelens/autograd';
import type { Tensors } from '@forgelens/autograd/runtime/node';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { difference } from '@forgelens/autograd/testing';
import type { LocalizerNetwork, LocalizerOutput } from '@forgelens/models';
import type { Context } from '@forgelens/nn';
import { BatchNorm2d, Conv2d, adamW, bceWithLogits, initialize, sgd } from '@forgelens/nn';
import { expect, test } from 'vitest';
import type { TrainingStepConfig } from './index.ts';
import { buildTrainingStep, trainedWeights } from './index.ts';

/** Two convolutions, with a batch norm between them or without. */
class Tiny implements LocalizerNetwork {
  readonly encoder = { conv: new Conv2d(3, 4, 3, { padding: 1 }), norm: null as BatchNorm2d | null };
  readonly head = new Conv2d(4, 1, 1);
  constructor({ hasNorm = false } = {}) {
    if (hasNorm) this.encoder.norm = new BatchNorm2d(4);
  }
  forward(image: Value, ctx: Context): LocalizerOutput {
    const features = this.encoder.conv.forward(image);
    return { logits: this.head.forward(relu(this.encoder.norm?.forward(features, ctx) ?? features)) };
  }
  loss({ logits }: LocalizerOutput, mask: Value): Value {
    return bceWithLogits(logits, mask);
  }
}

const runtime = nodeCpu({ threads: 1 });
const size = 8;

/** Noise: the images of a number of examples, from one on. */
function examples(first: number, count: number): { image: Tensor<'float32'>; mask: Tensor<'float32'> } {
  const image = new HostTensor('float32', [count, 3, size, size]);
  const mask = new HostTensor('float32', [count, 1, size, size]);
  for (let n = 0; n < count; n++) {
    const random = new Random(`example ${first + n}`);
    for (let i = 0; i < 3 * size ** 2; i++) image.data[n * 3 * size ** 2 + i] = random.uniform();
    for (let i = 0; i < size ** 2; i++) mask.data[n * size ** 2 + i] = random.integer(0, 2);
  }
  return { image, mask };
}

/** The state after some steps, from the same first weights and on the same examples. */
async function trained(
  network: LocalizerNetwork,
  { steps = 3, batch = 4, accumulate = 1, ...config }: Partial<TrainingStepConfig> & { steps?: number },
): Promise<Tensors> {
  const step = buildTrainingStep(network, { optimizer: adamW(), size, batch, accumulate, ...config });
  const executable = await runtime.compile(step.graph, step.initialState(initialize(network, 1)));
  for (let number = 0; number < steps * accumulate; number++)
    await executable.run(step.inputs(examples(number * batch, batch), number, { seed: 1, learningRate: 0.1 }));
  const state = await executable.readState();
  await executable.close();
  return state;
}

test.each([{ optimizer: adamW(), clip: 0.1, ema: 0.9 }, { optimizer: sgd({ momentum: 0.9 }) }])(
  'batches whose gradients are accumulated are like one large batch',
  async config => {
    const network = new Tiny();
    const large = await trained(network, { batch: 4, ...config });
    const small = await trained(network, { batch: 2, accumulate: 2, ...config });
    for (const [name, tensor] of Object.entries(large))
      expect(difference(small[name]!, tensor, { rtol: 1e-4, atol: 1e-6 }), name).toBeNull();
    const sums = Object.entries(small).filter(([name]) => !(name in large));
    expect(sums.map(([name]) => name)).toEqual([
      'gradients.encoder.conv.weight',
      'gradients.encoder.conv.bias',
      'gradients.head.weight',
      'gradients.head.bias',
    ]);
    expect(sums.every(([, { data }]) => [...data].every(value => value === 0))).toBe(true);
  },
);

test('between the first and the last batch of a step nothing moves but the sum of the gradients and the statistics', async () => {
  const network = new Tiny({ hasNorm: true });
  const step = buildTrainingStep(network, { optimizer: adamW(), size, batch: 2, accumulate: 3, ema: 0.9 });
  const executable = await runtime.compile(step.graph, step.initialState(initialize(network, 1)));
  const first = await executable.readState();
  await executable.run(step.inputs(examples(0, 2), 0, { seed: 1, learningRate: 0.1 }));
  const state = await executable.readState();
  const moved = Object.keys(state).filter(
    name => difference(state[name]!, first[name]!, { rtol: 0, atol: 0 }) !== null,
  );
  expect(moved.filter(name => !name.startsWith('gradients.'))).toEqual([
    'encoder.norm.runningMean',
    'encoder.norm.runningVar',
  ]);
  expect(moved).toContain('gradients.head.weight');
  await executable.close();
});

test('a part with the factor 0 stays as it is, and nothing is kept for it', async () => {
  const network = new Tiny({ hasNorm: true });
  const optimizer = adamW();
  const state = await trained(network, {
    optimizer,
    ema: 0.9,
    parts: { encoder: { optimizer, learningRateFactor: 0 } },
  });
  const first = initialize(network, 1);
  expect(state['encoder.conv.weight']).toEqual(first['encoder.conv.weight']);
  expect(state['encoder.norm.weight']).toEqual(first['encoder.norm.weight']);
  expect(state['head.weight']).not.toEqual(first['head.weight']);
  // As in PyTorch, its statistics go on.
  expect(state['encoder.norm.runningMean']).not.toEqual(first['encoder.norm.runningMean']);
  expect(Object.keys(state).filter(name => /^(adamw\.[mv]|ema)\.encoder/.test(name))).toEqual([]);
});

test('parts have learning rates and decay of their own, the longest name counts, and without parts nothing differs', async () => {
  const network = new Tiny();
  const first = initialize(network, 1);
  const parts = {
    encoder: { optimizer: sgd(), learningRateFactor: 0 },
    'encoder.conv.bias': { optimizer: sgd(), learningRateFactor: 0.5 },
    head: { optimizer: sgd({ weightDecay: 1 }), learningRateFactor: 1 },
  };
  const plain = await trained(network, { optimizer: sgd(), steps: 1 });
  const state = await trained(network, { optimizer: sgd(), steps: 1, parts });
  const move = (of: Tensors, name: string) => Number(of[name]!.data[0]) - Number(first[name]!.data[0]);
  expect(state['encoder.conv.weight']).toEqual(first['encoder.conv.weight']);
  expect(move(state, 'encoder.conv.bias')).toBeCloseTo(move(plain, 'encoder.conv.bias') / 2, 6);
  expect(move(state, 'head.weight')).toBeCloseTo(
    move(plain, 'head.weight') - 0.1 * Number(first['head.weight']!.data[0]),
    6,
  );
  const same = { optimizer: sgd(), learningRateFactor: 1 };
  expect(await trained(network, { optimizer: sgd(), parts: { encoder: same } })).toEqual(
    await trained(network, { optimizer: sgd() }),
  );
});

test('parts that there are not, and parts that leave nothing to train, are refused', () => {
  const optimizer = sgd();
  const build = (parts: TrainingStepConfig['parts']) =>
    buildTrainingStep(new Tiny(), { optimizer, size, batch: 2, parts });
  expect(() =>
    build({ encoder: { optimizer, learningRateFactor: 1 }, con: { optimizer, learningRateFactor: 1 } }),
  ).toThrow('parts: the network has no part "con" (parts: encoder, head)');
  const still = { optimizer, learningRateFactor: 0 };
  expect(() => build({ encoder: still, head: still })).toThrow(
    'parts: nothing is left to train; give a part a learningRateFactor above 0',
  );
});

test('weights are averaged, and the statistics are those of the last batch', async () => {
  const network = new Tiny({ hasNorm: true });
  const state = await trained(network, { ema: 0.5, steps: 1 });
  const used = trainedWeights(network, state);
  const first = initialize(network, 1);
  // After one step 2/11 of the first value are kept.
  const [before, after] = [first['head.weight']!, state['head.weight']!].map(({ data }) => Number(data[0])) as [
    number,
    number,
  ];
  expect(used['head.weight']!.data[0]).toBeCloseTo((2 * before + 9 * after) / 11, 6);
  expect(used['encoder.norm.runningVar']).toEqual(state['encoder.norm.runningVar']);
});
