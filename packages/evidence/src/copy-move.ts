import { Random } from '@forgelens/autograd';
import { blurPlanes, resizeImage } from '@forgelens/imaging/pixels';
import { circularHarmonics } from './circular-harmonics.ts';
import type { Box, Finding, MatchedPair, Point } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { nearestField, type NearestField } from './nearest-field.ts';
import { luma, type Plane } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** Larger pictures are scaled down to this many px first. */
const mostPixels = 2 ** 19;
/** Smaller pictures have no room for two places. In px. */
const leastSide = 64;
/** Copies nearer than this are not looked for, in px of the scaled picture. */
const leastDistance = 24;
/** Flatter surroundings match anything, in levels of 0–255. */
const leastContrast = 4;
/** Half the side of the windows in which offsets must follow a plane, in px. */
const reach = 5;
/** How far they may be from it, in squared px, on average. */
const mostError = 0.75;
/** Smaller regions are left to chance, in px of the scaled picture. */
const leastArea = 250;
/** The least correlation of the fine structure of two places. Likeness gives less; a copy gives more. */
const leastSimilarity = 0.85;

/**
 * Copy-move: two places of the picture with the same content, as pairs. Each pixel's surroundings are described by numbers
 * that turning and mirroring do not change, the nearest neighbour of each is found, and regions are kept in which the
 * offsets follow a plane: a copy that was moved, turned, mirrored or scaled a little. What is left is laid over its match;
 * the fine structure of both must correlate by 0.85. Map: the correlation at both places.
 *
 * Cozzolino, Poggi and Verdoliva 2015, "Efficient Dense-Field Copy–Move Forgery Detection",
 * https://doi.org/10.1109/TIFS.2015.2455334. Unlike the paper: circular harmonics in a Gaussian window in place of Zernike
 * moments, which costs a tenth; pictures over 2¹⁹ px are scaled down; a match must also correlate, which keeps
 * photographs of repeating things quiet.
 */
export const copyMove: EvidenceKind = {
  id: 'copy-move',
  title: 'Copy-move matches',
  whatItShows: 'Two places of the picture that show the same, down to fine structure: one may be a copy of the other.',
  lookFor:
    'Matches of whole objects, or of ground laid over something. Natural things never repeat in every detail, so look whether noise and chance details agree, too.',
  ignore:
    'Things that repeat by themselves: windows, tiles, fabric, print, screens, drawings, reflections. Which of two places is the copy cannot be told. Copies that were turned askew or scaled by a fifth, that are small or of flat content, are mostly not found.',
  source: {
    text: 'Cozzolino, Poggi and Verdoliva 2015, Efficient Dense-Field Copy–Move Forgery Detection',
    url: 'https://doi.org/10.1109/TIFS.2015.2455334',
  },
  find,
};

function find({ image }: Subject): Finding {
  if (Math.min(image.width, image.height) < leastSide)
    return notApplicable(
      `The picture has ${image.width}×${image.height} px; copies are looked for from ${leastSide}×${leastSide} px on.`,
    );
  const scale = Math.min(1, Math.sqrt(mostPixels / (image.width * image.height)));
  const [width, height] = [image.width, image.height].map(side => Math.max(leastSide, Math.round(side * scale))) as [
    number,
    number,
  ];
  const plane = luma(resizeImage(image, width, height));
  const features = circularHarmonics(plane);
  const active = Uint8Array.from(features.contrast, value => (value >= leastContrast ? 1 : 0));
  const field = nearestField(features, active, leastDistance, new Random('copy-move'));
  const regions = matchedRegions(plane, active, field);

  const values = new Float32Array(width * height);
  for (const { members, at, similarity } of regions)
    for (const i of members) {
      values[i] = Math.max(values[i]!, similarity);
      const { x, y } = at(i % width, Math.floor(i / width));
      const [u, v] = [Math.round(x), Math.round(y)];
      if (u >= 0 && v >= 0 && u < width && v < height)
        values[v * width + u] = Math.max(values[v * width + u]!, similarity);
    }
  const pairs = regions.map(region => pairOf(region, width, image.width / width, image.height / height));
  const words = pairs.slice(0, 3).map(({ a, b, similarity }) => {
    const place = ({ left, top, width: wide, height: high }: Box) => `${wide}×${high} px at (${left}, ${top})`;
    return `${place(a)} and ${place(b)}, correlation ${similarity.toFixed(2)}`;
  });
  return {
    outcome: pairs.length > 0 ? 'notable' : 'quiet',
    summary:
      pairs.length === 0
        ? 'No two places show the same.'
        : `Places that show the same: ${words.join('; ')}${pairs.length > 3 ? `; and ${pairs.length - 3} more pairs` : ''}.`,
    map: { width, height, values, zero: 'no match', one: 'the same down to the finest structure' },
    pairs,
  };
}

