import type { Tensor, Value } from '@forgelens/autograd';
import {
  Random,
  add,
  and,
  cast,
  concat,
  constant,
  cumSum,
  div,
  expand,
  float32,
  gather,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  minimum,
  mul,
  reduceSum,
  reshape,
  scalar,
  slice,
  split,
  stopGradient,
  where,
} from '@forgelens/autograd';
import { pixelWalk, unitRows } from './pixel-graph.ts';

/** How many others each pixel is compared with: half of them near, half anywhere. */
const candidateCount = 16;
/** Near is at most so many rows and columns away. */
const near = 3;

/**
 * The pixels that each pixel of a map may step to: [H·W, 16] indices, half of them near, for patterns of short range,
 * half anywhere, for those of long range. Drawn once, from a fixed seed.
 */
export function drawCandidates(height: number, width: number): Tensor<'float32'> {
  const random = new Random('walk candidates');
  const pixels = height * width;
  const within = (position: number, extent: number) => {
    const from = Math.max(0, position - near);
    return random.integer(from, Math.min(extent, position + near + 1));
  };
  const draw = (i: number, k: number): number => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const drawn = k < candidateCount / 2 ? within(y, height) * width + within(x, width) : random.integer(0, pixels);
    return drawn === i && pixels > 1 ? draw(i, k) : drawn;
  };
  return float32(
    [pixels, candidateCount],
    Array.from({ length: pixels * candidateCount }, (_, i) => draw(Math.floor(i / candidateCount), i % candidateCount)),
  );
}

/** The columns of a matrix: [R, C] → C of [R]. */
const columns = (matrix: Value): readonly Value[] =>
  split(matrix, 1, Array<number>(matrix.shape[1]!).fill(1)).map(column => reshape(column, [-1]));

export interface SampledWalkConfig {
  /** The pixels that each may step to, [P, K] indices. */
  readonly candidates: Tensor;
  /** Uniform numbers from [0, 1), one for each step of each walk: [steps, P·walks], those of a pixel side by side. */
  readonly draws: Value;
}

/**
 * What random walks see: from each node `walks` of them start, and the mean of the nodes that they end at is taken. A
 * walk goes on with the chance `onward` to one of its node's candidates, in proportion to their cosine similarity of at
 * least `threshold`; where there is none, it stays.
 *
 * Each node is compared with its candidates alone, so that time and memory grow with the number of walks and of
 * candidates, and not with the square of the nodes. The choice of a step has no gradient; the nodes seen have.
 *
 * @param nodes - [N, P, C]
 * @returns [N, P, C]
 */
export function sampledWalk(nodes: Value, { candidates, draws }: SampledWalkConfig): Value {
  const { threshold, onward } = pixelWalk;
  const [n, pixels, channels] = nodes.shape as readonly [number, number, number];
  const count = candidates.shape[1]!;
  const steps = draws.shape[0]!;
  const walks = draws.shape[1]! / pixels;

  // Up to which share of a draw each candidate is stepped to, not yet divided by their sum: [N·P, K].
  const directions = unitRows(stopGradient(nodes));
  const table = constant(candidates);
  const cosines = columns(table).map(others => {
    const other = gather(directions, cast(others, 'int32'), 1);
    return reduceSum(mul(directions, other), [2], { keepDims: true });
  });
  const similarity = concat(cosines, 2);
  const shares = where(greaterOrEqual(similarity, scalar(threshold)), similarity, scalar(0));
  const limits = reshape(cumSum(shares, 2), [n * pixels, count]);

  // Where each walk is, as an index of its image's pixels: [N, P·walks]. Whole numbers below 2²⁴ are exact in float32.
  const ofImage = constant(
    float32(
      [n, 1],
      Array.from({ length: n }, (_, i) => i * pixels),
    ),
  );
  const starts = Array.from({ length: pixels * walks }, (_, i) => Math.floor(i / walks));
  const all = [n, pixels * walks];
  let at = expand(constant(float32([1, pixels * walks], starts)), all);
  let onTheWay: Value | null = null;
  const steppedTo = reshape(table, [-1]);
  for (let step = 0; step < steps; step++) {
    const draw = slice(draws, 0, step, step + 1);
    const goesOn: Value = less(draw, scalar(onward));
    onTheWay = onTheWay === null ? goesOn : and(onTheWay, goesOn);
    const row = gather(limits, cast(reshape(add(at, ofImage), [-1]), 'int32'), 0);
    const total = slice(row, 1, count - 1, count);
    const point = mul(reshape(expand(div(draw, scalar(onward)), all), [-1, 1]), total);
    const passed = reduceSum(cast(lessOrEqual(row, point), 'float32'), [1]);
    const choice = reshape(minimum(passed, scalar(count - 1)), all);
    const next = gather(steppedTo, cast(add(mul(at, scalar(count)), choice), 'int32'), 0);
    at = where(and(onTheWay, greater(reshape(total, all), scalar(0))), next, at);
  }

  const rows = reshape(nodes, [n * pixels, channels]);
  const ends = columns(reshape(add(at, ofImage), [n * pixels, walks]));
  const seen = ends.map(end => gather(rows, cast(end, 'int32'), 0)).reduce((a, b) => add(a, b));
  return reshape(mul(seen, scalar(1 / walks)), nodes.shape);
}
