import { ShapeError } from '../errors.ts';
import { sizeOf } from '../tensor.ts';
import type { CompositeOp, PrimitiveOp, Value } from '../value.ts';
import { apply1, axisOf, float, nchw, scalar } from '../value.ts';
import { add, div, exp, log, mul, sqrt, square, sub, sumTo } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { reduceMax, reduceMean, reduceSum } from './reduce.ts';
import { concat, fill, reshape, slice, split, transposeLast } from './shape.ts';

const softmaxOp: PrimitiveOp<readonly [x: Value], { axis: number }> = {
  onnx: 'Softmax',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  attributes: ({ axis }) => ({ axis }),
  vjp(dy, { y, attrs: { axis } }) {
    const weighted = mul(dy, y);
    return [sub(weighted, mul(y, reduceSum(weighted, [axis], { keepDims: true })))];
  },
};

/** eˣ / Σ eˣ along an axis. */
export const softmax = (x: Value, axis = -1): Value => apply1(softmaxOp, [x], { axis: axisOf(x, axis, 'softmax') });

/** aᵀ · b by transposing what is small: a is as large as the attention matrix, b and the result are not. */
const transposedProduct = (a: Value, b: Value): Value => transposeLast(matmul(transposeLast(b), a));

type AttendInputs = readonly [q: Value, k: Value, v: Value, weights: Value, ...bias: Value[]];

const attendOp: CompositeOp<AttendInputs, null> = {
  composite: 'attention',
  build: ([, , v, weights]) => matmul(weights, v),
  vjp(dy, { inputs: [q, k, v, weights, ...bias], y }) {
    if (bias.length === 0 && areLarge(weights)) return [...gradientsByImage(dy, q, k, v, y), null];
    const { dq, dk, dv, dScores } = attentionGradients(dy, q, k, v, y, weights);
    return [dq, dk, dv, null, ...bias.map(({ shape }) => sumTo(dScores, shape))];
  },
};

/**
 * The gradient in the weights P, and through the softmax, is taken as a whole: Σ dP∘P over a row is Σ dO∘O, so that no
 * product of two matrices of P's size is needed but one.
 */
function attentionGradients(dy: Value, q: Value, k: Value, v: Value, y: Value, weights: Value) {
  const total = reduceSum(mul(dy, y), [-1], { keepDims: true });
  const dScores = mul(weights, sub(matmul(dy, transposeLast(v)), total));
  return {
    dq: sumTo(matmul(dScores, k), q.shape),
    dk: sumTo(transposedProduct(dScores, q), k.shape),
    dv: sumTo(transposedProduct(weights, dy), v.shape),
    dScores,
  };
}

/** Matrices of several images that are too large to be kept for the gradient: 16 MB and more for one image. */
const areLarge = ({ shape }: Value): boolean => shape[0]! > 1 && shape.slice(1).reduce((a, b) => a * b, 1) >= 2 ** 22;

/** The same gradients with the weights computed anew, one image after the other: their matrices share their memory. */
function gradientsByImage(dy: Value, q: Value, k: Value, v: Value, y: Value): [Value, Value, Value] {
  const sizes = [q, k, v].map(({ shape }) => sizeOf(shape) / shape[0]!);
  const images = Array.from({ length: q.shape[0]! }, (_, i) => {
    const [dyi, qi, ki, vi, yi] = [dy, q, k, v, y].map(x => slice(x, 0, i, i + 1)) as [
      Value,
      Value,
      Value,
      Value,
      Value,
    ];
    const { dq, dk, dv } = attentionGradients(dyi, qi, ki, vi, yi, softmax(matmul(qi, transposeLast(ki))));
    // As one value, so that all of an image is computed before the next one begins.
    return concat(
      [dq, dk, dv].map((d, part) => reshape(d, [1, sizes[part]!])),
      1,
    );
  });
  const [dq, dk, dv] = split(concat(images, 0), 1, sizes) as [Value, Value, Value];
  return [reshape(dq, q.shape), reshape(dk, k.shape), reshape(dv, v.shape)];
}

/**
 * Dot-product attention, softmax(q · kᵀ + bias) · v, unscaled: [.., L, D], [.., M, D], [.., M, E] → [.., L, E].
 * Vaswani et al. 2017, https://arxiv.org/abs/1706.03762. Unlike the paper: q is to be scaled by the caller, where it is
 * smallest.
 * @param bias - of each pair of places; broadcasts to [.., L, M]
 */
export function attention(q: Value, k: Value, v: Value, bias?: Value): Value {
  const scores = matmul(q, transposeLast(k));
  const weights = softmax(bias ? add(scores, bias) : scores);
  return apply1(attendOp, [q, k, v, weights, ...(bias ? [bias] : [])], null);
}

