import { expect, test } from 'vitest';

import { ShapeError } from '../errors.ts';
import { float32, int64 } from '../tensor.ts';
import type { Shape } from '../tensor.ts';
import { constant, input, scalar } from '../value.ts';
import * as ops from './index.ts';

const x = (...shape: Shape) => input('float32', shape);
const whole = (...shape: Shape) => input('int64', shape);
const image = x(2, 3, 8, 8);

/** The texts of the ShapeErrors that the calls throw. */
const messages = (...calls: (() => unknown)[]): string[] =>
  calls.map(call => {
    try {
      call();
    } catch (error) {
      if (error instanceof ShapeError) return error.message;
      throw error;
    }
    throw new Error(`nothing was thrown by ${call.toString()}`);
  });

test('convolutions say what does not fit', () => {
  expect(
    messages(
      () => ops.conv2d(x(3, 8, 8), x(4, 3, 3, 3)),
      () => ops.conv2d(image, x(3, 3, 3)),
      () => ops.conv2d(image, x(8, 4, 3, 3)),
      () => ops.conv2d(x(1, 4, 8, 8), x(3, 2, 3, 3), { groups: 2 }),
      () => ops.conv2d(image, x(4, 3, 5, 5), { dilation: 2 }),
      () => ops.conv2d(image, x(4, 3, 3, 3), {}, x(3)),
      () => ops.conv2d([image, image], x(4, 5, 3, 3)),
      () => ops.conv2d([image, image], x(4, 3, 3, 3), { groups: 2 }),
      () => ops.convTranspose2d(image, x(4, 3, 3, 3)),
      () => ops.convTranspose2d(image, x(3, 4, 3, 3), { stride: 2, size: [19, 17] }),
      () => ops.convTranspose2d(x(1, 3, 1, 1), x(3, 4, 1, 1), { padding: [0, 1] }),
      () => ops.convTranspose2d(image, x(3, 4, 3, 3), { dilation: 3, size: [15, 14] }),
    ),
  ).toMatchInlineSnapshot(`
    [
      "conv2d x: needs four axes [N, C, H, W], got shape [3,8,8]",
      "conv2d w: needs four axes [N, C, H, W], got shape [3,3,3]",
      "conv2d: x has 3 channels (shape [2,3,8,8]) but w expects 4 (shape [8,4,3,3], groups 1)",
      "conv2d: the 3 output channels of w (shape [3,2,3,3]) are not divisible by 2 groups",
      "conv2d: x (shape [2,3,8,8]) is smaller than the kernel (shape [4,3,5,5], dilation 2)",
      "conv2d: bias [3] must be [4], one for each output channel of w [4,3,3,3]",
      "conv2d: parts of 3 + 3 channels do not suit w (shape [4,5,3,3], groups 1)",
      "conv2d: parts of 3 + 3 channels do not suit w (shape [4,3,3,3], groups 2)",
      "convTranspose2d: x has 3 channels (shape [2,3,8,8]) but w expects 4 (shape [4,3,3,3])",
      "convTranspose2d: size 19,17 cannot come from x [2,3,8,8] with stride 2 and w [3,4,3,3]",
      "convTranspose2d: padding 0,1 leaves nothing of x (shape [1,3,1,1]) with w (shape [3,4,1,1])",
      "convTranspose2d: size 15,14 cannot come from x [2,3,8,8] with stride 1 and w [3,4,3,3]",
    ]
  `);
});

test('elementwise ops say what does not fit', () => {
  expect(
    messages(
      () => ops.add(x(2, 3), x(2, 4)),
      () => ops.add(x(2), whole(2)),
      () => ops.greater(x(2), whole(2)),
      () => ops.where(x(2), x(2), x(2)),
      () => ops.where(ops.not(input('bool', [2])), x(2), whole(2)),
      () => scalar(1, 'float16'),
    ),
  ).toMatchInlineSnapshot(`
    [
      "add: shapes [2,3] and [2,4] do not broadcast",
      "add: dtypes float32 and int64 differ; cast one of them",
      "greater: dtypes float32 and int64 differ; cast one of them",
      "where: condition must be bool, got float32",
      "where: dtypes float32 and int64 differ; cast one of them",
      "scalar: float16 constants are made with cast(scalar(x), "float16")",
    ]
  `);
});

