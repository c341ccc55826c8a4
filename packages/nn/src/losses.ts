import type { CompositeOp, Value } from '@forgelens/autograd';
import {
  ShapeError,
  abs,
  add,
  apply1,
  broadcastShapes,
  div,
  exp,
  mul,
  neg,
  reduceMean,
  reduceSum,
  sameShape,
  scalar,
  sigmoid,
  softplus,
  square,
  sub,
} from '@forgelens/autograd';

// All losses are means with the shape []. Masks are 1 where a pixel is tampered, and get no gradient.

function requireSameShape(who: string, what: string, a: Value, b: Value): void {
  if (!sameShape(a.shape, b.shape))
    throw new ShapeError(who, `${what} must have one shape, got [${a.shape}] and [${b.shape}]`);
}

/** Every axis but the first: those of one image. */
const imageAxes = (x: Value): readonly number[] => [...x.shape.keys()].slice(1);

/** 1 + (p − 1)·z: the weight of each pixel's logarithm. */
const pixelWeight = (mask: Value, posWeight: Value): Value => add(mul(mask, sub(posWeight, scalar(1))), scalar(1));

const bceWithLogitsOp: CompositeOp<readonly [logits: Value, mask: Value, posWeight: Value], null> = {
  composite: 'bceWithLogits',
  build: ([x, z, p]) => reduceMean(add(sub(x, mul(x, z)), mul(pixelWeight(z, p), softplus(neg(x))))),
  // ((1 + (p − 1)·z)·sigmoid(x) − p·z) / count: bounded, where the derived rule would go through softplus.
  vjp(dy, { inputs: [x, z, p] }) {
    const share = mul(dy, scalar(1 / x.shape.reduce((a, b) => a * b, 1)));
    return [mul(sub(mul(pixelWeight(z, p), sigmoid(x)), mul(z, p)), share), null, null];
  },
};

/**
 * Binary cross-entropy of logits, the mean over all pixels of −p·z·ln σ(x) − (1 − z)·ln(1 − σ(x)), without overflow.
 * Like PyTorch's `binary_cross_entropy_with_logits`.
 *
 * @param logits - x: any shape, mostly [N, 1, H, W]
 * @param mask - z: the same shape, in [0, 1]
 * @param posWeight - p: how much more a tampered pixel counts than an authentic one; broadcasts to the shape of logits
 * @throws {ShapeError} when the shapes of logits and mask differ, or posWeight does not broadcast to them
 */
export function bceWithLogits(
  logits: Value,
  mask: Value,
  { posWeight = 1 }: { readonly posWeight?: number | Value } = {},
): Value {
  requireSameShape('bceWithLogits', 'logits and mask', logits, mask);
  const weight = typeof posWeight === 'number' ? scalar(posWeight) : posWeight;
  if (!sameShape(broadcastShapes(logits.shape, weight.shape, 'bceWithLogits posWeight'), logits.shape))
    throw new ShapeError('bceWithLogits', `posWeight [${weight.shape}] must broadcast to logits [${logits.shape}]`);
  return apply1(bceWithLogitsOp, [logits, mask, weight], null);
}

/**
 * How many authentic pixels each image has for one tampered pixel: as `posWeight`, both classes then weigh the same.
 * As in M2SFormer's code; an image without tampered pixels gets a huge weight that nothing is multiplied with.
 * @param mask - [N, ..]
 * @returns [N, 1, ..]
 */
export function balancedPosWeight(mask: Value): Value {
  const tampered = reduceSum(mask, imageAxes(mask), { keepDims: true });
  const pixels = mask.shape.slice(1).reduce((a, b) => a * b, 1);
  return div(sub(scalar(pixels), tampered), add(tampered, scalar(1e-6)));
}

/**
 * Dice loss, the mean over images of 1 − (2·Σ σ(x)·z + smooth) / (Σ σ(x) + Σ z + smooth).
 * `smooth` makes the loss of an authentic image finite: it falls to 0 with the probabilities.
 * Milletari, Navab and Ahmadi 2016, https://arxiv.org/abs/1606.04797. Unlike the paper: the sums in the denominator
 * are not of squares.
 *
 * @param logits - x: [N, ..]
 * @param mask - z: the same shape
 * @throws {ShapeError} when the shapes of logits and mask differ
 */
export function dice(logits: Value, mask: Value, smooth = 1): Value {
  requireSameShape('dice', 'logits and mask', logits, mask);
  const probabilities = sigmoid(logits);
  const total = (x: Value): Value => reduceSum(x, imageAxes(x));
  const overlap = total(mul(probabilities, mask));
  const sum = add(total(probabilities), total(mask));
  return reduceMean(sub(scalar(1), div(add(add(overlap, overlap), scalar(smooth)), add(sum, scalar(smooth)))));
}

/**
 * Focal loss of logits, the mean over all pixels of −αₜ·(1 − pₜ)^γ·ln pₜ, where pₜ is the probability of the true class.
 * Lin et al. 2017, https://arxiv.org/abs/1708.02002; the mean, where the paper divides by the number of objects.
 *
 * @param logits - any shape
 * @param mask - the same shape, 0 or 1 and nothing between
 * @param gamma - γ ≥ 0: how much less a pixel counts that is already right
 * @param alpha - α in [0, 1]: the weight of tampered pixels; authentic ones get 1 − α
 * @throws {ShapeError} when the shapes of logits and mask differ
 */
export function sigmoidFocal(logits: Value, mask: Value, { gamma = 2, alpha = 0.25 } = {}): Value {
  requireSameShape('sigmoidFocal', 'logits and mask', logits, mask);
  // The logit m of the true class gives pₜ = σ(m), so ln pₜ = −softplus(−m) and (1 − pₜ)^γ = exp(−γ·softplus(m)),
  // whose gradients are finite for every γ and m.
  const m = mul(logits, sub(add(mask, mask), scalar(1)));
  const focus = exp(mul(softplus(m), scalar(-gamma)));
  const alphaT = add(mul(mask, scalar(2 * alpha - 1)), scalar(1 - alpha));
  return reduceMean(mul(mul(alphaT, focus), softplus(neg(m))));
}

/** The mean of |x − target|. @throws {ShapeError} when the shapes differ */
export function meanAbsoluteError(x: Value, target: Value): Value {
  requireSameShape('meanAbsoluteError', 'x and target', x, target);
  return reduceMean(abs(sub(x, target)));
}

/** The mean of (x − target)². @throws {ShapeError} when the shapes differ */
export function meanSquaredError(x: Value, target: Value): Value {
  requireSameShape('meanSquaredError', 'x and target', x, target);
  return reduceMean(square(sub(x, target)));
}
