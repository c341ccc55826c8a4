import { ShapeError } from '../errors.ts';
import { sizeOf } from '../tensor.ts';
import type { PrimitiveOp, Value } from '../value.ts';
import { apply1, sameShape } from '../value.ts';
import { add, broadcastShapes, sumTo } from './elementwise.ts';
import { reshape, transposeLast } from './shape.ts';

const matmulOp: PrimitiveOp<readonly [a: Value, b: Value], null> = {
  onnx: 'MatMul',
  infer([a, b]) {
    if (a.rank < 2 || b.rank < 2 || a.shape.at(-1) !== b.shape.at(-2))
      throw new ShapeError('matmul', `the last axis of [${a.shape}] must equal the last but one of [${b.shape}]`);
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), 'matmul');
    return [{ dtype: a.dtype, shape: [...batch, a.shape.at(-2)!, b.shape.at(-1)!] }];
  },
  multiplyAdds: ({ inputs: [a], y }) => sizeOf(y.shape) * a.shape.at(-1)!,
  vjp: (dy, { inputs: [a, b] }) => [
    sumTo(matmul(dy, transposeLast(b)), a.shape),
    sumTo(matmul(transposeLast(a), dy), b.shape),
  ],
};

/**
 * Matrix product of the last two axes; leading axes are a batch and broadcast.
 * [.., M, K] · [.., K, N] → [.., M, N]
 */
export const matmul = (a: Value, b: Value): Value => apply1(matmulOp, [a, b], null);

interface GemmAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const gemmOp: PrimitiveOp<readonly [a: Value, b: Value], GemmAttrs> = {
  onnx: 'Gemm',
  infer([a, b], { transposeA, transposeB }) {
    const [m, k] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
    const [k2, n] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
    if (a.rank !== 2 || b.rank !== 2 || k !== k2)
      throw new ShapeError(
        'gemm',
        `[${a.shape}]${transposeA ? 'ᵀ' : ''} · [${b.shape}]${transposeB ? 'ᵀ' : ''} is not a matrix product`,
      );
    return [{ dtype: a.dtype, shape: [m!, n!] }];
  },
  attributes: ({ transposeA, transposeB }) => ({ transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }),
  multiplyAdds: ({ inputs: [a], attrs: { transposeA }, y }) => sizeOf(y.shape) * a.shape[transposeA ? 0 : 1]!,
  vjp: (dy, { inputs: [a, b], attrs: { transposeA, transposeB } }) => [
    transposeA ? gemm(b, dy, transposeB, true) : gemm(dy, b, false, !transposeB),
    transposeB ? gemm(dy, a, true, transposeA) : gemm(a, dy, !transposeA, false),
  ],
};

/** Product of two matrices, either of them transposed without a copy. */
export const gemm = (a: Value, b: Value, transposeA = false, transposeB = false): Value =>
  apply1(gemmOp, [a, b], { transposeA, transposeB });

const productPlusOp: PrimitiveOp<readonly [a: Value, b: Value, added: Value], null> = {
  onnx: 'Gemm',
  infer([a, b, added]) {
    const [type] = gemmOp.infer([a, b], { transposeA: false, transposeB: true });
    if (!sameShape(broadcastShapes(added.shape, type!.shape, 'product'), type!.shape))
      throw new ShapeError('product', `[${added.shape}] does not stretch to [${type!.shape}]`);
    return [type!];
  },
  attributes: () => ({ transB: 1 }),
  multiplyAdds: ({ inputs: [a], y }) => sizeOf(y.shape) * a.shape[1]!,
  vjp: (dy, { inputs: [a, b, added] }) => [gemm(dy, b), gemm(dy, a, true), sumTo(dy, added.shape)],
};

/** a · bᵀ of two matrices, and in the same pass plus what broadcasts to it. [M, K], [N, K] → [M, N] */
export const product = (a: Value, b: Value, added?: Value): Value =>
  added ? apply1(productPlusOp, [a, b, added], null) : gemm(a, b, false, true);

/**
 * x · weightᵀ + bias on the last axis: [.., K] → [.., N].
 * @param weight - [N, K], as in PyTorch
 * @param bias - [N]
 * @throws {ShapeError} when x does not have weight's K features, or there is not one bias for each of its rows
 */
export function linear(x: Value, weight: Value, bias?: Value): Value {
  const k = x.shape.at(-1)!;
  if (weight.rank !== 2 || weight.shape[1] !== k)
    throw new ShapeError(
      'linear',
      `x has ${k} features (shape [${x.shape}]) but weight expects ${weight.shape[1]} (shape [${weight.shape}])`,
    );
  const [n] = weight.shape;
  if (bias && (bias.rank !== 1 || bias.shape[0] !== n))
    throw new ShapeError('linear', `bias [${bias.shape}] must be [${n}], one for each row of weight [${weight.shape}]`);
  const y = product(reshape(x, [-1, k]), weight, bias);
  return reshape(y, [...x.shape.slice(0, -1), weight.shape[0]!]);
}

/** Adds a bias to one axis: x [.., C, ..] + bias [C] along `axis`. */
export const addBias = (x: Value, bias: Value, axis: number): Value =>
  add(x, reshape(bias, [bias.shape[0]!, ...Array<number>(x.rank - 1 - axis).fill(1)]));
