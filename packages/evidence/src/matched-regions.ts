import { blurPlanes } from '@forgelens/imaging/pixels';
import type { Point } from './evidence.ts';
import type { NearestField } from './nearest-field.ts';
import type { Plane } from './planes.ts';

/** Half the side of the windows in which offsets are replaced by their median, in px. */
const medianReach = 4;
/** Half the side of the windows in which the medians must follow a plane, in px. */
const planeReach = 5;
/** How far they may be from it, in squared px, on average. */
const mostError = 2;
/** Matches farther than this from where the others of their region lead are left out, in px. */
const mostDistance = 3;
/** Smaller regions are left to chance, in px. */
const leastArea = 250;
/**
 * The least correlation of the fine structure of two places: likeness seldom gives as much; a copy gives more. The
 * smaller they are, the more is left to chance.
 *
 * @param area - px
 */
const leastSimilarity = (area: number): number => 0.95 + 0.02 * Math.min(1, Math.max(0, (1000 - area) / 750));
/** What has little but one straight edge: along it, gradients are less than this share of those across it (squares added up). */
const leastAlong = 0.1;

/** From a place in one part of a picture to the place that shows the same in another. */
export interface AffineMap {
  /** A place, and where it leads. */
  readonly from: Point;
  readonly to: Point;
  /** [[a, b], [c, d]]: what becomes of the way from there to others. */
  readonly linear: readonly [a: number, b: number, c: number, d: number];
}

/** Where a map leads. */
export const mapped = ({ from, to, linear: [a, b, c, d] }: AffineMap, x: number, y: number): Point => ({
  x: to.x + a * (x - from.x) + b * (y - from.y),
  y: to.y + c * (x - from.x) + d * (y - from.y),
});

/** A region and the place that it matches, in px. */
export interface RegionMatch {
  /** Indices of pixels. */
  readonly members: readonly number[];
  readonly map: AffineMap;
  /** The correlation of the fine structure of both. */
  readonly similarity: number;
}

/**
 * The regions of a picture that show the same as another place of it, with the map that leads there; the larger of two
 * that match each other.
 *
 * @param active - 1 where a pixel was matched
 * @param field - the nearest neighbour of each pixel
 */
export function matchedRegions(plane: Plane, active: Uint8Array, field: NearestField): RegionMatch[] {
  const { width } = plane;
  const medians = medianOffsets(field, active, width, plane.height);
  const fits = planarOffsets(medians, active, width, plane.height);
  const fine = fineStructure(plane);
  const matches: RegionMatch[] = [];
  for (const members of coherentRegions(fits, medians, width)) {
    if (members.length < leastArea || isOneEdge(fine, members)) continue;
    const rough = fitMap(members, field, medians, width);
    if (rough === null) continue;
    const map = refined(rough, fine, members);
    const similarity = correlate(fine, members, map);
    if (similarity >= leastSimilarity(members.length)) matches.push({ members, map, similarity });
  }
  const kept: RegionMatch[] = [];
  const taken = new Uint8Array(width * plane.height);
  for (const match of matches.sort((a, b) => b.members.length - a.members.length)) {
    const known = match.members.filter(i => taken[i]).length;
    if (known > match.members.length / 2) continue;
    kept.push(match);
    for (const i of match.members) {
      const { x, y } = mapped(match.map, i % width, Math.floor(i / width));
      taken[i] = 1;
      const to = Math.round(y) * width + Math.round(x);
      if (to >= 0 && to < taken.length) taken[to] = 1;
    }
  }
  return kept;
}

/**
 * The medians of the offsets of the active pixels around each one: of the neighbours of a pixel that was matched wrongly,
 * most were matched rightly. 0 at the border.
 */
