import { ShapeError } from '../errors.ts';
import type { PrimitiveOp, Value } from '../value.ts';
import { Tensor } from '../tensor.ts';
import { apply1, constant, nchw, scalar } from '../value.ts';
import { mul } from './elementwise.ts';
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

interface ResizeAttrs {
  readonly size: readonly [height: number, width: number];
  readonly mode: 'nearest' | 'linear';
  readonly alignCorners: boolean;
}

const resizeOp: PrimitiveOp<readonly [x: Value], ResizeAttrs> = {
  onnx: 'Resize',
  infer([x], { size }) {
    const [n, c] = nchw(x, 'resize');
    if (size.some(s => s < 1 || !Number.isInteger(s)))
      throw new ShapeError('resize', `size [${size}] must be whole numbers above 0`);
    return [{ dtype: x.dtype, shape: [n, c, ...size] }];
  },
  attributes: ({ mode, alignCorners }) => ({
    mode,
    coordinate_transformation_mode: mode === 'nearest' ? 'asymmetric' : alignCorners ? 'align_corners' : 'half_pixel',
    ...(mode === 'nearest' && { nearest_mode: 'floor' }),
  }),
  operands: ([x], { size }) => [x, null, null, constant(sizes(x, size))],
  vjp(dy, { inputs: [x], attrs: { mode, alignCorners, size } }) {
    const [, , h, w] = nchw(x, 'resize');
    if (mode === 'nearest') {
      const factor = size[0] / h;
      if (Number.isInteger(factor) && size[1] === w * factor)
        return [mul(avgPool2d(dy, factor), scalar(factor * factor, dy.dtype))];
      const nearestMatrix = (from: number, to: number) =>
        constantMatrix(from, to, (j, i) => (Math.floor((i * from) / to) === j ? 1 : 0));
      return [resample(dy, nearestMatrix(h, size[0]), nearestMatrix(w, size[1]))];
    }
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
export const resizeBilinear = (x: Value, size: readonly [height: number, width: number], alignCorners = false): Value =>
  x.shape[2] === size[0] && x.shape[3] === size[1]
    ? x
    : apply1(resizeOp, [x], { size, mode: 'linear', alignCorners });

/** Nearest-neighbour interpolation, pixel floor(i·H/height): [N, C, H, W] → [N, C, height, width], as PyTorch's. */
export const resizeNearest = (x: Value, size: readonly [height: number, width: number]): Value =>
  x.shape[2] === size[0] && x.shape[3] === size[1]
    ? x
    : apply1(resizeOp, [x], { size, mode: 'nearest', alignCorners: false });
