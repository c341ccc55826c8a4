import { ShapeError } from '../errors.ts';
import type { DType, Shape } from '../tensor.ts';
import { int64, sizeOf } from '../tensor.ts';
import type { PrimitiveOp, Value } from '../value.ts';
import { apply, apply1, axisOf, constant, sameShape, scalar } from '../value.ts';
import { add, broadcastShapes, sumTo } from './elementwise.ts';
import { reduceSum } from './reduce.ts';

const indices = (values: readonly number[]): Value => constant(int64([values.length], values));

const reshapeOp: PrimitiveOp<readonly [x: Value], { shape: Shape }> = {
  onnx: 'Reshape',
  infer([x], { shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape))
      throw new ShapeError(
        'reshape',
        `x has ${sizeOf(x.shape)} elements (shape [${x.shape}]) but [${shape}] has ${sizeOf(shape)}`,
      );
    return [{ dtype: x.dtype, shape }];
  },
  operands: ([x], { shape }) => [x, indices(shape)],
  vjp: (dy, { inputs: [x] }) => [reshape(dy, x.shape)],
};

/**
 * The same elements in another shape. One extent may be −1: it is what remains.
 * @throws {ShapeError} when the number of elements differs
 */
export function reshape(x: Value, shape: Shape): Value {
  const known = sizeOf(shape.filter(n => n !== -1));
  const full = shape.map(n => (n === -1 ? sizeOf(x.shape) / known : n));
  if (full.some(n => !Number.isInteger(n) || n < 0))
    throw new ShapeError(
      'reshape',
      `x has ${sizeOf(x.shape)} elements (shape [${x.shape}]), which do not fit into [${shape}]`,
    );
  return sameShape(full, x.shape) ? x : apply1(reshapeOp, [x], { shape: full });
}

