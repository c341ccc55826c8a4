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
  const patches = connectPatches(probabilities, width, height, threshold);
  for (const { first, left, right, bottom, area, sum } of patches) {
    if (area < minAreaFraction * width * height) continue;
    const [, top] = first;
    const outline = simplify(traceOutline(isInside, first), tolerance);
    regions.push({
      bbox: [left, top, right - left, bottom - top],
      area,
      meanScore: sum / area,
      // Of a region that is no wider than the tolerance nothing is left but a line.
      polygon: outline.length > 2 ? outline : rectangle(left, top, right, bottom),
    });
  }
  return regions.sort((a, b) => b.area * b.meanScore - a.area * a.meanScore);
}

/** What is known of a connected component as far as its rows were read. */
interface Patch {
  /** Its first pixel in reading order. */
  first: Point;
  left: number;
  right: number;
  bottom: number;
  area: number;
  /** The sum of its pixels' probabilities. */
  sum: number;
  /** The patch that this one was found to be a part of; null as long as it is one of its own. */
  whole: Patch | null;
}

/** Neighbouring pixels of one row that are above the threshold: start ≤ x < end. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly patch: Patch;
}

/** The connected components. Of the runs that they are made of only those of two rows are ever kept. */
function connectPatches(probabilities: Float32Array, width: number, height: number, threshold: number): Patch[] {
  const patches: Patch[] = [];
  let above: Run[] = [];
  for (let y = 0; y < height; y++) {
    const row: Run[] = [];
    let next = 0;
    for (let x = 0, i = y * width; x < width; x++) {
      if (!(probabilities[i + x]! > threshold)) continue;
      const start = x;
      let sum = 0;
      for (; x < width && probabilities[i + x]! > threshold; x++) sum += probabilities[i + x]!;
      const found = { first: [start, y] as Point, left: start, right: x, bottom: y + 1, area: x - start, sum };
      // Touching at a corner is enough, so a run reaches one pixel further to either side.
      while (next < above.length && above[next]!.end < start) next++;
      let patch: Patch | null = null;
      for (let j = next; j < above.length && above[j]!.start <= x; j++) {
        const touched = wholeOf(above[j]!.patch);
        if (patch === null) add((patch = touched), found);
        else if (touched !== patch) patch = unite(patch, touched);
      }
      if (patch === null) patches.push((patch = { ...found, whole: null }));
      row.push({ start, end: x, patch });
    }
    above = row;
  }
  return patches.filter(({ whole }) => whole === null);
}

function add(patch: Patch, { left, right, bottom, area, sum }: Omit<Patch, 'whole'>): void {
  patch.left = Math.min(patch.left, left);
  patch.right = Math.max(patch.right, right);
  patch.bottom = Math.max(patch.bottom, bottom);
  patch.area += area;
  patch.sum += sum;
}

/** Makes one patch of two: of the one that begins first. */
function unite(a: Patch, b: Patch): Patch {
  const aIsFirst = a.first[1] < b.first[1] || (a.first[1] === b.first[1] && a.first[0] < b.first[0]);
  const [whole, part] = aIsFirst ? [a, b] : [b, a];
  add(whole, part);
  part.whole = whole;
  return whole;
}

/** The patch that a patch has become a part of, with the path to it halved on the way. */
function wholeOf(patch: Patch): Patch {
  while (patch.whole) {
    patch.whole = patch.whole.whole ?? patch.whole;
    patch = patch.whole;
  }
  return patch;
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
