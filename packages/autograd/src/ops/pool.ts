import { ShapeError } from '../errors.ts';
import type { PrimitiveOp, Value } from '../value.ts';
import { apply1, nchw, scalar } from '../value.ts';
import { add, and, equal, mul, not, where } from './elementwise.ts';
import { constantMatrix, resample } from './resample.ts';
import { reduceMax, reduceMean } from './reduce.ts';
import { concat, pad, reshape, slice, unslice } from './shape.ts';

export interface PoolAttrs {
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
}

const poolOnnx = ({ kernelSize, stride, padding }: PoolAttrs) => ({
  kernel_shape: [kernelSize, kernelSize],
  strides: [stride, stride],
  pads: [padding, padding, padding, padding],
});

function pooled(x: Value, { kernelSize, stride, padding }: PoolAttrs, who: string) {
  const [n, c, h, w] = nchw(x, who);
  if (padding * 2 > kernelSize)
    throw new ShapeError(who, `padding ${padding} is more than half of kernelSize ${kernelSize}`);
  const size = (extent: number) => Math.floor((extent + 2 * padding - kernelSize) / stride) + 1;
  if (size(h) < 1 || size(w) < 1)
    throw new ShapeError(who, `x (shape [${x.shape}]) is smaller than the window of ${kernelSize}×${kernelSize}`);
  return [{ dtype: x.dtype, shape: [n, c, size(h), size(w)] }];
}

/** What tap (i, j) of every window sees of x (already padded): [N, C, oH, oW]. */
function tap(x: Value, i: number, j: number, stride: number, [oh, ow]: readonly [number, number]): Value {
  return slice(slice(x, 2, i, i + (oh - 1) * stride + 1, stride), 3, j, j + (ow - 1) * stride + 1, stride);
}

/**
 * The reverse of tap: each share, of row i and column j of the windows, goes back to where its tap saw it, and what comes
 * to one place adds up: [N, C, oH, oW] each → [N, C, h, w].
 */
function untap(shares: readonly (readonly Value[])[], stride: number, h: number, w: number): Value {
  const [n, c, oh, ow] = nchw(shares[0]![0]!, 'untap');
  if (shares.length === stride && h === oh * stride && w === ow * stride) {
    // Windows that lie side by side: the shares are interleaved.
    const rows = shares.map(row =>
      reshape(
        concat(
          row.map(share => reshape(share, [n, c, oh, ow, 1])),
          4,
        ),
        [n, c, oh, 1, w],
      ),
    );
    return reshape(concat(rows, 3), [n, c, h, w]);
  }
  const spread = (parts: readonly Value[], axis: 2 | 3, extent: number): Value =>
    parts.map((part, i) => unslice(part, axis, i, stride, extent)).reduce((a, b) => add(a, b));
  return spread(
    shares.map(row => spread(row, 3, w)),
    2,
    h,
  );
}

const maxPoolOp: PrimitiveOp<readonly [x: Value], PoolAttrs> = {
  onnx: 'MaxPool',
  infer: ([x], attrs) => pooled(x, attrs, 'maxPool2d'),
  attributes: poolOnnx,
  // The gradient compares x with y: both must have been computed the same way.
  again: ([x], attrs, { inputs }) => (x === inputs[0] ? null : apply1(maxPoolOp, [x], attrs)),
  // Each window's gradient goes to its first maximum: every tap is compared with the maximum, and the first hit takes
  // it. (ONNX's Indices output would do it in one scatter, but does not run on WebGPU.)
  vjp(dy, { inputs: [x], y, attrs: { kernelSize, stride, padding } }) {
    const [, , h, w] = nchw(x, 'maxPool2d x');
    const [, , oh, ow] = nchw(y, 'maxPool2d y');
    const border = [
      [0, 0],
      [0, 0],
      [padding, padding],
      [padding, padding],
    ];
    const padded = pad(x, border, -3.4e38);
    const nothing = scalar(0, dy.dtype);
    const axis = [...Array(kernelSize).keys()];
    // Whether no tap so far was a hit; in terms of ∧ and ¬, since ONNX's Or does not run on WebGPU.
    let free: Value | null = null;
    const shares = axis.map(i =>
      axis.map(j => {
        const hit: Value = equal(tap(padded, i, j, stride, [oh, ow]), y);
        const first: Value = free === null ? hit : and(hit, free);
        free = free === null ? not(hit) : and(free, not(hit));
        return where(first, dy, nothing);
      }),
    );
    const dx = untap(shares, stride, h + 2 * padding, w + 2 * padding);
    return [slice(slice(dx, 2, padding, padding + h), 3, padding, padding + w)];
  },
};