function medianOffsets({ dx, dy }: NearestField, active: Uint8Array, width: number, height: number): NearestField {
  const most = Math.max(width, height);
  // How many offsets of a window there are of each value, and of each 32 values: the median is looked for in these first.
  const fine = new Uint16Array(2 * most + 32);
  const coarse = new Uint16Array(fine.length >> 5);
  const mediansOf = (offsets: Int16Array): Int16Array => {
    const medians = new Int16Array(offsets.length);
    let count = 0;
    const addColumn = (x: number, y: number, sign: 1 | -1) => {
      for (let v = -medianReach, i = (y - medianReach) * width + x; v <= medianReach; v++, i += width) {
        if (!active[i]) continue;
        const bin = offsets[i]! + most;
        fine[bin]! += sign;
        coarse[bin >> 5]! += sign;
        count += sign;
      }
    };
    for (let y = medianReach; y < height - medianReach; y++) {
      for (let x = 0; x < 2 * medianReach; x++) addColumn(x, y, 1);
      for (let x = medianReach; x < width - medianReach; x++) {
        addColumn(x + medianReach, y, 1);
        if (active[y * width + x]) {
          let [bin, below] = [0, 0];
          while (2 * (below + coarse[bin]!) < count) below += coarse[bin++]!;
          bin <<= 5;
          while (2 * (below + fine[bin]!) < count) below += fine[bin++]!;
          medians[y * width + x] = bin - most;
        }
        addColumn(x - medianReach, y, -1);
      }
      for (let x = width - 2 * medianReach; x < width; x++) addColumn(x, y, -1);
    }
    return medians;
  };
  return { dx: mediansOf(dx), dy: mediansOf(dy) };
}

/** 1 where the offsets in a window around a pixel follow a plane in x and y to `mostError`. */
function planarOffsets({ dx, dy }: NearestField, active: Uint8Array, width: number, height: number): Uint8Array {
  const reach = planeReach;
  const side = 2 * reach + 1;
  const spread = side * side * ((reach * (reach + 1)) / 3); // Σ x² over a window
  const fits = new Uint8Array(width * height);
  for (let y = reach; y < height - reach; y++)
    for (let x = reach; x < width - reach; x++) {
      if (!active[y * width + x]) continue;
      let error = 0;
      let count = 0;
      for (const d of [dx, dy]) {
        const middle = d[y * width + x]!;
        let sum = 0;
        let squares = 0;
        let slopeX = 0;
        let slopeY = 0;
        for (let v = -reach; v <= reach; v++) {
          let row = 0;
          for (let u = -reach, i = (y + v) * width + x - reach; u <= reach; u++, i++) {
            const value = d[i]! - middle;
            row += value;
            squares += value * value;
            slopeX += u * value;
            count += active[i]!;
          }
          sum += row;
          slopeY += v * row;
          // Most windows are hopeless after a few rows.
          if (squares > 1e5) break;
        }
        error += squares - (sum * sum) / (side * side) - (slopeX * slopeX + slopeY * slopeY) / spread;
        if (squares > 1e5) error = Infinity;
        if (error > mostError * side * side) break;
      }
      if (error <= mostError * side * side && count > side * side) fits[y * width + x] = 1;
    }
  return fits;
}

/** Regions in which neighbours have offsets at most 2 px apart. */
function coherentRegions(fits: Uint8Array, { dx, dy }: NearestField, width: number): number[][] {
  const seen = new Uint8Array(fits.length);
  const regions: number[][] = [];
  for (let first = 0; first < fits.length; first++) {
    if (!fits[first] || seen[first]) continue;
    seen[first] = 1;
    const members = [first];
    for (let at = 0; at < members.length; at++) {
      const i = members[at]!;
      for (const next of [i - 1, i + 1, i - width, i + width])
        // The border never fits, so a row does not run over into the next.
        if (fits[next] && !seen[next] && Math.abs(dx[next]! - dx[i]!) <= 2 && Math.abs(dy[next]! - dy[i]!) <= 2) {
          seen[next] = 1;
          members.push(next);
        }
    }
    regions.push(members);
  }
  return regions;
}

/** The map that most of a region's pixels agree on; null where there is none that is nearly a similarity. */
function fitMap(
  members: readonly number[],
  field: NearestField,
  medians: NearestField,
  width: number,
): AffineMap | null {
  let map = fitAffine(members, medians, width);
  for (let round = 0; round < 3 && map !== null; round++) {
    const { from, to, linear } = map;
    const agreeing = members.filter(i => {
      const [x, y] = [i % width, Math.floor(i / width)];
      const { x: u, y: v } = mapped({ from, to, linear }, x, y);
      return Math.max(Math.abs(x + field.dx[i]! - u), Math.abs(y + field.dy[i]! - v)) <= mostDistance;
    });
    if (agreeing.length < members.length / 4) return null;
    map = fitAffine(agreeing, field, width);
  }
  return map;
}

