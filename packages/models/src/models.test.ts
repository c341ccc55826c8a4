import { createHash } from 'node:crypto';
import type { Tensor } from '@forgelens/autograd';
import {
  Random,
  Tensor as HostTensor,
  build,
  concat,
  constant,
  grad,
  input,
  reduceSum,
  reshape,
  scalar,
  square,
  writeSafetensors,
} from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { difference, randomTensor } from '@forgelens/autograd/testing';
import type { Weights } from '@forgelens/nn';
import { Context, adam, countParameters, evaluation, initialize, namedParameters, optimize } from '@forgelens/nn';
import { describe, expect, test } from 'vitest';
import { bindWeights, readCheckpoint } from './checkpoint.ts';
import type { LocalizerNetwork, ModelDefinition } from './network.ts';
import type { NetworkSpec } from './networks.ts';
import { createNetwork, networks } from './networks.ts';

/*
 * Every network of `networks` passes this table without being mentioned. What is mentioned: smaller variants of those
 * that are too large for a quick test, and weights whose gradient is zero by mathematics.
 */
const hrFormer = { widths: [4, 8, 12, 16], heads: [1, 2, 3, 4], modules: [1, 1, 1], blocks: 1, dropPath: 0 } as const;
const variants: Readonly<Record<string, NetworkSpec>> = {
  unet: { id: 'unet', widths: [4, 8, 12] },
  m2sformer: { id: 'm2sformer', backbone: 'pvt-v2-b0' },
  cdfl: { id: 'cdfl', backbone: 'r50', channels: 32 },
  sdpal: { id: 'sdpal', backbone: 'r50', channels: 32 },
  mpc: { id: 'mpc', backbone: hrFormer },
  'mpc-contrast': { id: 'mpc-contrast', backbone: hrFormer },
};

/** In training, batch norm takes off what a bias before it adds. */
const beforeBatchNorm =
  /^skips\.reduction\.\d\.conv\.bias$|^decoder\.\d\.guidance\.reduce\.bias$|^decoder\.refine\.\w+\.conv\.bias$/;
/** Guidance sees only a text: in a batch of one difficulty all its rows are equal, and batch norm takes them off whole. */
const ofTextAlone = /^decoder\.\d\.guidance\.(reduce|norm)\.weight$/;

const [batch, size, steps] = [4, 64, 12];
// One thread: the tests of several files run side by side.
const runtime = nodeCpu({ threads: 1 });

const random = new Random('models.test');
/** Noise, and in the mask of each sample a rectangle that is darker and smoother. */
const mask = rectangles((inside: boolean) => (inside ? 1 : 0), 1);
const image = rectangles((inside: boolean) => random.uniform(0.2, inside ? 0.3 : 1), 3);

function rectangles(value: (inside: boolean) => number, channels: number): Tensor<'float32'> {
  const tensor = new HostTensor('float32', [batch, channels, size, size]);
  for (let i = 0; i < tensor.size; i++) {
    const [x, y, n] = [i % size, Math.floor(i / size) % size, Math.floor(i / (channels * size * size))];
    tensor.data[i] = value(x >= 8 * n && x < 8 * n + 32 && y >= 16 && y < 48);
  }
  return tensor;
}

/**
 * First weights and a little noise. Without it some gradients are zero for this one moment: M2SFormer's alpha and beta
 * start equal, so that its spatial attention has no effect, and biases of 0 leave a ReLU at its kink.
 */
function noisyWeights(network: LocalizerNetwork): Weights {
  const first = initialize(network, 1);
  const noise = new Random('noise');
  for (const [name, { kind }] of namedParameters(network)) {
    const data = first[name]!.data as Float32Array;
    const ofName = noise.fork(name);
    if (kind === 'weight') for (let i = 0; i < data.length; i++) data[i]! += ofName.normal(0, 0.01);
  }
  return first;
}