const transposeOp: PrimitiveOp<readonly [x: Value], { order: readonly number[] }> = {
  onnx: 'Transpose',
  infer([x], { order }) {
    if (order.length !== x.rank || [...order].sort((a, b) => a - b).some((axis, i) => axis !== i))
      throw new ShapeError('transpose', `order [${order}] is not a permutation of the axes of shape [${x.shape}]`);
    return [{ dtype: x.dtype, shape: order.map(axis => x.shape[axis]!) }];
  },
  attributes: ({ order }) => ({ perm: order }),
  vjp: (dy, { attrs: { order } }) => [
    transpose(
      dy,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
};

/**
 * Axes in another order: axis i of the result is axis order[i] of x.
 * @throws {ShapeError} when `order` is not a permutation of x's axes
 */
export const transpose = (x: Value, order: readonly number[]): Value =>
  order.length === x.rank && order.every((axis, i) => axis === i) ? x : apply1(transposeOp, [x], { order });

/** The last two axes exchanged. */
export function transposeLast(x: Value): Value {
  if (x.rank < 2) throw new ShapeError('transposeLast', `needs two axes or more, got shape [${x.shape}]`);
  return transpose(x, [...Array(x.rank - 2).keys(), x.rank - 1, x.rank - 2]);
}

const expandOp: PrimitiveOp<readonly [x: Value], { shape: Shape }> = {
  onnx: 'Expand',
  infer([x], { shape }) {
    if (!sameShape(broadcastShapes(x.shape, shape, 'expand'), shape))
      throw new ShapeError('expand', `shape [${x.shape}] does not stretch to [${shape}]`);
    return [{ dtype: x.dtype, shape }];
  },
  operands: ([x], { shape }) => [x, indices(shape)],
  vjp: (dy, { inputs: [x] }) => [sumTo(dy, x.shape)],
};

/** x stretched to `shape`, as broadcasting does. @throws {ShapeError} when it does not stretch to it. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply1(expandOp, [x], { shape });

/** A value of one number everywhere. */
export const fill = (value: number, shape: Shape, dtype: DType = 'float32'): Value =>
  expand(scalar(value, dtype), shape);

const concatOp: PrimitiveOp<readonly Value[], { axis: number }> = {
  onnx: 'Concat',
  infer(xs, { axis }) {
    const first = xs[0]!;
    for (const x of xs)
      if (
        x.rank !== first.rank ||
        x.dtype !== first.dtype ||
        x.shape.some((n, i) => i !== axis && n !== first.shape[i])
      )
        throw new ShapeError(
          'concat',
          `${x.dtype} [${x.shape}] and ${first.dtype} [${first.shape}] differ elsewhere than in axis ${axis}`,
        );
    const extent = xs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [{ dtype: first.dtype, shape: first.shape.map((n, i) => (i === axis ? extent : n)) }];
  },
  attributes: ({ axis }) => ({ axis }),
  vjp: (dy, { inputs, attrs: { axis } }) =>
    split(
      dy,
      axis,
      inputs.map(x => x.shape[axis]!),
    ),
};

/** Values joined along one axis. @throws {ShapeError} when they differ in another. */
export function concat(xs: readonly Value[], axis: number): Value {
  if (xs.length === 0) throw new ShapeError('concat', 'needs at least one value');
  return xs.length === 1 ? xs[0]! : apply1(concatOp, xs, { axis: axisOf(xs[0]!, axis, 'concat') });
}

const splitOp: PrimitiveOp<readonly [x: Value], { axis: number; sizes: readonly number[] }> = {
  onnx: 'Split',
  infer([x], { axis, sizes }) {
    if (sizes.reduce((a, b) => a + b, 0) !== x.shape[axis])
      throw new ShapeError('split', `sizes [${sizes}] do not add up to axis ${axis} of shape [${x.shape}]`);
    return sizes.map(size => ({ dtype: x.dtype, shape: x.shape.map((n, i) => (i === axis ? size : n)) }));
  },
  attributes: ({ axis }) => ({ axis }),
  operands: ([x], { sizes }) => [x, indices(sizes)],
  vjp: (_dy, { outputs, attrs: { axis } }, dys) => [
    concat(
      outputs.map((output, i) => dys[i] ?? fill(0, output.shape, output.dtype)),
      axis,
    ),
  ],
};

/** Parts that one Split makes: WebGPU promises a shader 8 buffers, and x is one of them. */
const partsOfOneSplit = 7;

/** x cut along one axis into parts of the given sizes. @throws {ShapeError} when the sizes do not add up. */
export function split(x: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  if (sizes.length === 1) return [x];
  if (sizes.length <= partsOfOneSplit) return apply(splitOp, [x], { axis: axisOf(x, axis, 'split'), sizes });
  const halves = [sizes.slice(0, sizes.length / 2), sizes.slice(sizes.length / 2)];
  const cut = split(
    x,
    axis,
    halves.map(half => half.reduce((sum, size) => sum + size, 0)),
  );
  return cut.flatMap((part, i) => split(part, axis, halves[i]!));
}

interface SliceAttrs {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

const sliceOp: PrimitiveOp<readonly [x: Value], SliceAttrs> = {
  onnx: 'Slice',
  infer([x], { axis, start, end, step }) {
    const extent = x.shape[axis]!;
    if (start < 0 || end > extent || start >= end)
      throw new ShapeError('slice', `[${start}, ${end}) is not within axis ${axis} of shape [${x.shape}]`);
    if (step < 1 || !Number.isInteger(step))
      throw new ShapeError('slice', `step ${step} must be a whole number above 0`);
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => (i === axis ? Math.ceil((end - start) / step) : n)) }];
  },
  operands: ([x], { axis, start, end, step }) => [
    x,
    indices([start]),
    indices([end]),
    indices([axis]),
    indices([step]),
  ],
  vjp: (dy, { inputs: [x], attrs: { axis, start, step } }) => [unslice(dy, axis, start, step, x.shape[axis]!)],
};

/**
 * Elements start, start + step, … below end of one axis.
 * @throws {ShapeError} when the range is empty or outside x
 */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  const positive = axisOf(x, axis, 'slice');
  return start === 0 && end === x.shape[positive] && step === 1
    ? x
    : apply1(sliceOp, [x], { axis: positive, start, end, step });
}

/** The reverse of slice: x at start, start + step, … of an axis of `extent`, zeros elsewhere. */
export function unslice(x: Value, axis: number, start: number, step: number, extent: number): Value {
  const n = x.shape[axis]!;
  let spread = x;
  if (step > 1) {
    // [.., n, ..] → [.., n, 1, ..] → zeros after each element → [.., n · step, ..]
    const apart = reshape(x, [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)]);
    const padded = pad(
      apart,
      apart.shape.map((_, i) => (i === axis + 1 ? [0, step - 1] : [0, 0])),
    );
    spread = reshape(
      padded,
      x.shape.map((m, i) => (i === axis ? n * step : m)),
    );
  }
  const room = extent - start;
  const fitting = spread.shape[axis]! > room ? slice(spread, axis, 0, room) : spread;
  const after = room - fitting.shape[axis]!;
  return start === 0 && after === 0
    ? fitting
    : pad(
        fitting,
        x.shape.map((_, i) => (i === axis ? [start, after] : [0, 0])),
      );
}

