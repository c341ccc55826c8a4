import { ShapeError } from '@forgelens/autograd';

/** One connected patch of a tampering map. All numbers are in pixels of the image. */
export interface Region {
  /** x and y of the top left corner, width, height. */
  readonly bbox: readonly [x: number, y: number, width: number, height: number];
  /** Pixels above the threshold. Holes are not among them. */
  readonly area: number;
  /** Mean probability of those pixels, in [0, 1]. */
  readonly meanScore: number;
  /** The outer outline, clockwise, through pixel corners; simplified to about a pixel (a thousandth of a large image). */
  readonly polygon: readonly Point[];
}

export type Point = readonly [x: number, y: number];

/**
 * The 8-connected regions whose probability is greater than `threshold`, by area × mean score, largest first.
 *
 * @param probabilities - [H·W], row-major, in [0, 1]
 * @param minAreaFraction - smaller regions are left out; a fraction of the image's pixels
 * @throws {ShapeError} when there are not width × height probabilities
 */
export function findRegions(
  probabilities: Float32Array,
  width: number,
  height: number,
  threshold: number,
  minAreaFraction: number,
): Region[] {
  if (probabilities.length !== width * height)
    throw new ShapeError('findRegions', `${width}×${height} pixels but ${probabilities.length} probabilities`);
  const isInside = (x: number, y: number) =>
    x >= 0 && x < width && y >= 0 && y < height && probabilities[y * width + x]! > threshold;
  const tolerance = Math.max(1, Math.max(width, height) / 1000);

  const regions: Region[] = [];
  for (const runs of connectRuns(probabilities, width, height, threshold)) {
    const area = runs.reduce((sum, run) => sum + run.end - run.start, 0);
    if (area < minAreaFraction * width * height) continue;
    const [left, top] = [runs.reduce((x, run) => Math.min(x, run.start), width), runs[0]!.y];
    const [right, bottom] = [runs.reduce((x, run) => Math.max(x, run.end), 0), runs.at(-1)!.y + 1];
    const outline = simplify(traceOutline(isInside, [runs[0]!.start, top]), tolerance);
    regions.push({
      bbox: [left, top, right - left, bottom - top],
      area,
      meanScore: runs.reduce((sum, run) => sum + run.sum, 0) / area,
      // Of a region that is no wider than the tolerance nothing is left but a line.
      polygon: outline.length > 2 ? outline : rectangle(left, top, right, bottom),
    });
  }
  return regions.sort((a, b) => b.area * b.meanScore - a.area * a.meanScore);
}

/** Neighbouring pixels of one row that are above the threshold: start ≤ x < end. */
interface Run {
  readonly y: number;
  readonly start: number;
  readonly end: number;
  /** The sum of their probabilities. */
  readonly sum: number;
  /** Any earlier run of the same component; null for its first. */
  earlier: Run | null;
}

/** The runs of each connected component, from top to bottom and left to right. */
function connectRuns(probabilities: Float32Array, width: number, height: number, threshold: number): Iterable<Run[]> {
  const all: Run[] = [];
  let above: Run[] = [];
  for (let y = 0; y < height; y++) {
    const row = findRuns(probabilities.subarray(y * width, (y + 1) * width), y, threshold);
    let next = 0;
    for (const run of row) {
      // Touching at a corner is enough, so a run reaches one pixel further to either side.
      while (next < above.length && above[next]!.end < run.start) next++;
      for (let i = next; i < above.length && above[i]!.start <= run.end; i++) join(above[i]!, run);
      all.push(run);
    }
    above = row;
  }
  const components = new Map<Run, Run[]>();
  for (const run of all) {
    const first = firstOf(run);
    if (first === run) components.set(run, [run]);
    else components.get(first)!.push(run);
  }
  return components.values();
}

function findRuns(row: Float32Array, y: number, threshold: number): Run[] {
  const runs: Run[] = [];
  for (let x = 0; x < row.length; x++) {
    if (!(row[x]! > threshold)) continue;
    const start = x;
    let sum = 0;
    for (; x < row.length && row[x]! > threshold; x++) sum += row[x]!;
    runs.push({ y, start, end: x, sum, earlier: null });
  }
  return runs;
}

/** The first run of a component, with the path to it halved on the way. */
function firstOf(run: Run): Run {
  while (run.earlier) {
    run.earlier = run.earlier.earlier ?? run.earlier;
    run = run.earlier;
  }
  return run;
}

function join(a: Run, b: Run): void {
  const [p, q] = [firstOf(a), firstOf(b)];
  if (p === q) return;
  const pIsFirst = p.y < q.y || (p.y === q.y && p.start < q.start);
  if (pIsFirst) q.earlier = p;
  else p.earlier = q;
}

const east: Point = [1, 0];

/**
 * The corners of the outline of the region whose first pixel, in reading order, is `start`: along the cracks between
 * pixels with the region to the right, turning left wherever that stays at the region.
 */
function traceOutline(isInside: (x: number, y: number) => boolean, start: Point): Point[] {
  const corners: Point[] = [];
  let [x, y] = start;
  let [dx, dy] = east;
  do {
    [x, y] = [x + dx, y + dy];
    const [left, right] = [ahead(dy, -dx), ahead(-dy, dx)];
    if (left || !right) {
      corners.push([x, y]);
      [dx, dy] = left ? [dy, -dx] : [-dy, dx];
    }
  } while (x !== start[0] || y !== start[1] || dx !== east[0] || dy !== east[1]);
  return corners;

  /** Whether the pixel ahead is inside, on the side (sx, sy) of the way. */
  function ahead(sx: number, sy: number): boolean {
    return isInside(x + (dx + sx - 1) / 2, y + (dy + sy - 1) / 2);
  }
}

/** A closed line with fewer corners, none of the dropped ones further than `tolerance` from it (Douglas and Peucker 1973). */
function simplify(ring: readonly Point[], tolerance: number): Point[] {
  const closed = [...ring, ring[0]!];
  const keep = new Uint8Array(closed.length).fill(1, 0, 1);
  const spans: [from: number, to: number][] = [[0, ring.length]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    let [farthest, distance] = [from, tolerance];
    for (let i = from + 1; i < to; i++) {
      const d = distanceToSegment(closed[i]!, closed[from]!, closed[to]!);
      if (d > distance) [farthest, distance] = [i, d];
    }
    if (farthest === from) continue;
    keep[farthest] = 1;
    spans.push([from, farthest], [farthest, to]);
  }
  return ring.filter((_, i) => keep[i]);
}

function distanceToSegment([px, py]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const along = ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(Math.max(along, 0), 1);
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

const rectangle = (left: number, top: number, right: number, bottom: number): Point[] => [
  [left, top],
  [right, top],
  [right, bottom],
  [left, bottom],
];