test('products say what does not fit', () => {
  expect(
    messages(
      () => ops.matmul(x(2, 3), x(4, 2)),
      () => ops.matmul(x(3), x(3, 2)),
      () => ops.matmul(x(2, 2, 3), x(3, 3, 2)),
      () => ops.gemm(x(2, 3), x(2, 4)),
      () => ops.gemm(x(2, 3), x(4, 3), true, true),
      () => ops.gemm(x(1, 2, 3), x(3, 2)),
      () => ops.product(x(2, 3), x(4, 3), x(3, 4)),
      () => ops.product(x(2, 3), x(4, 3), x(5, 2, 4)),
      () => ops.linear(x(2, 3), x(4, 5), x(4)),
      () => ops.linear(x(2, 3), x(4, 3), x(3)),
    ),
  ).toMatchInlineSnapshot(`
    [
      "matmul: the last axis of [2,3] must equal the last but one of [4,2]",
      "matmul: the last axis of [3] must equal the last but one of [3,2]",
      "matmul: shapes [2] and [3] do not broadcast",
      "gemm: [2,3] · [2,4] is not a matrix product",
      "gemm: [2,3]ᵀ · [4,3]ᵀ is not a matrix product",
      "gemm: [1,2,3] · [3,2] is not a matrix product",
      "product: shapes [3,4] and [2,4] do not broadcast",
      "product: [5,2,4] does not stretch to [2,4]",
      "linear: x has 3 features (shape [2,3]) but weight expects 5 (shape [4,5])",
      "linear: bias [3] must be [4], one for each row of weight [4,3]",
    ]
  `);
});

test('norms and reductions say what does not fit', () => {
  expect(
    messages(
      () => ops.layerNorm(x(2, 3), x(2), x(3)),
      () => ops.normalizeChannels(image, x(3), x(3), x(4), x(3)),
      () => ops.batchNorm(image, x(4), x(3)),
      () => ops.groupNorm(image, 2, x(3), x(3)),
      () => ops.softmax(x(2, 3), 2),
      () => ops.reduceSum(x(2, 3), [-3]),
      () => ops.argMax(x(2), 0.5),
      () => ops.topK(x(2, 3), 4),
      () => ops.cumSum(x(2), 1),
    ),
  ).toMatchInlineSnapshot(`
    [
      "layerNorm: weight [2] and bias [3] must be [3], the last axis of x [2,3]",
      "batchNorm: weight, bias, mean and variance must be [3], the channels of x [2,3,8,8], got [4]",
      "batchNorm: weight, bias, mean and variance must be [3], the channels of x [2,3,8,8], got [4]",
      "groupNorm: 3 channels (shape [2,3,8,8]) are not divisible by 2 groups",
      "softmax: axis 2 is outside shape [2,3]",
      "reduceSum: axis -3 is outside shape [2,3]",
      "argMax: axis 0.5 is outside shape [2]",
      "topK: k 4 exceeds axis 1 of shape [2,3]",
      "cumSum: axis 1 is outside shape [2]",
    ]
  `);
});

test('pooling, resizing and windows say what does not fit', () => {
  expect(
    messages(
      () => ops.maxPool2d(x(3, 8, 8), 2),
      () => ops.maxPool2d(image, 9),
      () => ops.avgPool2d(image, 2, { padding: 2 }),
      () => ops.adaptiveMaxPool2d(image, [3, 4]),
      () => ops.resizeBilinear(image, [0, 4]),
      () => ops.resizeNearest(image, [2.5, 4]),
      () => ops.resizeNearest(x(8, 8), [4, 4]),
      () => ops.unfold(x(8, 8), 3),
      () => ops.unfold(image, 9),
    ),
  ).toMatchInlineSnapshot(`
    [
      "maxPool2d: needs four axes [N, C, H, W], got shape [3,8,8]",
      "maxPool2d: x (shape [2,3,8,8]) is smaller than the window of 9×9",
      "avgPool2d: padding 2 is more than half of kernelSize 2",
      "adaptiveMaxPool2d: height and width must be divisible by 3 and 4, got 8×8",
      "resize: size [0,4] must be whole numbers above 0",
      "resize: size [2.5,4] must be whole numbers above 0",
      "resize: needs four axes [N, C, H, W], got shape [8,8]",
      "unfold: needs four axes [N, C, H, W], got shape [8,8]",
      "unfold: x (shape [2,3,8,8]) is smaller than the window of 9×9, dilation 1",
    ]
  `);
});

