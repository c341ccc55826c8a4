import { ShapeError } from '../errors.ts';
import type { Shape } from '../tensor.ts';
import { int64, sizeOf } from '../tensor.ts';
import type { PrimitiveOp, Value } from '../value.ts';
import { apply, apply1, axisOf, camelCase, constant, scalar } from '../value.ts';
import { cast, div, equal, mul } from './elementwise.ts';
import { scatterElements } from './indexing.ts';
import { expand, fill, reshape } from './shape.ts';

interface ReduceAttrs {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

const withOnes = (shape: Shape, axes: readonly number[]): Shape => shape.map((n, i) => (axes.includes(i) ? 1 : n));

/** dy with the reduced axes put back as 1. */
const keep = (dy: Value, x: Value, axes: readonly number[]): Value => reshape(dy, withOnes(x.shape, axes));

/** @param comparesOutput - whether the gradient compares x with y: both must then have been computed the same way */
function reduction(
  onnx: string,
  gradient: (dy: Value, x: Value, y: Value, axes: readonly number[]) => Value,
  { comparesOutput = false } = {},
) {
  const op: PrimitiveOp<readonly [x: Value], ReduceAttrs> = {
    onnx,
    infer: ([x], { axes, keepDims }) => [
      {
        dtype: x.dtype,
        shape: keepDims ? withOnes(x.shape, axes) : x.shape.filter((_, i) => !axes.includes(i)),
      },
    ],
    attributes: ({ keepDims }) => ({ keepdims: keepDims ? 1 : 0 }),
    operands: ([x], { axes }) => [x, constant(int64([axes.length], axes))],
    again: ([x], attrs, { inputs }) => (comparesOutput && x !== inputs[0] ? apply1(op, [x], attrs) : null),
    vjp: (dy, { inputs: [x], y, attrs: { axes } }) => [gradient(keep(dy, x, axes), x, keep(y, x, axes), axes)],
  };
  /** Over all axes when none are given; reduced axes vanish unless `keepDims`. */
  return (x: Value, axes?: readonly number[], { keepDims = false } = {}): Value => {
    const positive = axes ? axes.map(axis => axisOf(x, axis, camelCase(onnx))) : [...x.shape.keys()];
    return positive.length === 0 ? x : apply1(op, [x], { axes: [...positive].sort((a, b) => a - b), keepDims });
  };
}

/** The gradient of a maximum or minimum is shared equally among the elements that reach it. */
function shareAmongEqual(dy: Value, x: Value, y: Value, axes: readonly number[]): Value {
  const hits = cast(equal(x, y), x.dtype);
  return mul(hits, div(dy, reduceSum(hits, axes, { keepDims: true })));
}

/** The sum over axes. */
export const reduceSum = reduction('ReduceSum', (dy, x) => expand(dy, x.shape));
/** The mean over axes. */
export const reduceMean = reduction('ReduceMean', (dy, x) =>
  expand(mul(dy, scalar(sizeOf(dy.shape) / sizeOf(x.shape), x.dtype)), x.shape),
);
/** The greatest element over axes; ties share the gradient equally. */
export const reduceMax = reduction('ReduceMax', shareAmongEqual, { comparesOutput: true });
/** The least element over axes; ties share the gradient equally. */
export const reduceMin = reduction('ReduceMin', shareAmongEqual, { comparesOutput: true });

const argMaxOp: PrimitiveOp<readonly [x: Value], { axis: number }> = {
  onnx: 'ArgMax',
  infer: ([x], { axis }) => [{ dtype: 'int64', shape: withOnes(x.shape, [axis]) }],
  attributes: ({ axis }) => ({ axis, keepdims: 1 }),
  vjp: 'none',
};

/** The index (int64) of the first greatest element along an axis, which stays as 1. It has no gradient. */
export const argMax = (x: Value, axis: number): Value => apply1(argMaxOp, [x], { axis: axisOf(x, axis, 'argMax') });

const cumSumOp: PrimitiveOp<readonly [x: Value], { axis: number; reverse: boolean }> = {
  onnx: 'CumSum',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  attributes: ({ reverse }) => ({ reverse: reverse ? 1 : 0 }),
  operands: ([x], { axis }) => [x, constant(int64([], [axis]))],
  vjp: (dy, { attrs: { axis, reverse } }) => [cumSum(dy, axis, { reverse: !reverse })],
};

/** The running sum along an axis, from its other end if `reverse`. */
export const cumSum = (x: Value, axis: number, { reverse = false } = {}): Value =>
  apply1(cumSumOp, [x], { axis: axisOf(x, axis, 'cumSum'), reverse });

const topKOp: PrimitiveOp<readonly [x: Value], { k: number; axis: number }> = {
  onnx: 'TopK',
  infer([x], { k, axis }) {
    if (k > x.shape[axis]!) throw new ShapeError('topK', `k ${k} exceeds axis ${axis} of shape [${x.shape}]`);
    const shape = x.shape.map((n, i) => (i === axis ? k : n));
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
  attributes: ({ axis }) => ({ axis, largest: 1, sorted: 1 }),
  operands: ([x], { k }) => [x, constant(int64([1], [k]))],
  vjp: (dy, { inputs: [x], outputs, attrs: { axis } }) => [
    scatterElements(fill(0, x.shape, x.dtype), outputs[1]!, dy, axis),
  ],
};

/**
 * The k greatest elements along an axis, greatest first, and their indices (int64, without gradient).
 * @throws {ShapeError} when the axis has fewer than k elements
 */
export function topK(x: Value, k: number, axis = -1): readonly [values: Value, indices: Value] {
  const [values, found] = apply(topKOp, [x], { k, axis: axisOf(x, axis, 'topK') });
  return [values!, found!];
}