/**
 * The maximum over windows: [N, C, H, W] → [N, C, oH, oW]. The gradient of a tie goes to the window's first maximum.
 * @throws {ShapeError} when x is smaller than the window
 */
export const maxPool2d = (x: Value, kernelSize: number, { stride = kernelSize, padding = 0 } = {}): Value =>
  apply1(maxPoolOp, [x], { kernelSize, stride, padding });

const averagePoolOp: PrimitiveOp<readonly [x: Value], PoolAttrs> = {
  onnx: 'AveragePool',
  infer: ([x], attrs) => pooled(x, attrs, 'avgPool2d'),
  attributes: attrs => ({ ...poolOnnx(attrs), count_include_pad: 1 }),
  vjp(dy, { inputs: [x], attrs: { kernelSize, stride, padding } }) {
    const [, , h, w] = nchw(x, 'avgPool2d x');
    const [full, wide] = [h + 2 * padding, w + 2 * padding];
    const share = mul(dy, scalar(1 / kernelSize ** 2, dy.dtype));
    // Separable: first spread along the width, then along the height.
    const along = (y: Value, axis: 2 | 3, extent: number): Value =>
      Array.from({ length: kernelSize }, (_, i) => unslice(y, axis, i, stride, extent)).reduce((a, b) => add(a, b));
    const dx = along(along(share, 3, wide), 2, full);
    return [slice(slice(dx, 2, padding, padding + h), 3, padding, padding + w)];
  },
};

/**
 * The mean over windows, padding counted as zeros: [N, C, H, W] → [N, C, oH, oW].
 * @throws {ShapeError} when x is smaller than the window
 */
export const avgPool2d = (x: Value, kernelSize: number, { stride = kernelSize, padding = 0 } = {}): Value =>
  apply1(averagePoolOp, [x], { kernelSize, stride, padding });

/** Window i of n over an axis of `extent`: from floor(i·extent/n) to ceil((i+1)·extent/n), as in PyTorch. */
const adaptiveWindow = (i: number, n: number, extent: number): readonly [number, number] => [
  Math.floor((i * extent) / n),
  Math.ceil(((i + 1) * extent) / n),
];

/** Row i has 1/length in window i: [n, extent]. */
const averagingMatrix = (n: number, extent: number): Value =>
  constantMatrix(n, extent, (i, j) => {
    const [from, to] = adaptiveWindow(i, n, extent);
    return j >= from && j < to ? 1 / (to - from) : 0;
  });

/** The mean over h × w windows that cover x, as PyTorch's adaptive_avg_pool2d: [N, C, H, W] → [N, C, h, w]. */
export function adaptiveAvgPool2d(x: Value, [h, w]: readonly [number, number]): Value {
  const [, , height, width] = nchw(x, 'adaptiveAvgPool2d');
  if (h === 1 && w === 1) return reduceMean(x, [2, 3], { keepDims: true });
  if (height % h === 0 && width % w === 0 && height / h === width / w) return avgPool2d(x, height / h);
  return resample(x, averagingMatrix(h, height), averagingMatrix(w, width));
}

/**
 * The maximum over h × w equal windows: [N, C, H, W] → [N, C, h, w]; ties share the gradient.
 * @throws {ShapeError} when H and W are not divisible by h and w
 */
export function adaptiveMaxPool2d(x: Value, [h, w]: readonly [number, number]): Value {
  const [n, c, height, width] = nchw(x, 'adaptiveMaxPool2d');
  if (height % h !== 0 || width % w !== 0)
    throw new ShapeError(
      'adaptiveMaxPool2d',
      `height and width must be divisible by ${h} and ${w}, got ${height}×${width}`,
    );
  return reduceMax(reshape(x, [n, c, h, height / h, w, width / w]), [3, 5]);
}
