/**
 * What the tests of every op are made of, as plain data: the same tables run on Node and in a browser.
 * An op that is missing here is a type error.
 */
import type { Random } from '../random.ts';
import type { Shape } from '../tensor.ts';
import { float32, int64, sizeOf, Tensor } from '../tensor.ts';
import type { GradientCheck } from '../testing/index.ts';
import type { Value } from '../value.ts';
import { constant, scalar } from '../value.ts';
import * as ops from './index.ts';

/** A function of float32 values whose gradients are checked at random inputs of these shapes. */
export interface GradientCase extends Pick<GradientCheck, 'shapes' | 'scale' | 'offset' | 'step' | 'inputs'> {
  readonly f: (...xs: Value[]) => Value;
  /** Its second derivatives exist and are not all zero: they are checked too. */
  readonly smooth: boolean;
}

/** A function with a known result. */
export interface ValueCase {
  readonly f: (...xs: Value[]) => Value;
  readonly inputs: readonly Tensor[];
  readonly expected: Tensor;
}

/** What ops/index.ts exports beside ops: it has tests of its own. */
export const helpers = ['broadcastShapes', 'onnxDTypes'] as const;

type Op = Exclude<keyof typeof ops, (typeof helpers)[number]>;
type OpWithoutGradient =
  | ('greater' | 'greaterOrEqual' | 'less' | 'lessOrEqual' | 'equal' | 'and' | 'or' | 'not')
  | ('floor' | 'sign' | 'stopGradient' | 'argMax' | 'fill' | 'constantMatrix' | 'cosineMatrix');

type F = GradientCase['f'];

const smooth = (f: F, ...shapes: Shape[]): GradientCase => ({ f, shapes, smooth: true });

/** Linear in all inputs together, so that second derivatives are zero. */
const linear = (f: F, ...shapes: Shape[]): GradientCase => ({ f, shapes, smooth: false });

/** Smooth where all inputs are positive. */
const positive = (f: F, ...shapes: Shape[]): GradientCase => ({ f, shapes, smooth: true, offset: 3, scale: 0.4 });

/** Linear between kinks: all inputs are odd multiples of 0.05, each another, so that no step crosses a kink. */
const piecewise = (f: F, ...shapes: Shape[]): GradientCase => ({
  f,
  shapes,
  smooth: false,
  step: 1e-3,
  inputs: random => apart(shapes, random),
});

function apart(shapes: readonly Shape[], random: Random): Tensor<'float32'>[] {
  const count = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  const values = random.shuffle(Array.from({ length: count }, (_, i) => (i - Math.floor(count / 2) + 0.5) * 0.1));
  return shapes.map(shape => float32(shape, values.splice(0, sizeOf(shape))));
}

/** A map that gradients compute again in another way, which differs in the last bits. */
const normalized = (x: Value): Value =>
  ops.relu(ops.batchNorm(x, constant(float32([2], [0.3, 0.7])), constant(float32([2], [1, 1.6])))[0]);

const whole = (shape: Shape, ...values: number[]): Value => constant(int64(shape, values));
const bools = (shape: Shape, ...values: number[]): Tensor => new Tensor('bool', shape, Uint8Array.from(values));

/** A function of two values under every kind of broadcasting. */
const broadcasting = (f: F, make: (f: F, ...shapes: Shape[]) => GradientCase): Record<string, GradientCase> => ({
  'of one shape': make(f, [2, 3], [2, 3]),
  'with both stretched': make(f, [2, 1, 3], [4, 1]),
  'with a scalar': make(f, [], [2, 3]),
  'with a scalar beside a last axis of 1': make(f, [2, 3, 1], []),
  'with fewer axes beside a last axis of 1': make(f, [3, 1], [2, 3, 1]),
});

const reductions = (
  f: (x: Value, axes?: readonly number[], options?: { readonly keepDims?: boolean }) => Value,
  make: (f: F, ...shapes: Shape[]) => GradientCase,
): Record<string, GradientCase> => ({
  'over all axes': make(x => f(x), [2, 3, 4]),
  'over all axes, kept': make(x => f(x, undefined, { keepDims: true }), [2, 3]),
  'over the middle axis': make(x => f(x, [1]), [2, 3, 4]),
  'over the last and the first axis, kept': make(x => f(x, [-1, 0], { keepDims: true }), [2, 3, 4]),
  'over no axis': make(x => f(x, []), [2, 3]),
});

