import type { CompositeOp, Value } from '@forgelens/autograd';
import {
  ShapeError,
  add,
  apply1,
  concat,
  div,
  exp,
  greater,
  cast,
  log,
  matmul,
  maximum,
  mul,
  neg,
  reduceSum,
  sameShape,
  scalar,
  slice,
  sqrt,
  square,
  sub,
  sumTo,
  transposeLast,
} from '@forgelens/autograd';

/** The most products of a query with a negative that exist at a time. */
const productsAtATime = 2 ** 22;

type ExcessInputs = readonly [query: Value, negative: Value, weight: Value, positive: Value];

/** How many queries are taken at a time. */
const chunkOf = (query: Value, negative: Value): number =>
  Math.max(1, Math.floor(productsAtATime / (query.shape[0]! * negative.shape[1]!)));

/** Where chunks of the queries begin and end. */
function chunks(query: Value, negative: Value): readonly (readonly [start: number, end: number])[] {
  const [count, size] = [query.shape[1]!, chunkOf(query, negative)];
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => [i * size, Math.min(count, (i + 1) * size)]);
}

/** e^(query · negative) of the queries of a chunk, [N, chunk, M]. */
const similarities = (query: Value, negative: Value, [start, end]: readonly [number, number]): Value =>
  exp(matmul(slice(query, 1, start, end), transposeLast(negative)));

/**
 * ln(1 + Σⱼ wⱼ·e^(qᵢ·nⱼ − pᵢ)) of every query. The products of all queries with all negatives never exist together:
 * they are made chunk by chunk, and again for the gradient.
 */
const excessOp: CompositeOp<ExcessInputs, null> = {
  composite: 'contrastiveExcess',
  build([query, negative, weight, positive]) {
    const sums = chunks(query, negative).map(chunk => matmul(similarities(query, negative, chunk), weight));
    return log(add(mul(concat(sums, 1), exp(neg(positive))), scalar(1)));
  },
  // With the factor f = dy · e^(−p − y): dq = f·(E · (w∘n)), dn = w∘(Eᵀ · (f∘q)), dp = −dy·(1 − e^(−y)).
  vjp(dy, { inputs: [query, negative, weight, positive], y }) {
    const factor = mul(dy, exp(neg(add(positive, y))));
    const [weighted, scaled] = [mul(negative, weight), mul(query, factor)];
    const dQuery: Value[] = [];
    let dNegative: Value | null = null;
    for (const chunk of chunks(query, negative)) {
      const e = similarities(query, negative, chunk);
      dQuery.push(matmul(e, weighted));
      const part = matmul(transposeLast(e), slice(scaled, 1, ...chunk));
      dNegative = dNegative === null ? part : add(dNegative, part);
    }
    const dPositive = mul(dy, sub(exp(neg(y)), scalar(1)));
    return [mul(concat(dQuery, 1), factor), mul(dNegative!, weight), null, sumTo(dPositive, positive.shape)];
  },
};

/** Rows of length 1: x / max(‖x‖, 1e-12) along the last axis. */
export const normalizeRows = (x: Value): Value =>
  div(x, sqrt(maximum(reduceSum(square(x), [-1], { keepDims: true }), scalar(1e-24))));

/** Rows whose products are the cosines of x's rows, divided by the temperature. */
export const directions = (x: Value, temperature: number): Value =>
  mul(normalizeRows(x), scalar(1 / Math.sqrt(temperature)));

/** Vectors of which some count. */
export interface WeightedRows {
  /** [N, P, C] */
  readonly rows: Value;
  /** 1 where a row counts and 0 where it does not, [N, P, 1]. */
  readonly counts: Value;
}

/**
 * Contrast of queries with negatives as in MPC's code, of each image: the mean over queries of
 * ln(1 + Σⱼ e^((cos(qᵢ, nⱼ) − pᵢ) / temperature)), where pᵢ is the mean cosine of query i with all other queries.
 *
 * It is 0, with no gradient, where an image has fewer than two queries or no negative. Its memory grows with the number
 * of rows, not with the number of pairs.
 *
 * After InfoNCE, van den Oord, Li and Vinyals 2018, https://arxiv.org/abs/1807.03748. Unlike the paper: one query has
 * many positives, and their mean similarity stands for the positive pair.
 *
 * @returns [N]
 * @throws {ShapeError} when queries and negatives are not of the same images and channels, or counts do not fit rows
 */
export function infoNce(queries: WeightedRows, negatives: WeightedRows, temperature = 0.1): Value {
  const directed = ({ rows, counts }: WeightedRows): WeightedRows => ({ rows: directions(rows, temperature), counts });
  return contrast(directed(queries), directed(negatives));
}

/** `infoNce` of rows that `directions` has made, for those that take part in several contrasts. */
export function contrast(queries: WeightedRows, negatives: WeightedRows): Value {
  for (const { rows, counts } of [queries, negatives])
    if (rows.rank !== 3 || !sameShape(counts.shape, [...rows.shape.slice(0, 2), 1]))
      throw new ShapeError(
        'infoNce',
        `counts [${counts.shape}] must be [N, P, 1] for rows [N, P, C], got [${rows.shape}]`,
      );
  const [query, negative] = [queries.rows, negatives.rows];
  if (query.shape[0] !== negative.shape[0] || query.shape[2] !== negative.shape[2])
    throw new ShapeError(
      'infoNce',
      `queries [${query.shape}] and negatives [${negative.shape}] must have one number of images and of channels`,
    );
  const number = reduceSum(queries.counts, [1], { keepDims: true }); // [N, 1, 1]
  const sum = matmul(transposeLast(queries.counts), query); // [N, 1, C]
  const withOthers = sub(matmul(query, transposeLast(sum)), reduceSum(square(query), [2], { keepDims: true }));
  const positive = div(withOthers, maximum(sub(number, scalar(1)), scalar(1)));
  const excess = apply1(excessOp, [query, negative, negatives.counts, positive], null);
  const enough = cast(greater(number, scalar(1.5)), 'float32');
  const share = div(mul(queries.counts, enough), maximum(number, scalar(1)));
  return reduceSum(mul(excess, share), [1, 2]);
}