/** The affine map of least squares from a region's pixels to their matches; null when it is far from a similarity. */
function fitAffine(members: readonly number[], { dx, dy }: NearestField, width: number): AffineMap | null {
  const n = members.length;
  let [mx, my, mu, mv] = [0, 0, 0, 0];
  for (const i of members) {
    mx += (i % width) / n;
    my += Math.floor(i / width) / n;
    mu += dx[i]! / n;
    mv += dy[i]! / n;
  }
  let [xx, xy, yy, xu, yu, xv, yv] = [0, 0, 0, 0, 0, 0, 0];
  for (const i of members) {
    const x = (i % width) - mx;
    const y = Math.floor(i / width) - my;
    const u = dx[i]! - mu;
    const v = dy[i]! - mv;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    xu += x * u;
    yu += y * u;
    xv += x * v;
    yv += y * v;
  }
  const determinant = xx * yy - xy * xy;
  if (determinant < 1e-6 * xx * yy) return null;
  const a = 1 + (yy * xu - xy * yu) / determinant;
  const b = (xx * yu - xy * xu) / determinant;
  const c = (yy * xv - xy * yv) / determinant;
  const d = 1 + (xx * yv - xy * xv) / determinant;
  // The singular values of a similarity are equal: their sum and difference squared, from the entries.
  const [larger, smaller] = [Math.hypot(a + d, b - c), Math.hypot(a - d, b + c)].sort((p, q) => q - p) as [
    number,
    number,
  ];
  if (larger < 1 || larger > 4 || smaller > 0.25 * larger) return null;
  return { from: { x: mx, y: my }, to: { x: mx + mu, y: my + mv }, linear: [a, b, c, d] };
}

/**
 * The map near another under which a region and its match correlate best: each of its six numbers is tried a little
 * higher and lower, by less and less.
 */
function refined(map: AffineMap, fine: Plane, members: readonly number[]): AffineMap {
  const every = Math.ceil(members.length / 1000);
  const some = members.filter((_, i) => i % every === 0);
  const radius = Math.sqrt(members.length / Math.PI);
  let [best, most] = [map, correlate(fine, some, map)];
  for (let step = 1; step >= 1 / 16; step /= 2)
    for (let number = 0; number < 6; number++)
      for (const by of [step, -step]) {
        const { from, to, linear } = best;
        const numbers = [to.x, to.y, ...linear];
        // What the linear part changes at the border of the region is what the others change everywhere.
        numbers[number]! += number < 2 ? by : by / radius;
        const [x, y, a, b, c, d] = numbers as [number, number, number, number, number, number];
        const tried: AffineMap = { from, to: { x, y }, linear: [a, b, c, d] };
        const correlation = correlate(fine, some, tried);
        if (correlation > most) [best, most] = [tried, correlation];
      }
  return best;
}

/** What is finer than 3 px: luma less its blurred self. */
function fineStructure({ width, height, data }: Plane): Plane {
  const coarse = blurPlanes(data, width, height, 1, 3);
  return { width, height, data: data.map((value, i) => value - coarse[i]!) };
}

/** The correlation of a region with the place that it matches, between pixels linearly; 0 where that is outside. */
function correlate({ width, height, data }: Plane, members: readonly number[], map: AffineMap): number {
  let [n, sa, sb, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  for (const i of members) {
    const { x, y } = mapped(map, i % width, Math.floor(i / width));
    const [u, v] = [Math.floor(x), Math.floor(y)];
    if (u < 0 || v < 0 || u >= width - 1 || v >= height - 1) continue;
    const [fx, fy, j] = [x - u, y - v, v * width + u];
    const p = data[i]!;
    const q =
      (1 - fy) * ((1 - fx) * data[j]! + fx * data[j + 1]!) +
      fy * ((1 - fx) * data[j + width]! + fx * data[j + width + 1]!);
    n++;
    sa += p;
    sb += q;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  const variances = (aa - (sa * sa) / n) * (bb - (sb * sb) / n);
  return n < members.length / 2 || variances <= 0 ? 0 : (ab - (sa * sb) / n) / Math.sqrt(variances);
}

/** Whether a region has little but one straight edge: any two of these are alike. */
function isOneEdge({ width, data }: Plane, members: readonly number[]): boolean {
  let [xx, xy, yy] = [0, 0, 0];
  for (const i of members) {
    const [gx, gy] = [data[i + 1]! - data[i - 1]!, data[i + width]! - data[i - width]!];
    xx += gx * gx;
    xy += gx * gy;
    yy += gy * gy;
  }
  const [trace, difference] = [xx + yy, Math.hypot(xx - yy, 2 * xy)];
  return trace - difference <= leastAlong * (trace + difference);
}