/** Every op with a gradient: cases by what they are about. */
export const gradientCases: Readonly<Record<Exclude<Op, OpWithoutGradient>, Readonly<Record<string, GradientCase>>>> = {
  // conv.ts
  conv2d: {
    plain: smooth((x, w) => ops.conv2d(x, w), [2, 3, 6, 5], [4, 3, 3, 3]),
    'of one image and one channel': smooth((x, w) => ops.conv2d(x, w), [1, 1, 5, 4], [1, 1, 2, 3]),
    'with a kernel as large as the image': smooth((x, w) => ops.conv2d(x, w), [2, 2, 4, 3], [3, 2, 4, 3]),
    'with padding': smooth((x, w) => ops.conv2d(x, w, { padding: 1 }), [2, 2, 5, 4], [3, 2, 3, 3]),
    'with padding [height, width]': smooth((x, w) => ops.conv2d(x, w, { padding: [2, 1] }), [1, 2, 5, 4], [3, 2, 5, 3]),
    'with padding wider than the kernel': smooth(
      (x, w) => ops.conv2d(x, w, { padding: 3 }),
      [1, 2, 4, 5],
      [2, 2, 3, 3],
    ),
    'with stride 2 on odd sizes': smooth(
      (x, w) => ops.conv2d(x, w, { stride: 2, padding: 1 }),
      [2, 2, 7, 5],
      [3, 2, 3, 3],
    ),
    'with stride 3 that leaves a border': smooth((x, w) => ops.conv2d(x, w, { stride: 3 }), [1, 2, 7, 8], [2, 2, 2, 2]),
    'with dilation': smooth((x, w) => ops.conv2d(x, w, { dilation: 2, padding: 2 }), [1, 2, 6, 7], [3, 2, 3, 3]),
    'with stride and dilation': smooth(
      (x, w) => ops.conv2d(x, w, { stride: 2, dilation: 3, padding: 2 }),
      [1, 2, 8, 9],
      [2, 2, 3, 2],
    ),
    'in groups': smooth((x, w) => ops.conv2d(x, w, { groups: 2, padding: 1 }), [2, 4, 5, 4], [6, 2, 3, 3]),
    'in groups with stride and dilation': smooth(
      (x, w) => ops.conv2d(x, w, { groups: 2, stride: 2, dilation: 2 }),
      [2, 4, 8, 7],
      [2, 2, 2, 3],
    ),
    'of each channel alone': smooth((x, w) => ops.conv2d(x, w, { groups: 3, padding: 1 }), [2, 3, 5, 4], [3, 1, 3, 3]),
    'of each channel alone with stride 2': smooth(
      (x, w) => ops.conv2d(x, w, { groups: 3, padding: 1, stride: 2 }),
      [2, 3, 6, 5],
      [3, 1, 3, 3],
    ),
    'of each channel to two': smooth(
      (x, w) => ops.conv2d(x, w, { groups: 2, padding: [0, 1] }),
      [2, 2, 5, 4],
      [4, 1, 3, 3],
    ),
    '1×1': smooth((x, w) => ops.conv2d(x, w), [2, 3, 4, 3], [5, 3, 1, 1]),
    '1×1 with stride 2': smooth((x, w) => ops.conv2d(x, w, { stride: 2 }), [2, 3, 5, 4], [2, 3, 1, 1]),
    'with bias': smooth((x, w, b) => ops.conv2d(x, w, { padding: 1 }, b), [2, 2, 4, 5], [3, 2, 3, 3], [3]),
    'of parts': smooth(
      (x1, x2, w, b) => ops.conv2d([x1, x2], w, { padding: 1 }, b),
      [2, 1, 4, 5],
      [2, 2, 4, 5],
      [2, 3, 3, 3],
      [2],
    ),
    'with bias in groups with stride': smooth(
      (x, w, b) => ops.conv2d(x, w, { groups: 2, stride: 2 }, b),
      [1, 4, 5, 6],
      [4, 2, 3, 3],
      [4],
    ),
  },
  convTranspose2d: {
    plain: smooth((x, w) => ops.convTranspose2d(x, w), [2, 3, 4, 3], [3, 2, 3, 2]),
    'with stride 2': smooth((x, w) => ops.convTranspose2d(x, w, { stride: 2, padding: 1 }), [1, 2, 3, 4], [2, 3, 4, 4]),
    'with a chosen size': smooth(
      (x, w) => ops.convTranspose2d(x, w, { stride: 3, padding: 1, size: [8, 9] }),
      [2, 2, 3, 3],
      [2, 2, 3, 3],
    ),
    'with dilation': smooth(
      (x, w) => ops.convTranspose2d(x, w, { dilation: 2, padding: [1, 2] }),
      [1, 2, 4, 3],
      [2, 1, 3, 3],
    ),
    'in groups': smooth((x, w) => ops.convTranspose2d(x, w, { groups: 2, stride: 2 }), [2, 4, 3, 2], [4, 3, 2, 2]),
    'with bias': smooth((x, w, b) => ops.convTranspose2d(x, w, { stride: 2 }, b), [2, 2, 2, 3], [2, 3, 2, 2], [3]),
  },

  // elementwise.ts
  add: broadcasting((a, b) => ops.add(a, b), linear),
  sub: broadcasting((a, b) => ops.sub(a, b), linear),
  mul: broadcasting((a, b) => ops.mul(a, b), smooth),
  div: broadcasting((a, b) => ops.div(a, b), positive),
  maximum: broadcasting((a, b) => ops.maximum(a, b), piecewise),
  minimum: broadcasting((a, b) => ops.minimum(a, b), piecewise),
  where: {
    'of one shape': linear((a, b) => ops.where(constant(bools([2, 2], 1, 0, 0, 1)), a, b), [2, 2], [2, 2]),
    'with all stretched': linear((a, b) => ops.where(constant(bools([2, 1], 1, 0)), a, b), [3], [4, 1, 1]),
  },
  sumTo: {
    'a shape of the same rank': linear(x => ops.sumTo(x, [1, 3, 1]), [2, 3, 4]),
    'a shape of fewer axes': linear(x => ops.sumTo(x, [3, 1]), [2, 3, 4]),
  },
  neg: { plain: linear(x => ops.neg(x), [2, 3]) },
  exp: { plain: smooth(x => ops.exp(x), [2, 3]) },
  log: { plain: positive(x => ops.log(x), [2, 3]) },
  sqrt: { plain: positive(x => ops.sqrt(x), [2, 3]) },
  reciprocal: { plain: positive(x => ops.reciprocal(x), [2, 3]) },
  abs: { plain: piecewise(x => ops.abs(x), [4, 5]) },
  sin: { plain: smooth(x => ops.sin(x), [2, 3]) },
  cos: { plain: smooth(x => ops.cos(x), [2, 3]) },
  tanh: { plain: smooth(x => ops.tanh(x), [2, 3]) },
  sigmoid: { plain: smooth(x => ops.sigmoid(x), [2, 3]) },
  relu: { plain: piecewise(x => ops.relu(x), [4, 5]) },
  erf: { plain: smooth(x => ops.erf(x), [2, 3]) },
  softplus: { plain: smooth(x => ops.softplus(x), [2, 3]) },
  square: { plain: smooth(x => ops.square(x), [2, 3]) },
  gelu: {
    plain: smooth(x => ops.gelu(x), [2, 3]),
    // The gradient needs its output, and makes it anew.
    'then squared': smooth(x => ops.square(ops.gelu(x)), [2, 3]),
  },
  leakyRelu: {
    plain: piecewise(x => ops.leakyRelu(x), [4, 5]),
    'with a slope': piecewise(x => ops.leakyRelu(x, 0.3), [4, 5]),
  },
  pow: {
    '0': linear(x => ops.pow(x, 0), [2, 3]),
    '1': linear(x => ops.pow(x, 1), [2, 3]),
    '2': smooth(x => ops.pow(x, 2), [2, 3]),
    '3 of both signs': smooth(x => ops.pow(x, 3), [2, 3]),
    '1.5': positive(x => ops.pow(x, 1.5), [2, 3]),
    '−2': positive(x => ops.pow(x, -2), [2, 3]),
  },
  clamp: { plain: piecewise(x => ops.clamp(x, -0.4, 0.6), [4, 5]) },
  cast: { 'to float64 and back': smooth(x => ops.cast(ops.exp(ops.cast(x, 'float64')), 'float32'), [2, 3]) },

  // fourier.ts
  unfold: {
    plain: linear(x => ops.unfold(x, 2), [2, 2, 4, 3]),
    'with stride, padding and dilation': linear(
      x => ops.unfold(x, 3, { stride: 2, padding: 2, dilation: 2 }),
      [1, 2, 6, 5],
    ),
  },
  dft2d: {
    'its real part': linear(x => ops.dft2d(x)[0], [2, 4, 5]),
    'its imaginary part': linear(x => ops.dft2d(x)[1], [2, 4, 5]),
  },
  spectrum2d: { 'off zero': smooth(x => ops.spectrum2d(x, 0.5), [1, 2, 4, 3]) },

  // indexing.ts
  gather: {
    'along the first axis, repeated': linear(x => ops.gather(x, whole([4], 2, 0, 2, 1)), [3, 2]),
    'along the middle axis by a matrix': linear(x => ops.gather(x, whole([2, 2], 3, 0, 0, 1), 1), [2, 4, 3]),
    'along the last axis by one index': linear(x => ops.gather(x, whole([], 1), -1), [2, 3]),
    'by int32': linear(x => ops.gather(x, ops.cast(whole([2], 2, 2), 'int32')), [3, 2]),
  },
  scatterRows: {
    repeated: linear((x, rows) => ops.scatterRows(x, whole([4], 1, 0, 1, 3), rows), [4, 2], [4, 2]),
    'of numbers': linear((x, rows) => ops.scatterRows(x, whole([2], 1, 1), rows), [3], [2]),
  },
  gatherElements: {
    'along the last axis': linear(x => ops.gatherElements(x, whole([2, 2], 2, 0, 1, 1), -1), [2, 3]),
    'along the first axis of fewer columns': linear(x => ops.gatherElements(x, whole([3, 1], 1, 0, 1), 0), [2, 3]),
  },
  scatterElements: {
    repeated: linear((x, dy) => ops.scatterElements(x, whole([2, 2], 1, 1, 0, 2), dy, 1), [2, 3], [2, 2]),
    'by int32': linear(
      (x, dy) => ops.scatterElements(x, ops.cast(whole([1, 3], 1, 0, 1), 'int32'), dy, 0),
      [2, 3],
      [1, 3],
    ),
  },

  // matmul.ts
  matmul: {
    'of two matrices': smooth((a, b) => ops.matmul(a, b), [3, 4], [4, 2]),
    'of two batches': smooth((a, b) => ops.matmul(a, b), [2, 3, 3, 4], [2, 3, 4, 2]),
    'of a matrix with a batch': smooth((a, b) => ops.matmul(a, b), [3, 4], [2, 4, 2]),
    'of a batch with a matrix': smooth((a, b) => ops.matmul(a, b), [2, 3, 4], [4, 1]),
    'of batches that stretch': smooth((a, b) => ops.matmul(a, b), [2, 1, 2, 3], [4, 3, 2]),
  },
  product: {
    'A · Bᵀ': smooth((a, b) => ops.product(a, b), [3, 4], [2, 4]),
    'A · Bᵀ + C': smooth((a, b, c) => ops.product(a, b, c), [3, 4], [2, 4], [3, 2]),
    'A · Bᵀ + a row': smooth((a, b, c) => ops.product(a, b, c), [3, 4], [2, 4], [2]),
  },
  gemm: {
    'A · B': smooth((a, b) => ops.gemm(a, b), [3, 4], [4, 2]),
    'Aᵀ · B': smooth((a, b) => ops.gemm(a, b, true), [4, 3], [4, 2]),
    'A · Bᵀ': smooth((a, b) => ops.gemm(a, b, false, true), [3, 4], [2, 4]),
    'Aᵀ · Bᵀ': smooth((a, b) => ops.gemm(a, b, true, true), [4, 3], [2, 4]),
  },
  linear: {
    'with bias': smooth((x, w, b) => ops.linear(x, w, b), [3, 4], [2, 4], [2]),
    'without bias': smooth((x, w) => ops.linear(x, w), [3, 4], [2, 4]),
    'of three axes': smooth((x, w, b) => ops.linear(x, w, b), [2, 3, 4], [5, 4], [5]),
    'of one axis': smooth((x, w, b) => ops.linear(x, w, b), [4], [2, 4], [2]),
  },
  addBias: {
    'to the channels': linear((x, b) => ops.addBias(x, b, 1), [2, 3, 2, 2], [3]),
    'to the last axis': linear((x, b) => ops.addBias(x, b, 1), [2, 3], [3]),
  },

  // norm.ts
  softmax: {
    'along the last axis': smooth(x => ops.softmax(x), [2, 4]),
    'along the channels': smooth(x => ops.softmax(x, 1), [2, 3, 2]),
  },
  attention: {
    'of one head': smooth((q, k, v) => ops.attention(q, k, v), [3, 2], [4, 2], [4, 3]),
    'of images and heads': smooth((q, k, v) => ops.attention(q, k, v), [2, 2, 3, 2], [2, 2, 4, 2], [2, 2, 4, 2]),
    'with shared keys': smooth((q, k, v) => ops.attention(q, k, v), [2, 3, 2], [1, 4, 2], [1, 4, 2]),
    'with a bias': smooth((q, k, v, b) => ops.attention(q, k, v, b), [2, 3, 2], [2, 4, 2], [2, 4, 2], [3, 4]),
  },
  logSumExp: {
    'along the last axis': smooth(x => ops.logSumExp(x), [2, 4]),
    'along the channels': smooth(x => ops.logSumExp(x, 1), [2, 3, 2]),
  },
  logSoftmax: {
    'along the last axis': smooth(x => ops.logSoftmax(x), [2, 4]),
    'along the channels': smooth(x => ops.logSoftmax(x, 1), [2, 3, 2]),
  },
  layerNorm: {
    'of two axes': smooth((x, w, b) => ops.layerNorm(x, w, b, 0.1), [3, 4], [4], [4]),
    'of three axes': smooth((x, w, b) => ops.layerNorm(x, w, b, 0.1), [2, 2, 5], [5], [5]),
  },
  channelMoments: { 'mean and variance': smooth(x => ops.concat(ops.channelMoments(x), 0), [2, 3, 2, 2]) },
  normalizeChannels: {
    'of images': smooth(
      (x, w, b, m, v) => ops.normalizeChannels(x, w, b, m, ops.exp(v)),
      [2, 3, 2, 2],
      [3],
      [3],
      [3],
      [3],
    ),
    'of vectors': smooth((x, w, b, m, v) => ops.normalizeChannels(x, w, b, m, ops.exp(v)), [4, 3], [3], [3], [3], [3]),
  },
  batchNorm: {
    'its result': smooth((x, w, b) => ops.batchNorm(x, w, b)[0], [3, 2, 3, 2], [2], [2]),
    'result and statistics': smooth(
      (x, w, b) => {
        const [y, mean, variance] = ops.batchNorm(x, w, b);
        return ops.add(y, ops.reshape(ops.mul(mean, variance), [2, 1, 1]));
      },
      [2, 2, 3, 2],
      [2],
      [2],
    ),
  },
  groupNorm: {
    'in two groups': smooth((x, w, b) => ops.groupNorm(x, 2, w, b), [2, 4, 2, 3], [4], [4]),
    'of each channel alone': smooth((x, w, b) => ops.groupNorm(x, 2, w, b), [2, 2, 3, 2], [2], [2]),
    'in one group': smooth((x, w, b) => ops.groupNorm(x, 1, w, b), [2, 3, 4], [3], [3]),
  },

  // pool.ts
  maxPool2d: {
    plain: piecewise(x => ops.maxPool2d(x, 2), [2, 2, 4, 6]),
    'that leaves a border': piecewise(x => ops.maxPool2d(x, 2), [1, 2, 5, 7]),
    'of what is computed again': piecewise(x => ops.maxPool2d(normalized(x), 2), [2, 2, 4, 6]),
    'overlapping, with padding': piecewise(x => ops.maxPool2d(x, 3, { stride: 2, padding: 1 }), [1, 2, 5, 6]),
    'with gaps': piecewise(x => ops.maxPool2d(x, 2, { stride: 3 }), [1, 1, 7, 8]),
    'at every place': piecewise(x => ops.maxPool2d(x, 3, { stride: 1, padding: 1 }), [1, 1, 4, 5]),
  },
  avgPool2d: {
    plain: linear(x => ops.avgPool2d(x, 2), [2, 2, 4, 6]),
    'that leaves a border': linear(x => ops.avgPool2d(x, 2), [1, 2, 5, 7]),
    'overlapping, with padding': linear(x => ops.avgPool2d(x, 3, { stride: 2, padding: 1 }), [1, 2, 5, 6]),
    'with gaps': linear(x => ops.avgPool2d(x, 2, { stride: 3 }), [1, 1, 7, 8]),
  },
  adaptiveAvgPool2d: {
    'to one pixel': linear(x => ops.adaptiveAvgPool2d(x, [1, 1]), [2, 2, 3, 4]),
    'of equal windows': linear(x => ops.adaptiveAvgPool2d(x, [2, 3]), [1, 2, 4, 6]),
    'of unequal windows': linear(x => ops.adaptiveAvgPool2d(x, [3, 2]), [1, 2, 5, 7]),
    'to a larger size': linear(x => ops.adaptiveAvgPool2d(x, [4, 5]), [1, 1, 2, 3]),
  },
  adaptiveMaxPool2d: { plain: piecewise(x => ops.adaptiveMaxPool2d(x, [2, 3]), [2, 2, 4, 6]) },

  // reduce.ts
  reduceSum: reductions(ops.reduceSum, linear),
  reduceMean: reductions(ops.reduceMean, linear),
  reduceMax: {
    ...reductions(ops.reduceMax, piecewise),
    'of what is computed again': piecewise(x => ops.reduceMax(normalized(x), [2, 3]), [2, 2, 4, 6]),
  },
  reduceMin: reductions(ops.reduceMin, piecewise),
  cumSum: {
    forwards: linear(x => ops.cumSum(x, 1), [2, 4, 3]),
    backwards: linear(x => ops.cumSum(x, -1, { reverse: true }), [2, 4]),
  },
  topK: {
    'along the last axis': piecewise(x => ops.topK(x, 2)[0], [3, 5]),
    'along the first axis': piecewise(x => ops.topK(x, 3, 0)[0], [4, 2]),
  },

  // resample.ts
  resample: { plain: smooth((x, a, b) => ops.resample(x, a, b), [2, 2, 4, 3], [5, 4], [2, 3]) },
  resizeBilinear: {
    'to twice the size': linear(x => ops.resizeBilinear(x, [8, 6]), [1, 2, 4, 3]),
    'to an odd size': linear(x => ops.resizeBilinear(x, [7, 5]), [2, 1, 3, 4]),
    'to a smaller size': linear(x => ops.resizeBilinear(x, [2, 3]), [1, 2, 5, 7]),
    'with corners in place': linear(x => ops.resizeBilinear(x, [7, 2], true), [1, 1, 4, 5]),
    'to one pixel with corners in place': linear(x => ops.resizeBilinear(x, [1, 1], true), [1, 1, 4, 5]),
    'to its own size': linear(x => ops.resizeBilinear(x, [2, 3]), [1, 1, 2, 3]),
  },
  resizeNearest: {
    'to twice the size': linear(x => ops.resizeNearest(x, [8, 6]), [1, 2, 4, 3]),
    // Their gradients need the output, and make it anew.
    'to twice the size, squared': smooth(x => ops.square(ops.resizeNearest(x, [8, 6])), [1, 2, 4, 3]),
    'to five times the size, squared': smooth(x => ops.square(ops.resizeNearest(x, [15, 20])), [1, 1, 3, 4]),
    'to twice the height alone': linear(x => ops.resizeNearest(x, [4, 3]), [1, 2, 2, 3]),
    'to other factors': linear(x => ops.resizeNearest(x, [7, 4]), [1, 2, 4, 4]),
    'to a smaller size': linear(x => ops.resizeNearest(x, [2, 3]), [1, 2, 5, 7]),
    'to its own size': linear(x => ops.resizeNearest(x, [2, 3]), [1, 1, 2, 3]),
  },

  // shape.ts
  reshape: {
    'to another rank': linear(x => ops.reshape(x, [4, -1]), [2, 2, 3]),
    'to a number': linear(x => ops.reshape(x, []), [1, 1]),
  },
  transpose: {
    'of three axes': linear(x => ops.transpose(x, [2, 0, 1]), [2, 3, 4]),
    'as it is': linear(x => ops.transpose(x, [0, 1]), [2, 3]),
  },
  transposeLast: { plain: linear(x => ops.transposeLast(x), [2, 3, 4]) },
  expand: {
    'an axis of 1': linear(x => ops.expand(x, [2, 4, 3]), [2, 1, 3]),
    'new axes': linear(x => ops.expand(x, [2, 2, 3]), [3]),
    'a number': linear(x => ops.expand(x, [2, 2]), []),
  },
  concat: {
    'along the channels': linear((a, b, c) => ops.concat([a, b, c], 1), [2, 1, 3], [2, 2, 3], [2, 3, 3]),
    'along the last axis': linear((a, b) => ops.concat([a, b], -1), [2, 1], [2, 3]),
    'with itself': linear(x => ops.concat([x, x], 0), [2, 2]),
    'of one value': linear(x => ops.concat([x], 0), [2, 2]),
  },
  split: {
    'of which all parts are used': smooth(
      x => {
        const [a, b, c] = ops.split(x, 1, [1, 2, 1]);
        return ops.concat([ops.mul(b!, a!), c!], 1);
      },
      [2, 4],
    ),
    'of which one part is used': linear(x => ops.split(x, 0, [1, 3])[1]!, [4, 2]),
    'into nine parts': smooth(
      x =>
        ops.concat(
          ops.split(x, 1, [1, 1, 2, 1, 1, 1, 1, 2, 1]).map((y, i) => ops.pow(y, (i % 3) + 1)),
          1,
        ),
      [2, 11],
    ),
    'into one part': linear(x => ops.split(x, 0, [2])[0]!, [2, 2]),
  },
  slice: {
    'of the middle': linear(x => ops.slice(x, 1, 1, 3), [2, 4]),
    'of every second': linear(x => ops.slice(x, -1, 1, 6, 2), [2, 7]),
    'of every third, with a rest': linear(x => ops.slice(x, 0, 0, 7, 3), [8, 2]),
    'of all': linear(x => ops.slice(x, 0, 0, 3), [3]),
  },
  unslice: {
    'of every third': linear(x => ops.unslice(x, 1, 1, 3, 8), [2, 3]),
    'of the start': linear(x => ops.unslice(x, 0, 0, 1, 5), [2, 2]),
    'of every second to the end': linear(x => ops.unslice(x, 0, 1, 2, 6), [3]),
  },
  flip: {
    'the last axis': linear(x => ops.flip(x, -1), [2, 3]),
    'the first axis': linear(x => ops.flip(x, 0), [3, 2]),
  },
  pad: {
    'with zeros': linear(
      x =>
        ops.pad(x, [
          [1, 0],
          [0, 2],
        ]),
      [2, 3],
    ),
    'with a number': linear(
      x =>
        ops.pad(
          x,
          [
            [0, 0],
            [2, 1],
          ],
          7,
        ),
      [2, 3],
    ),
    'with nothing': linear(x => ops.pad(x, [[0, 0]]), [3]),
  },
  mirrorPad: {
    reflecting: linear(
      x =>
        ops.mirrorPad(
          x,
          [
            [0, 0],
            [2, 1],
            [3, 0],
          ],
          'reflect',
        ),
      [2, 3, 4],
    ),
    'repeating the edge': linear(
      x =>
        ops.mirrorPad(
          x,
          [
            [1, 2],
            [0, 3],
          ],
          'edge',
        ),
      [2, 3],
    ),
  },
};

