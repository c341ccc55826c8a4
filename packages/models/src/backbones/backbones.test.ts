import { Random, add, build, concat, grad, input, reduceMean, reduceSum, reshape, square } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { randomTensor } from '@forgelens/autograd/testing';
import { countParameters, evaluation, initialize, namedParameters } from '@forgelens/nn';
import { describe, expect, test } from 'vitest';
import type { Backbone, BackboneDefinition } from './backbone.ts';
import type { BackboneName } from './index.ts';
import { backbones, createBackbone } from './index.ts';
import { P2t, p2t } from './p2t.ts';
import { res2Net } from './res2net.ts';
import { resNeSt } from './resnest.ts';
import { ResNet } from './resnet.ts';

// Counted of the published code, without the classifier of ImageNet's 1000 classes.
test.each([
  ['resnet-50', 23_508_032],
  ['resnet-101', 42_500_160],
  ['res2net-50', 23_669_352],
  ['res2net-101', 43_176_920],
  ['resnest-50', 25_434_240],
  ['mit-b0', 3_319_392],
  ['mit-b1', 13_151_424],
  ['mit-b2', 24_196_288],
  ['mit-b3', 44_072_128],
  ['mit-b4', 60_842_688],
  ['mit-b5', 81_443_008],
  ['p2t-tiny', 11_205_840],
  ['p2t-small', 23_566_848],
  ['p2t-base', 35_553_408],
  ['p2t-large', 53_836_096],
  ['pvt-v2-b2', 24_849_856],
  ['hrformer-base', 44_040_666],
] as const)('%s has the %i parameters of the published code', (name, parameters) => {
  expect(countParameters(createBackbone(name))).toBe(parameters);
});

describe.each(Object.entries<BackboneDefinition>(backbones))('%s', (_, { create, officialName }) => {
  const backbone = create();

  test('gives four maps of its widths at strides 4, 8, 16 and 32', () => {
    const maps = backbone.forward(input('float32', [1, 3, 64, 96]), evaluation());
    expect(maps.map(({ shape }) => shape)).toEqual(
      backbone.widths.map((width, i) => [1, width, 64 / 2 ** (i + 2), 96 / 2 ** (i + 2)]),
    );
  });

  test('has a published name of its own for every parameter', () => {
    const names = [...namedParameters(backbone).keys()].map(officialName);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter(name => /stages|stem|running[MV]|shortcut/.test(name))).toEqual([]);
  });
});

test.each([
  ['resnet-50', 'stem.0.norm.runningMean', 'bn1.running_mean'],
  ['resnet-50', 'stages.1.0.shortcut.conv.weight', 'layer2.0.downsample.0.weight'],
  ['res2net-50', 'stem.1.norm.weight', 'conv1.4.weight'],
  ['res2net-50', 'stem.2.norm.bias', 'bn1.bias'],
  ['res2net-50', 'stages.0.2.norms.1.runningVar', 'layer1.2.bns.1.running_var'],
  ['res2net-50', 'stages.3.0.shortcut.norm.bias', 'layer4.0.downsample.2.bias'],
  ['resnest-50', 'stages.2.5.conv2.norm0.weight', 'layer3.5.conv2.bn0.weight'],
  ['mit-b2', 'stages.2.block.5.mlp.dwconv.bias', 'block3.5.mlp.dwconv.dwconv.bias'],
  ['p2t-small', 'stages.3.positions.2.weight', 'd_convs4.2.weight'],
  ['p2t-small', 'stages.0.block.1.attn.kv.bias', 'block1.1.attn.kv.0.bias'],
] as const)('in the published weights of %s, %s is %s', (name, ours, published) => {
  expect(backbones[name].officialName(ours)).toBe(published);
});

test('a backbone that there is not is refused with those that there are', () => {
  expect(() => createBackbone('resnet-18' as BackboneName)).toThrow(
    /^unknown backbone "resnet-18" \(backbones: resnet-50, resnet-101, res2net-50, .*, hrformer-base\)$/,
  );
});

const tiny: readonly (readonly [string, Backbone])[] = [
  ['Res2Net', new ResNet({ ...res2Net.r50, width: 8, depths: [1, 2, 1, 1] })],
  ['ResNeSt', new ResNet({ ...resNeSt.r50, width: 8, depths: [1, 2, 1, 1] })],
  ['P2T', new P2t({ ...p2t.small, widths: [8, 16, 40, 64], depths: [1, 1, 1, 1] })],
];

test.each(tiny)('every weight of a small %s has a finite gradient that is not zero', async (_, backbone) => {
  const x = input('float32', [2, 3, 64, 64]);
  const maps = backbone.forward(x, evaluation());
  const loss = maps.map(map => reduceMean(square(map))).reduce(add);
  const parameters = [...namedParameters(backbone)];
  const weights = parameters.filter(([, { kind }]) => kind === 'weight');
  const gradients = grad(
    loss,
    weights.map(([, value]) => value),
  );
  const squares = concat(
    gradients.map(gradient => reshape(reduceSum(square(gradient!)), [1])),
    0,
  );
  const first = initialize(backbone, 1);
  const bound = new Map(parameters.map(([name, value]) => [value, { name, tensor: first[name]! }] as const));
  const graph = build({ inputs: { x }, outputs: { squares }, weights: bound });
  const results = await runOnce(nodeCpu({ threads: 1 }), graph, { x: randomTensor(x.shape, new Random(1)) });
  const norms = [...(results['squares']!.data as Float32Array)];
  const wrong = weights.map(([name]) => name).filter((_, i) => !(norms[i]! > 0 && norms[i]! < Infinity));
  expect(wrong).toEqual([]);
});

const dilated = { width: 8, depths: [1, 2, 1, 1], outputStride: 8 } as const;

test.each<readonly [string, Backbone]>([
  ['Res2Net', new ResNet({ ...res2Net.r50, ...dilated })],
  ['ResNeSt', new ResNet({ ...resNeSt.r50, ...dilated })],
])('stages of a %s can be dilated instead of shrunk', (_, backbone) => {
  const maps = backbone.forward(input('float32', [1, 3, 32, 32]), evaluation());
  expect(maps.map(({ shape }) => shape)).toEqual([8, 4, 4, 4].map((side, i) => [1, backbone.widths[i], side, side]));
});