test('indexing says what does not fit', () => {
  expect(
    messages(
      () => ops.gather(x(3), x(2)),
      () => ops.gather(x(3), whole(2), 1),
      () => ops.gatherElements(x(2, 3), whole(3, 2), 1),
      () => ops.gatherElements(x(2, 3), x(2, 3), 1),
      () => ops.scatterRows(x(4, 3), whole(2), x(2, 4)),
      () => ops.scatterElements(x(2, 3), whole(2, 2), x(2, 1), 1),
    ),
  ).toMatchInlineSnapshot(`
    [
      "gather: indices must be int64 or int32, got float32",
      "gather: axis 1 is outside shape [3]",
      "gatherElements: indices [3,2] do not fit into x [2,3] along axis 1",
      "gatherElements: indices must be int64 or int32, got float32",
      "scatterRows: updates [2,4] must be one row of [4,3] for each index of [2]",
      "scatterElements: indices [2,2] and updates [2,1] must have one shape and the axes of x [2,3]",
    ]
  `);
});

test('changes of shape say what does not fit', () => {
  expect(
    messages(
      () => ops.reshape(x(2, 3), [4, 2]),
      () => ops.reshape(x(2, 3), [4, -1]),
      () => ops.reshape(x(2, 3), [-1, -1]),
      () => ops.transpose(x(2, 3), [0, 0]),
      () => ops.transpose(x(2, 3), [0]),
      () => ops.transposeLast(x(3)),
      () => ops.expand(x(2, 3), [2, 4]),
      () => ops.expand(x(2, 3), [3]),
      () => ops.concat([], 0),
      () => ops.concat([x(2, 3), x(2, 4)], 0),
      () => ops.concat([x(2, 3), whole(2, 3)], 0),
      () => ops.split(x(2, 3), 1, [1, 1]),
      () => ops.slice(x(2, 3), 1, 2, 4),
      () => ops.slice(x(2, 3), 1, 2, 2),
      () => ops.slice(x(2, 3), 2, 0, 1),
      () => ops.slice(x(2, 3), 1, 0, 3, 0),
      () => ops.flip(x(2), 1),
      () => ops.pad(x(2, 3), [[1, 1]]),
      () => ops.pad(x(2), [[-1, 0]]),
      () =>
        ops.mirrorPad(
          x(2, 3),
          [
            [0, 0],
            [3, 0],
          ],
          'reflect',
        ),
      () =>
        ops.mirrorPad(
          x(3),
          [
            [0, 0],
            [1, 0],
          ],
          'edge',
        ),
    ),
  ).toMatchInlineSnapshot(`
    [
      "reshape: x has 6 elements (shape [2,3]) but [4,2] has 8",
      "reshape: x has 6 elements (shape [2,3]), which do not fit into [4,-1]",
      "reshape: x has 6 elements (shape [2,3]) but [6,6] has 36",
      "transpose: order [0,0] is not a permutation of the axes of shape [2,3]",
      "transpose: order [0] is not a permutation of the axes of shape [2,3]",
      "transposeLast: needs two axes or more, got shape [3]",
      "expand: shapes [2,3] and [2,4] do not broadcast",
      "expand: shape [2,3] does not stretch to [3]",
      "concat: needs at least one value",
      "concat: float32 [2,4] and float32 [2,3] differ elsewhere than in axis 0",
      "concat: int64 [2,3] and float32 [2,3] differ elsewhere than in axis 0",
      "split: sizes [1,1] do not add up to axis 1 of shape [2,3]",
      "slice: [2, 4) is not within axis 1 of shape [2,3]",
      "slice: [2, 2) is not within axis 1 of shape [2,3]",
      "slice: axis 2 is outside shape [2,3]",
      "slice: step 0 must be a whole number above 0",
      "flip: axis 1 is outside shape [2]",
      "pad: shape [2,3] needs 2 pairs of non-negative numbers, got [1,1]",
      "pad: shape [2] needs 1 pairs of non-negative numbers, got [-1,0]",
      "mirrorPad: reflecting 3 elements needs an axis longer than 3 (shape [2,3])",
      "mirrorPad: axis 1 is outside shape [3]",
    ]
  `);
});

test('tensors say what does not fit', () => {
  expect(
    messages(
      () => float32([2, 3], [1, 2]),
      () => constant(int64([], [])),
    ),
  ).toMatchInlineSnapshot(`
    [
      "Tensor: shape [2,3] has 6 elements but data has 2",
      "Tensor: shape [] has 1 elements but data has 0",
    ]
  `);
});