/** ln Σ eˣ along an axis, which stays as 1; without overflow. */
export function logSumExp(x: Value, axis = -1): Value {
  const top = reduceMax(x, [axis], { keepDims: true });
  return add(log(reduceSum(exp(sub(x, top)), [axis], { keepDims: true })), top);
}

const logSoftmaxOp: CompositeOp<readonly [x: Value], { axis: number }> = {
  composite: 'logSoftmax',
  build: ([x], { axis }) => sub(x, logSumExp(x, axis)),
  vjp: (dy, { y, attrs: { axis } }) => [sub(dy, mul(exp(y), reduceSum(dy, [axis], { keepDims: true })))],
};

/** The logarithm of softmax. (ONNX's LogSoftmax does not run on WebGPU.) */
export const logSoftmax = (x: Value, axis = -1): Value =>
  apply1(logSoftmaxOp, [x], { axis: axisOf(x, axis, 'logSoftmax') });

const layerNormOp: PrimitiveOp<readonly [x: Value, weight: Value, bias: Value], { eps: number }> = {
  onnx: 'LayerNormalization',
  infer([x, weight, bias]) {
    const c = x.shape.at(-1);
    if (weight.rank !== 1 || weight.shape[0] !== c || bias.rank !== 1 || bias.shape[0] !== c)
      throw new ShapeError(
        'layerNorm',
        `weight [${weight.shape}] and bias [${bias.shape}] must be [${c}], the last axis of x [${x.shape}]`,
      );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  attributes: ({ eps }) => ({ axis: -1, epsilon: float(eps) }),
  vjp(dy, { inputs: [x, weight], attrs: { eps } }) {
    const last = [x.rank - 1];
    const mean = (v: Value) => reduceMean(v, last, { keepDims: true });
    const centred = sub(x, mean(x));
    const scale = div(scalar(1, x.dtype), sqrt(add(mean(square(centred)), scalar(eps, x.dtype))));
    const normal = mul(centred, scale);
    const leading = [...Array(x.rank - 1).keys()];
    const dyNormal = mul(dy, normal);
    const dn = mul(dy, weight);
    // dx = scale · (dn − mean(dn) − normal · mean(dn · normal))
    const dx = mul(sub(sub(dn, mean(dn)), mul(normal, mean(mul(dn, normal)))), scale);
    return [dx, reduceSum(dyNormal, leading), reduceSum(dy, leading)];
  },
};

/**
 * Layer normalization over the last axis: (x − mean) / √(variance + eps) · weight + bias.
 * Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450.
 * @param x - [.., C]
 * @param weight - [C]
 * @param bias - [C]
 */
export const layerNorm = (x: Value, weight: Value, bias: Value, eps = 1e-5): Value =>
  apply1(layerNormOp, [x, weight, bias], { eps });

/** Numbers that one dot product of `channelProducts` adds up: few enough to keep many shaders of a GPU busy. */
const dotLength = 4096;

/**
 * Σ x·y of each channel over batch, height and width: [C]. As dot products: one pass, and nothing of x's size is made.
 */
function channelProducts(x: Value, y: Value): Value {
  const [n, c, h, w] = nchw(x, 'channelProducts');
  let length = h * w;
  while (length > dotLength && length % 2 === 0) length /= 2;
  const [rows, columns] = [x, y].map(v => reshape(v, [-1, 1, length])) as [Value, Value];
  return reduceSum(reshape(matmul(rows, transposeLast(columns)), [n, c, -1]), [0, 2]);
}

/** Mean and (population) variance of each channel over batch, height and width: [C] and [C]. */
export function channelMoments(x: Value): readonly [mean: Value, variance: Value] {
  const [n, c, h, w] = nchw(x, 'channelMoments');
  const mean = reduceMean(x, [0, 2, 3], { keepDims: true });
  const centred = sub(x, mean);
  return [reshape(mean, [c]), mul(channelProducts(centred, centred), scalar(1 / (n * h * w), x.dtype))];
}

type NormInputs = readonly [x: Value, weight: Value, bias: Value, mean: Value, variance: Value];

const normalizeOp: PrimitiveOp<NormInputs, { eps: number }> = {
  onnx: 'BatchNormalization',
  infer([x, ...channels]) {
    const c = x.shape[1];
    for (const v of channels)
      if (v.rank !== 1 || v.shape[0] !== c)
        throw new ShapeError(
          'batchNorm',
          `weight, bias, mean and variance must be [${c}], the channels of x [${x.shape}], got [${v.shape}]`,
        );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  attributes: ({ eps }) => ({ epsilon: float(eps) }),
  vjp(dy, { inputs: [x, weight, , mean, variance], attrs: { eps } }) {
    const others = [...x.shape.keys()].filter(axis => axis !== 1);
    const wide = (v: Value) => reshape(v, [v.shape[0]!, ...Array<number>(x.rank - 2).fill(1)]);
    const scale = div(scalar(1, x.dtype), sqrt(add(variance, scalar(eps, x.dtype))));
    const sum = reduceSum(dy, others);
    const sumWithX = sub(reduceSum(mul(dy, x), others), mul(mean, sum)); // Σ dy · (x − mean)
    const dWeight = mul(sumWithX, scale);
    const dMean = mul(mul(sum, mul(weight, scale)), scalar(-1, x.dtype));
    const dVariance = mul(mul(sumWithX, mul(weight, mul(scale, square(scale)))), scalar(-0.5, x.dtype));
    return [mul(dy, wide(mul(weight, scale))), dWeight, sum, dMean, dVariance];
  },
};

/** (x − mean) / √(variance + eps) · weight + bias with the statistics given: batch norm in evaluation. [N, C, ..] */
export const normalizeChannels = (
  x: Value,
  weight: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  eps = 1e-5,
): Value => apply1(normalizeOp, [x, weight, bias, mean, variance], { eps });

/** scale · x + shift of each channel, in one pass over x. */
function affineChannels(x: Value, scale: Value, shift: Value): Value {
  const all = (value: number) => fill(value, scale.shape, x.dtype);
  return normalizeChannels(x, scale, shift, all(0), all(1), 0);
}

const batchNormOp: CompositeOp<NormInputs, { eps: number }> = {
  composite: 'batchNorm',
  build: ([x, weight, bias, mean, variance], { eps }) => normalizeChannels(x, weight, bias, mean, variance, eps),
  again([x, weight, bias, mean, variance], { eps }) {
    const scale = div(weight, sqrt(add(variance, scalar(eps, x.dtype))));
    return affineChannels(x, scale, sub(bias, mul(mean, scale)));
  },
  // With the batch's own statistics the gradient is one scale, slope and shift per channel: dx = A·dy + B·x + C.
  vjp(dy, { inputs: [x, weight, , mean, variance], attrs: { eps } }) {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const count = scalar(1 / (n * h * w), x.dtype);
    const scale = div(scalar(1, x.dtype), sqrt(add(variance, scalar(eps, x.dtype))));
    const sum = reduceSum(dy, [0, 2, 3]);
    const dWeight = mul(sub(channelProducts(dy, x), mul(mean, sum)), scale);
    const a = mul(weight, scale);
    const b = mul(mul(a, mul(dWeight, scale)), mul(count, scalar(-1, x.dtype)));
    const shift = sub(mul(mul(a, sum), mul(count, scalar(-1, x.dtype))), mul(b, mean));
    return [add(mul(dy, reshape(a, [c, 1, 1])), affineChannels(x, b, shift)), dWeight, sum, null, null];
  },
};

/**
 * Batch normalization with the batch's own statistics, as in training.
 * Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
 *
 * @param x - [N, C, H, W]
 * @param weight - [C]
 * @param bias - [C]
 * @returns the normalized x; and the batch's mean and population variance, [C] each, for the running statistics
 */
export function batchNorm(
  x: Value,
  weight: Value,
  bias: Value,
  eps = 1e-5,
): readonly [y: Value, mean: Value, variance: Value] {
  const [mean, variance] = channelMoments(x);
  return [apply1(batchNormOp, [x, weight, bias, mean, variance], { eps }), mean, variance];
}

/**
 * Group normalization: channels are cut into `groups`, each normalized with its own mean and variance per image.
 * Wu and He 2018, https://arxiv.org/abs/1803.08494.
 * @param x - [N, C, ..]
 * @param weight - [C]
 * @param bias - [C]
 * @throws {ShapeError} when C is not divisible by `groups`, or weight and bias are not [C]
 */
export function groupNorm(x: Value, groups: number, weight: Value, bias: Value, eps = 1e-5): Value {
  const [n, c] = x.shape as readonly [number, number];
  if (c % groups !== 0)
    throw new ShapeError('groupNorm', `${c} channels (shape [${x.shape}]) are not divisible by ${groups} groups`);
  for (const v of [weight, bias])
    if (v.rank !== 1 || v.shape[0] !== c)
      throw new ShapeError(
        'groupNorm',
        `weight and bias must be [${c}], the channels of x [${x.shape}], got [${v.shape}]`,
      );
  const grouped = reshape(x, [n, groups, -1]);
  const centred = sub(grouped, reduceMean(grouped, [2], { keepDims: true }));
  const variance = reduceMean(square(centred), [2], { keepDims: true });
  const normal = reshape(div(centred, sqrt(add(variance, scalar(eps, x.dtype)))), x.shape);
  const wide = (v: Value) => reshape(v, [c, ...Array<number>(x.rank - 2).fill(1)]);
  return add(mul(normal, wide(weight)), wide(bias));
}