const numbers = float32([4], [-1.5, 0, 0.5, 2]);
const others = float32([4], [-1.5, 1, 0, 2]);
const no = bools([4], 0, 0, 1, 1);
const yes = bools([4], 0, 1, 0, 1);
const image = float32([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]);

/** Ops with results that were worked out by hand: all without a gradient, and those whose ONNX form could be misread. */
export const valueCases: Readonly<Record<OpWithoutGradient, ValueCase> & Partial<Record<Op, ValueCase>>> = {
  greater: { f: (a, b) => ops.greater(a, b), inputs: [numbers, others], expected: bools([4], 0, 0, 1, 0) },
  greaterOrEqual: {
    f: (a, b) => ops.greaterOrEqual(a, b),
    inputs: [numbers, others],
    expected: bools([4], 1, 0, 1, 1),
  },
  less: { f: (a, b) => ops.less(a, b), inputs: [numbers, others], expected: bools([4], 0, 1, 0, 0) },
  lessOrEqual: { f: (a, b) => ops.lessOrEqual(a, b), inputs: [numbers, others], expected: bools([4], 1, 1, 0, 1) },
  equal: { f: (a, b) => ops.equal(a, b), inputs: [numbers, others], expected: bools([4], 1, 0, 0, 1) },
  and: { f: (a, b) => ops.and(a, b), inputs: [no, yes], expected: bools([4], 0, 0, 0, 1) },
  or: { f: (a, b) => ops.or(a, b), inputs: [no, yes], expected: bools([4], 0, 1, 1, 1) },
  not: { f: a => ops.not(a), inputs: [no], expected: bools([4], 1, 1, 0, 0) },
  floor: { f: x => ops.floor(x), inputs: [numbers], expected: float32([4], [-2, 0, 0, 2]) },
  sign: { f: x => ops.sign(x), inputs: [numbers], expected: float32([4], [-1, 0, 1, 1]) },
  stopGradient: { f: x => ops.stopGradient(x), inputs: [numbers], expected: numbers },
  argMax: { f: x => ops.argMax(x, 1), inputs: [float32([2, 3], [1, 5, 5, 2, 0, 1])], expected: int64([2, 1], [1, 0]) },
  fill: { f: () => ops.fill(2, [2, 2], 'int64'), inputs: [], expected: int64([2, 2], [2, 2, 2, 2]) },
  constantMatrix: {
    f: () => ops.constantMatrix(2, 3, (i, j) => 10 * i + j),
    inputs: [],
    expected: float32([2, 3], [0, 1, 2, 10, 11, 12]),
  },
  cosineMatrix: {
    f: () => ops.cosineMatrix(2),
    inputs: [],
    expected: float32([2, 2], [Math.SQRT1_2, Math.SQRT1_2, Math.SQRT1_2, -Math.SQRT1_2]),
  },
  conv2d: {
    f: (x, w, b) => ops.conv2d(x, w, { padding: [0, 1] }, b),
    inputs: [image, float32([1, 1, 2, 2], [1, 10, 100, 1000]), float32([1], [0.5])],
    expected: float32([1, 1, 1, 4], [4010.5, 5421.5, 6532.5, 603.5]),
  },
  convTranspose2d: {
    f: (x, w) => ops.convTranspose2d(x, w, { stride: 2, size: [2, 4] }),
    inputs: [float32([1, 1, 1, 2], [1, 2]), float32([1, 1, 1, 2], [10, 1])],
    expected: float32([1, 1, 2, 4], [10, 1, 20, 2, 0, 0, 0, 0]),
  },
  clamp: { f: x => ops.clamp(x, -1, 1), inputs: [numbers], expected: float32([4], [-1, 0, 0.5, 1]) },
  cast: {
    f: x => ops.cast(x, 'int32'),
    inputs: [numbers],
    expected: new Tensor('int32', [4], Int32Array.of(-1, 0, 0, 2)),
  },
  leakyRelu: { f: x => ops.leakyRelu(x, 0.5), inputs: [numbers], expected: float32([4], [-0.75, 0, 0.5, 2]) },
  gelu: { f: x => ops.gelu(x), inputs: [numbers], expected: float32([4], [-0.10021081, 0, 0.34573123, 1.9544997]) },
  unfold: { f: x => ops.unfold(x, 2), inputs: [image], expected: float32([1, 4, 2], [1, 2, 2, 3, 4, 5, 5, 6]) },
  spectrum2d: {
    f: x => ops.spectrum2d(x),
    inputs: [image],
    expected: float32(
      [1, 1, 2, 3],
      [21, 12 ** 0.5, 12 ** 0.5, 9, 0, 0].map(v => Math.max(v, 1e-6)),
    ),
  },
  gather: {
    f: x => ops.gather(x, whole([2], 2, 0), 3),
    inputs: [image],
    expected: float32([1, 1, 2, 2], [3, 1, 6, 4]),
  },
  scatterRows: {
    f: (x, rows) => ops.scatterRows(x, whole([3], 1, 1, 0), rows),
    inputs: [float32([2, 1], [1, 2]), float32([3, 1], [10, 20, 40])],
    expected: float32([2, 1], [41, 32]),
  },
  layerNorm: {
    f: x => ops.layerNorm(x, ops.fill(2, [2]), ops.fill(1, [2]), 0),
    inputs: [float32([2, 2], [1, 3, 5, 1])],
    expected: float32([2, 2], [-1, 3, 3, -1]),
  },
  groupNorm: {
    f: x => ops.groupNorm(x, 2, ops.fill(2, [2]), ops.fill(1, [2]), 0),
    inputs: [float32([1, 2, 2], [1, 3, 5, 1])],
    expected: float32([1, 2, 2], [-1, 3, 3, -1]),
  },
  maxPool2d: { f: x => ops.maxPool2d(x, 2, { stride: 1 }), inputs: [image], expected: float32([1, 1, 1, 2], [5, 6]) },
  avgPool2d: {
    f: x => ops.avgPool2d(x, 2, { padding: 1 }),
    inputs: [image],
    expected: float32([1, 1, 2, 2], [0.25, 1.25, 1, 2.75]),
  },
  adaptiveAvgPool2d: {
    f: x => ops.adaptiveAvgPool2d(x, [1, 2]),
    inputs: [image],
    expected: float32([1, 1, 1, 2], [3, 4]),
  },
  cumSum: {
    f: x => ops.cumSum(x, 3, { reverse: true }),
    inputs: [image],
    expected: float32([1, 1, 2, 3], [6, 5, 3, 15, 11, 6]),
  },
  topK: {
    f: x => ops.topK(x, 2)[1],
    inputs: [float32([2, 3], [1, 5, 3, 2, 0, 1])],
    expected: int64([2, 2], [1, 2, 0, 2]),
  },
  resizeBilinear: {
    f: x => ops.resizeBilinear(x, [1, 6]),
    inputs: [image],
    expected: float32([1, 1, 1, 6], [2.5, 2.75, 3.25, 3.75, 4.25, 4.5]),
  },
  resizeNearest: {
    f: x => ops.resizeNearest(x, [1, 5]),
    inputs: [image],
    expected: float32([1, 1, 1, 5], [1, 1, 2, 2, 3]),
  },
  slice: { f: x => ops.slice(x, 3, 0, 3, 2), inputs: [image], expected: float32([1, 1, 2, 2], [1, 3, 4, 6]) },
  unslice: {
    f: x => ops.unslice(x, 0, 1, 2, 5),
    inputs: [float32([2], [1, 2])],
    expected: float32([5], [0, 1, 0, 2, 0]),
  },
  mirrorPad: {
    f: x => ops.concat([ops.mirrorPad(x, [[2, 1]], 'reflect'), ops.mirrorPad(x, [[2, 1]], 'edge')], 0),
    inputs: [float32([3], [1, 2, 3])],
    expected: float32([12], [3, 2, 1, 2, 3, 2, 1, 1, 1, 2, 3, 3]),
  },
  linear: {
    f: (x, w, b) => ops.linear(x, w, b),
    inputs: [float32([1, 2], [1, 2]), float32([3, 2], [1, 0, 0, 1, 1, 1]), float32([3], [10, 20, 30])],
    expected: float32([1, 3], [11, 22, 33]),
  },
  where: { f: (c, a) => ops.where(c, a, scalar(9)), inputs: [no, numbers], expected: float32([4], [9, 9, 0.5, 2]) },
};
