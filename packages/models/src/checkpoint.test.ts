import type { Tensor } from '@forgelens/autograd';
import { float32, int64, writeSafetensors } from '@forgelens/autograd';
import { difference } from '@forgelens/autograd/testing';
import { initialize } from '@forgelens/nn';
import { expect, test } from 'vitest';
import { bindWeights, narrowed, readCheckpoint } from './checkpoint.ts';
import { createNetwork } from './networks.ts';

const network = createNetwork({ id: 'unet', widths: [2, 4] });
const weights = initialize(network, 1);

test('weights come back under their names, and what a training keeps is left out', () => {
  const training = { ...weights, 'adamw.step': float32([], [3]), 'ema.head.bias': float32([1], [0]) };
  const read = readCheckpoint(writeSafetensors(training, { model: '{"id":"unet","widths":[2,4]}' }));
  expect(read.weights).toEqual(weights);
  expect(read.model).toEqual({ id: 'unet', widths: [2, 4] });
  const bound = bindWeights(network, read.weights);
  expect([...bound.values()].map(({ name }) => name)).toEqual(Object.keys(weights));
});

test('weights stored as float16 are used as the float32 they are nearest to', () => {
  const read = readCheckpoint(writeSafetensors(narrowed(weights)));
  for (const { name, tensor } of bindWeights(network, read.weights).values()) {
    // Eleven bits are kept, and below 2^−14 steps of 2^−24.
    expect(difference(tensor, weights[name] as Tensor<'float32'>, { rtol: 2 ** -11, atol: 2 ** -25 }), name).toBeNull();
  }
});

test('a weight that float16 does not hold is refused', () => {
  expect(() => narrowed({ 'head.bias': float32([1], [1e5]) })).toThrow(
    'head.bias: has a number that is not finite, or beyond the 65504 of float16',
  );
});

test('every name that is missing, extra or of another shape or dtype is in one error', () => {
  const { 'head.bias': _, ...rest } = weights;
  const wrong = {
    ...rest,
    'head.weight': float32([1, 3, 1, 1], [1, 2, 3]),
    'encoder.0.norm1.bias': int64([2], [0, 0]),
    'classifier.weight': float32([1], [1]),
  };
  expect(() => bindWeights(network, wrong, 'best.safetensors')).toThrowErrorMatchingInlineSnapshot(
    `[CheckpointError: best.safetensors: 4 names do not fit the network's 32: encoder.0.norm1.bias is int64 [2], not float32 [2], head.weight is float32 [1,3,1,1], not float32 [1,2,1,1], missing head.bias [1], extra classifier.weight [1]; use the checkpoint of this very network]`,
  );
});

test('a file that says its model in broken JSON is refused', () => {
  expect(() => readCheckpoint(writeSafetensors(weights, { model: '{' }), 'a.safetensors')).toThrow(
    'a.safetensors: its entry "model" is not JSON: {',
  );
});

test('a network that nobody knows is refused with those that are known', () => {
  expect(() => createNetwork({ id: 'unett' } as never)).toThrow(/^unknown model "unett"/);
});
