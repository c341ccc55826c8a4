import { ShapeError } from '../errors.ts';
import type { OnnxAttributes, PrimitiveOp, Value } from '../value.ts';
import { int64, Tensor } from '../tensor.ts';
import { apply1, constant, nchw, scalar } from '../value.ts';
import { mul } from './elementwise.ts';
import { gather } from './indexing.ts';
import { matmul } from './matmul.ts';
import { avgPool2d } from './pool.ts';
import { transposeLast } from './shape.ts';

/** A constant [rows, columns] float32 matrix from a formula. */
export function constantMatrix(rows: number, columns: number, at: (row: number, column: number) => number): Value {
  const tensor = new Tensor('float32', [rows, columns]);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) tensor.data[i * columns + j] = at(i, j);
  return constant(tensor);
}

/**
 * Any separable linear map of an image: y = A · x · Bᵀ on the last two axes.
 * @param a - [oH, H]
 * @param b - [oW, W]
 */
export const resample = (x: Value, a: Value, b: Value): Value => matmul(a, matmul(x, transposeLast(b)));

/** Where the centre of output pixel i lies on an axis of `from` pixels that becomes `to` pixels. */
const sourceOf = (i: number, from: number, to: number, alignCorners: boolean): number =>
  alignCorners ? (to === 1 ? 0 : (i * (from - 1)) / (to - 1)) : Math.max(0, ((i + 0.5) * from) / to - 0.5);

/** [to, from]: row i holds the two weights of output pixel i. */
const bilinearMatrix = (from: number, to: number, alignCorners: boolean): Value =>
  constantMatrix(to, from, (i, j) => {
    const position = Math.min(sourceOf(i, from, to, alignCorners), from - 1);
    const left = Math.min(Math.floor(position), from - 1);
    const right = Math.min(left + 1, from - 1);
    const fraction = position - left;
    return (j === left ? 1 - fraction : 0) + (j === right ? fraction : 0);
  });

const isExtent = (n: number): boolean => Number.isInteger(n) && n >= 1;

interface ResizeAttrs {
  readonly size: readonly [height: number, width: number];
  /** nearest: only for one whole factor in both directions. */
  readonly mode: 'nearest' | 'linear';
  readonly alignCorners: boolean;
  /** Computes the same from the centres of pixels. */
  readonly again?: true;
}

const resizeOp: PrimitiveOp<readonly [x: Value], ResizeAttrs> = {
  onnx: 'Resize',
  infer([x], { size }) {
    const [n, c] = nchw(x, 'resize');
    if (!size.every(isExtent)) throw new ShapeError('resize', `size [${size}] must be whole numbers above 0`);
    return [{ dtype: x.dtype, shape: [n, c, ...size] }];
  },
  attributes({ mode, alignCorners, again }): OnnxAttributes {
    if (mode === 'linear')
      return { mode, coordinate_transformation_mode: alignCorners ? 'align_corners' : 'half_pixel' };
    return again
      ? { mode, coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_floor' }
      : { mode, coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  },
  operands: ([x], { size }) => [x, null, null, constant(sizes(x, size))],
  again: ([x], attrs) => (attrs.mode === 'nearest' ? apply1(resizeOp, [x], { ...attrs, again: true }) : null),
  vjp(dy, { inputs: [x], attrs: { mode, alignCorners, size } }) {
    const [, , h, w] = nchw(x, 'resize');
    if (mode === 'nearest') return [mul(avgPool2d(dy, size[0] / h), scalar((size[0] / h) ** 2, dy.dtype))];
    return [
      resample(
        dy,
        transposeLast(bilinearMatrix(h, size[0], alignCorners)),
        transposeLast(bilinearMatrix(w, size[1], alignCorners)),
      ),
    ];
  },
};

function sizes(x: Value, size: readonly [number, number]): Tensor {
  return new Tensor('int64', [4], BigInt64Array.from([x.shape[0]!, x.shape[1]!, ...size], BigInt));
}

/**
 * Bilinear interpolation without antialiasing: [N, C, H, W] → [N, C, height, width], as PyTorch's interpolate.
 * @param alignCorners - corner pixels keep their places (true), or pixels are squares that tile the image (false)
 * @throws {ShapeError} when the size is not of whole numbers above 0
 */
export const resizeBilinear = (
  x: Value,
  size: readonly [height: number, width: number],
  alignCorners = false,
): Value =>
  x.shape[2] === size[0] && x.shape[3] === size[1] ? x : apply1(resizeOp, [x], { size, mode: 'linear', alignCorners });

/**
 * Nearest-neighbour interpolation, pixel floor(i·H/height): [N, C, H, W] → [N, C, height, width], as PyTorch's.
 * @throws {ShapeError} when the size is not of whole numbers above 0
 */
export function resizeNearest(x: Value, size: readonly [height: number, width: number]): Value {
  const [, , h, w] = nchw(x, 'resize');
  if (h === size[0] && w === size[1]) return x;
  const factor = size[0] / h;
  if (!(Number.isInteger(factor) && size[1] === w * factor) && size.every(isExtent)) {
    // ONNX's Resize computes i / (height / H) in float32, which at some sizes falls below the pixel that it should hit.
    const nearest = (from: number, to: number) =>
      constant(
        int64(
          [to],
          Array.from({ length: to }, (_, i) => Math.floor((i * from) / to)),
        ),
      );
    return gather(gather(x, nearest(h, size[0]), 2), nearest(w, size[1]), 3);
  }
  return apply1(resizeOp, [x], { size, mode: 'nearest', alignCorners: false });
}
