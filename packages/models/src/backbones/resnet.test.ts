import { input } from '@forgelens/autograd';
import { countParameters, evaluation } from '@forgelens/nn';
import { expect, test } from 'vitest';
import type { ResNetConfig } from './resnet.ts';
import { ResNet, resNet } from './resnet.ts';

// As published by torchvision, without the classifier of ImageNet's 1000 classes.
test.each([
  ['r50', 25_557_032],
  ['r101', 44_549_160],
] as const)('ResNet %s has the published %i parameters', (size, parameters) => {
  expect(countParameters(new ResNet(resNet[size])) + 2048 * 1000 + 1000).toBe(parameters);
});

test.each([
  [32, [8, 4, 2, 1], [1, 1, 1, 1]],
  [16, [8, 4, 2, 2], [1, 1, 1, 2]],
  [8, [8, 4, 4, 4], [1, 1, 2, 4]],
] as const)('with an output stride of %i, stages are dilated instead of shrunk', (outputStride, extents, dilations) => {
  const tiny: ResNetConfig = { ...resNet.r50, stem: 'v1c', outputStride, width: 4 };
  const network = new ResNet(tiny);
  const maps = network.forward(input('float32', [1, 3, 32, 32]), evaluation());
  expect(maps.map(map => map.shape)).toEqual(extents.map((extent, i) => [1, 16 * 2 ** i, extent, extent]));
  expect(network.stages.map(stage => stage.at(-1)!.conv2.attrs.dilation)).toEqual(dilations);
});

test('the first block of a dilated stage has the dilation of the stage before', () => {
  const network = new ResNet({ ...resNet.r50, outputStride: 8, width: 4 });
  expect(network.stages.map(stage => stage[0]!.conv2.attrs.dilation)).toEqual([1, 1, 1, 2]);
});