const flipOp: PrimitiveOp<readonly [x: Value], { axis: number }> = {
  onnx: 'Slice',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  // ONNX: an end below −extent means "past the first element".
  operands: ([x], { axis }) => [
    x,
    indices([x.shape[axis]! - 1]),
    indices([-x.shape[axis]! - 1]),
    indices([axis]),
    indices([-1]),
  ],
  vjp: (dy, { attrs: { axis } }) => [flip(dy, axis)],
};

/** One axis in reverse order. */
export const flip = (x: Value, axis: number): Value => apply1(flipOp, [x], { axis: axisOf(x, axis, 'flip') });

/** Elements to add before and after each axis. */
export type Padding = readonly (readonly [before: number, after: number])[];

const padOp: PrimitiveOp<readonly [x: Value], { padding: Padding; value: number }> = {
  onnx: 'Pad',
  infer([x], { padding }) {
    if (padding.length !== x.rank || padding.some(([before, after]) => before < 0 || after < 0))
      throw new ShapeError(
        'pad',
        `shape [${x.shape}] needs ${x.rank} pairs of non-negative numbers, got [${padding.join('; ')}]`,
      );
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => n + padding[i]![0] + padding[i]![1]) }];
  },
  attributes: () => ({ mode: 'constant' }),
  operands: ([x], { padding, value }) => [
    x,
    indices([...padding.map(p => p[0]), ...padding.map(p => p[1])]),
    scalar(value, x.dtype),
  ],
  vjp: (dy, { inputs: [x], attrs: { padding } }) => [
    padding.reduce((d, [before], axis) => slice(d, axis, before, before + x.shape[axis]!), dy),
  ],
};

/** x with a border of one number. @throws {ShapeError} when there is not one pair of non-negative numbers per axis. */
export const pad = (x: Value, padding: readonly (readonly number[])[], value = 0): Value =>
  padding.every(([before, after]) => before === 0 && after === 0)
    ? x
    : apply1(padOp, [x], { padding: padding as Padding, value });

interface MirrorAttrs {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
  readonly mode: 'reflect' | 'edge';
}

const mirrorPadOp: PrimitiveOp<readonly [x: Value], MirrorAttrs> = {
  onnx: 'Pad',
  infer([x], { axis, before, after, mode }) {
    const extent = x.shape[axis]!;
    if (mode === 'reflect' && Math.max(before, after) >= extent)
      throw new ShapeError(
        'mirrorPad',
        `reflecting ${Math.max(before, after)} elements needs an axis longer than ${extent} (shape [${x.shape}])`,
      );
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => (i === axis ? n + before + after : n)) }];
  },
  attributes: ({ mode }) => ({ mode }),
  operands: ([x], { axis, before, after }) => [
    x,
    indices([...x.shape.map((_, i) => (i === axis ? before : 0)), ...x.shape.map((_, i) => (i === axis ? after : 0))]),
  ],
  vjp(dy, { inputs: [x], attrs: { axis, before, after, mode } }) {
    const extent = x.shape[axis]!;
    let dx = slice(dy, axis, before, before + extent);
    for (const [size, from, position] of [
      [before, 0, mode === 'edge' ? 0 : 1],
      [after, before + extent, mode === 'edge' ? extent - 1 : extent - 1 - after],
    ] as const) {
      if (size === 0) continue;
      const border = slice(dy, axis, from, from + size);
      const folded = mode === 'edge' ? reduceSum(border, [axis], { keepDims: true }) : flip(border, axis);
      dx = add(dx, unslice(folded, axis, position, 1, extent));
    }
    return [dx];
  },
};

/**
 * x with a border made of itself, on the axes given: its outermost element repeated (`edge`), or mirrored without
 * repeating the outermost element (`reflect`).
 * @throws {ShapeError} when an axis is too short to be mirrored that far
 */
export const mirrorPad = (x: Value, padding: readonly (readonly number[])[], mode: 'reflect' | 'edge'): Value =>
  padding.reduce<Value>(
    (y, [before = 0, after = 0], axis) =>
      before === 0 && after === 0
        ? y
        : apply1(mirrorPadOp, [y], { axis: axisOf(y, axis, 'mirrorPad'), before, after, mode }),
    x,
  );
