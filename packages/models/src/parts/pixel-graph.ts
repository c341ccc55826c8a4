import type { Value } from '@forgelens/autograd';
import {
  add,
  and,
  constant,
  div,
  equal,
  greaterOrEqual,
  int64,
  matmul,
  maximum,
  mul,
  not,
  reduceSum,
  reshape,
  scalar,
  sqrt,
  square,
  transposeLast,
  where,
} from '@forgelens/autograd';

/**
 * The walks of both official codes: the least cosine similarity of two pixels that are joined, the steps of a walk, and
 * the chance to walk on at each of them, which the codes call "restart".
 */
export const pixelWalk = { threshold: 0.4, steps: 3, onward: 0.7 };

/** Pixels of a map as nodes of a graph: [N, C, H, W] → [N, H·W, C]. */
export const mapToNodes = (map: Value): Value =>
  transposeLast(reshape(map, [map.shape[0]!, map.shape[1]!, map.shape[2]! * map.shape[3]!]));

/** The reverse of mapToNodes: [N, H·W, C] → [N, C, H, W]. */
export const nodesToMap = (nodes: Value, height: number, width: number): Value =>
  reshape(transposeLast(nodes), [nodes.shape[0]!, nodes.shape[2]!, height, width]);

/** Rows of Euclidean length 1, but for rows of zeros, which stay so: [.., C] → the same. */
export function unitRows(x: Value): Value {
  const squares = reduceSum(square(x), [-1], { keepDims: true });
  return div(x, sqrt(maximum(squares, scalar(1e-24))));
}

/** Whether row and column of a square matrix differ, [n, n]. */
function offDiagonal(n: number): Value {
  const index = Array.from({ length: n }, (_, i) => i);
  return not(equal(constant(int64([n, 1], index)), constant(int64([1, n], index))));
}

/**
 * The graph that joins nodes of similar direction: cosine similarities of at least 0.4, without loops, each row
 * divided by its sum. A node that is like no other has a row of zeros.
 *
 * @param nodes - [N, P, C]
 * @returns the chances to step from one node to another, [N, P, P]
 */
export function similarityGraph(nodes: Value): Value {
  const directions = unitRows(nodes);
  const cosines = matmul(directions, transposeLast(directions));
  const joined = and(greaterOrEqual(cosines, scalar(pixelWalk.threshold)), offDiagonal(nodes.shape[1]!));
  const edges = where(joined, cosines, scalar(0));
  return div(edges, add(reduceSum(edges, [-1], { keepDims: true }), scalar(1e-8)));
}

/**
 * What random walks through a graph see of its nodes in the mean: W·x with W₀ = I, Wₖ = onward·Wₖ₋₁·A + (1 − onward)·I.
 * All Wₖ are polynomials in A, so that W·x is reached by products with x alone, and W itself is never made.
 *
 * @param graph - A, [N, P, P]
 * @param x - [N, P, C]
 */
export function expectedWalk(graph: Value, x: Value): Value {
  const { steps, onward } = pixelWalk;
  const start = mul(x, scalar(1 - onward));
  return Array.from({ length: steps }).reduce<Value>(seen => add(mul(matmul(graph, seen), scalar(onward)), start), x);
}

/** The mean over all walks through pixels that are like each other: map [N, C, h, w] → the same shape. */
export function walkPixels(map: Value): Value {
  const nodes = mapToNodes(map);
  const seen = expectedWalk(similarityGraph(nodes), nodes);
  return nodesToMap(seen, map.shape[2]!, map.shape[3]!);
}