/** Norms of all gradients in the first step, and the loss of each step, of a short training. */
async function train(
  spec: NetworkSpec,
  weights: Weights,
): Promise<{ readonly norms: ReadonlyMap<string, number>; readonly losses: number[] }> {
  const network = createNetwork(spec);
  const ctx = new Context({ training: true });
  const loss = network.loss(network.forward(constant(image), ctx), constant(mask));
  const bound = [...bindWeights(network, weights)];
  const parameters = namedParameters(network);
  const names = [...parameters.keys()].filter(name => parameters.get(name)!.kind === 'weight');
  const trained = names.map(name => parameters.get(name)!);
  const gradients = grad(loss, trained);
  const squares = concat(
    gradients.map(g => reshape(g ? reduceSum(square(g)) : scalar(0), [1])),
    0,
  );
  const state = optimize(
    adam(),
    names.map((name, i) => ({ name, value: trained[i]!, gradient: gradients[i]! })),
    scalar(5e-3),
  );
  const buffers = new Map(bound.filter(([, { name }]) => !(name in state)));
  const first = Object.fromEntries(
    bound.filter(([, { name }]) => name in state).map(([, { name, tensor }]) => [name, tensor] as const),
  );
  // A draw of 0 keeps every path.
  const draws = Object.fromEntries(ctx.draws.map((draw, i) => [`draw${i}`, draw]));
  const feeds = Object.fromEntries(
    Object.entries(draws).map(([name, { shape }]) => [name, new HostTensor('float32', shape)]),
  );
  const graph = build({ inputs: draws, outputs: { loss, squares }, state, weights: buffers });
  const executable = await runtime.compile(graph, first);
  const losses: number[] = [];
  let norms: ReadonlyMap<string, number> = new Map();
  for (let step = 0; step < steps; step++) {
    const results = await executable.run(feeds);
    losses.push(results['loss']!.data[0] as number);
    if (step === 0) norms = new Map(names.map((name, i) => [name, Math.sqrt(Number(results['squares']!.data[i]))]));
  }
  await executable.close();
  return { norms, losses };
}

describe.each(Object.entries(networks) as [NetworkSpec['id'], ModelDefinition][])('%s', (id, definition) => {
  const spec = variants[id] ?? { id };
  const network = createNetwork(spec);
  const weights = noisyWeights(network);

  test('its parameters keep their names, shapes and order', () => {
    const parameters = [...namedParameters(definition.create())];
    const lines = parameters.map(([name, { kind, shape }]) => `${kind} ${name} [${shape}]\n`);
    const sha256 = createHash('sha256').update(lines.join('')).digest('hex');
    expect({ tensors: lines.length, trained: countParameters(definition.create()), sha256 }).toMatchSnapshot();
  });

  test('no two parameters have the same official name', () => {
    const names = [...namedParameters(definition.create()).keys()];
    const { officialName = (name: string) => name } = definition;
    expect(new Set(names.map(officialName)).size).toBe(names.length);
  });

  test('it gives one logit per pixel, the same each time, with weights that went through a file', async () => {
    const read = readCheckpoint(writeSafetensors(weights, { model: JSON.stringify(spec) }));
    const x = input('float32', [2, 3, size, size]);
    const run = async (bound: ReturnType<typeof bindWeights>) => {
      const { logits } = network.forward(x, evaluation());
      const graph = build({ inputs: { x }, outputs: { logits }, weights: bound });
      return (await runOnce(runtime, graph, { x: randomTensor(x.shape, new Random(2)) }))['logits']!;
    };
    const [fromMemory, fromFile] = [
      await run(bindWeights(network, weights)),
      await run(bindWeights(network, read.weights)),
    ];
    expect(fromMemory.shape).toEqual([2, 1, size, size]);
    expect(difference(fromFile, fromMemory, { rtol: 0, atol: 0 })).toBeNull();
    expect(read.model).toEqual(spec);
  });

  test('it says which sizes it takes', () => {
    const wrong = input('float32', [1, 3, size + 1, size - 3]);
    expect(() => network.forward(wrong, evaluation())).toThrow(
      /^\w+: height and width must be divisible by \d+, got 65×61; pad (or resize )?the image first$/,
    );
    expect(() => network.forward(input('float32', [1, 4, size, size]), evaluation())).toThrow('[1,4,64,64]');
  });

  let training: ReturnType<typeof train> | undefined;
  const trainOnce = () => (training ??= train(spec, weights));

  test('every weight has a finite gradient that is not zero', async () => {
    const { norms } = await trainOnce();
    expect([...norms].filter(([, norm]) => !Number.isFinite(norm))).toEqual([]);
    const unused = [...norms].filter(
      ([name, norm]) => norm === 0 && !beforeBatchNorm.test(name) && !ofTextAlone.test(name),
    );
    expect(unused).toEqual([]);
  });

  test(`the loss falls by a fifth on four samples in ${steps} steps`, async () => {
    const { losses } = await trainOnce();
    expect(losses.at(-1)! / losses[0]!, losses.map(loss => loss.toFixed(3)).join(' ')).toBeLessThan(0.8);
  });
});
