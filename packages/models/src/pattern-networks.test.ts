import type { Value } from '@forgelens/autograd';
import { Random, Tensor, build, grad, input } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { difference, randomTensor } from '@forgelens/autograd/testing';
import { Context, countParameters, evaluation, initialize, namedParameters } from '@forgelens/nn';
import { expect, test } from 'vitest';
import type { Cdfl, CdflOutput } from './cdfl.ts';
import { bindWeights } from './checkpoint.ts';
import type { NetworkSpec } from './networks.ts';
import { createNetwork, networks } from './networks.ts';
import type { Sdpal, SdpalOutput } from './sdpal.ts';

const runtime = nodeCpu({ threads: 1 });

test.each([
  ['cdfl', 78_895_266],
  ['sdpal', 78_300_194],
] as const)('%s has the parameters of the official code, less a decoder that nothing uses', (id, parameters) => {
  const decoder = 512 * 512 + 2 * 512 + 512 + 1;
  expect(countParameters(createNetwork({ id })) + decoder).toBe(parameters);
});

test.each(['cdfl', 'sdpal'] as const)('%s maps official names of all kinds', id => {
  const officialName = networks[id].officialName!;
  const examples = [
    ['encoder.backbone.stem.1.norm.runningMean', 'mscc.backbone_net.stem.4.running_mean'],
    ['encoder.backbone.stages.2.22.conv3.weight', 'mscc.backbone_net.layer3.22.conv3.weight'],
    ['encoder.backbone.stages.0.0.shortcut.norm.bias', 'mscc.backbone_net.layer1.0.downsample.1.bias'],
    ['encoder.levels.2.conv.weight', 'mscc.bottleneck3.0.weight'],
    ['decoder.refine.second.norm.weight', 'conv_refine.refine.4.weight'],
    ['decoder.unet.up.0.block.first.norm.bias', 'unet.up1.conv.double_conv.1.bias'],
  ] as const;
  for (const [ours, official] of examples) expect(officialName(ours)).toBe(official);
});

const tiny = { backbone: 'r50', channels: 32 } as const;
const shape = [1, 3, 64, 64];

async function logitsOf(spec: NetworkSpec) {
  const network = createNetwork(spec);
  const x = input('float32', shape);
  const { logits } = network.forward(x, evaluation());
  const weights = bindWeights(network, initialize(network, 1));
  const graph = build({ inputs: { x }, outputs: { logits }, weights });
  const image = randomTensor(shape, new Random(2), 0.2);
  return (await runOnce(runtime, graph, { x: image }))['logits']!;
}

test.each(['cdfl', 'sdpal'] as const)(
  'both modes of %s have the same parameters, and see different things',
  async id => {
    const specs = (['code', 'paper'] as const).map(mode => ({ id, mode, ...tiny }));
    const [code, paper] = specs.map(spec => [...namedParameters(createNetwork(spec)).keys()]);
    expect(paper).toEqual(code);
    const [ofCode, ofPaper] = await Promise.all(specs.map(logitsOf));
    expect(difference(ofPaper!, ofCode!, { rtol: 1e-3, atol: 0 })).not.toBeNull();
  },
);

test.each(['cdfl', 'sdpal'] as const)(
  "%s learns in the paper's mode: features before the walk have a gradient",
  async id => {
    const network = createNetwork({ id, mode: 'paper', ...tiny }) as Cdfl | Sdpal;
    const ctx = new Context({ training: true });
    const inputs = { x: input('float32', [2, ...shape.slice(1)]), mask: input('float32', [2, 1, 64, 64]) };
    const loss = network.loss(network.forward(inputs.x, ctx) as CdflOutput & SdpalOutput, inputs.mask);
    const [gradient] = grad(loss, [network.encoder.fusion.conv.weight]);
    const draws = Object.fromEntries(ctx.draws.map((draw, i) => [`draw${i}`, draw]));
    const weights = bindWeights(network, initialize(network, 1));
    const graph = build({ inputs: { ...inputs, ...draws }, outputs: { gradient: gradient! }, weights });
    const random = new Random(3);
    const uniform = (value: Value) => {
      const tensor = new Tensor('float32', value.shape);
      for (let i = 0; i < tensor.size; i++) tensor.data[i] = random.uniform();
      return tensor;
    };
    const feeds = Object.fromEntries(Object.entries({ ...inputs, ...draws }).map(([name, v]) => [name, uniform(v)]));
    const { data } = (await runOnce(runtime, graph, feeds))['gradient']!;
    const norm = Math.hypot(...(data as Float32Array));
    expect(norm).toBeGreaterThan(0);
    expect(norm).toBeLessThan(1e3);
  },
);

test('SDPAL draws its walks anew in training, and always the same in evaluation', async () => {
  const spec = { id: 'sdpal', mode: 'paper', ...tiny, walks: 2 } as const;
  const training = new Context({ training: true });
  createNetwork(spec).forward(input('float32', shape), training);
  expect(training.draws.map(draw => draw.shape)).toEqual([[3, 64 * 2]]);
  expect(difference(await logitsOf(spec), await logitsOf(spec), { rtol: 0, atol: 0 })).toBeNull();
});