/** A region and the place that it matches, in px of the scaled picture. */
interface Match {
  readonly members: readonly number[];
  /** From a place in the region to the place that shows the same. */
  readonly at: (x: number, y: number) => Point;
  /** The linear part of that: [[a, b], [c, d]]. */
  readonly linear: readonly [a: number, b: number, c: number, d: number];
  readonly similarity: number;
}

function matchedRegions(plane: Plane, active: Uint8Array, field: NearestField): Match[] {
  const { width } = plane;
  const fits = planarOffsets(field, active, width, plane.height);
  const fine = fineStructure(plane);
  const matches: Match[] = [];
  for (const members of coherentRegions(fits, field, width)) {
    if (members.length < leastArea) continue;
    const affine = fitAffine(members, field, width);
    if (affine === null) continue;
    const similarity = correlate(fine, members, affine.at);
    if (similarity >= leastSimilarity) matches.push({ members, ...affine, similarity });
  }
  // A copy matches its source and the source its copy: the larger region of the two is kept.
  const kept: Match[] = [];
  const taken = new Uint8Array(width * plane.height);
  for (const match of matches.sort((a, b) => b.members.length - a.members.length)) {
    const known = match.members.filter(i => taken[i]).length;
    if (known > match.members.length / 2) continue;
    kept.push(match);
    for (const i of match.members) {
      const { x, y } = match.at(i % width, Math.floor(i / width));
      taken[i] = 1;
      const to = Math.round(y) * width + Math.round(x);
      if (to >= 0 && to < taken.length) taken[to] = 1;
    }
  }
  return kept;
}

/** 1 where the offsets in a window around a pixel follow a plane in x and y to `mostError`. */
function planarOffsets({ dx, dy }: NearestField, active: Uint8Array, width: number, height: number): Uint8Array {
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

/** The affine map of least squares from a region's pixels to their matches; null when it is far from a similarity. */
function fitAffine(
  members: readonly number[],
  { dx, dy }: NearestField,
  width: number,
): Pick<Match, 'at' | 'linear'> | null {
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
  return {
    at: (x, y) => ({ x: x + mu + (a - 1) * (x - mx) + b * (y - my), y: y + mv + c * (x - mx) + (d - 1) * (y - my) }),
    linear: [a, b, c, d],
  };
}

/** What is finer than 3 px: luma less its blurred self. */
function fineStructure({ width, height, data }: Plane): Plane {
  const coarse = blurPlanes(data, width, height, 1, 3);
  return { width, height, data: data.map((value, i) => value - coarse[i]!) };
}

/** The correlation of a region with the place that it matches, between pixels linearly; 0 where that is outside. */
function correlate({ width, height, data }: Plane, members: readonly number[], at: Match['at']): number {
  let [n, sa, sb, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  for (const i of members) {
    const { x, y } = at(i % width, Math.floor(i / width));
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

/** A match in px of the picture itself. */
function pairOf(
  { members, at, linear: [a, b, c, d], similarity }: Match,
  width: number,
  scaleX: number,
  scaleY: number,
): MatchedPair {
  const points = members.map((i): Point => ({ x: i % width, y: Math.floor(i / width) }));
  const whole = ({ x, y }: Point): Point => ({ x: Math.round(x * scaleX), y: Math.round(y * scaleY) });
  const mirrored = a * d - b * c < 0;
  const turn = mirrored ? Math.atan2(-c, -a) : Math.atan2(c, a);
  const every = Math.max(1, Math.floor(points.length / 16));
  return {
    a: boxOf(points.map(whole)),
    b: boxOf(points.map(({ x, y }) => whole(at(x, y)))),
    matches: points
      .filter((_, i) => i % every === 0)
      .map(point => [whole(point), whole(at(point.x, point.y))] as const),
    similarity,
    area: Math.round(members.length * scaleX * scaleY),
    rotation: (turn * 180) / Math.PI,
    scale: Math.sqrt(Math.abs(a * d - b * c)),
    mirrored,
  };
}

function boxOf(points: readonly Point[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points)
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}
